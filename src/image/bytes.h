// SPDX-License-Identifier: MIT
/*
 * Little-endian numbers in buffers.
 */
#ifndef ABOARD_IMAGE_BYTES_H
#define ABOARD_IMAGE_BYTES_H

#include <stdint.h>

static inline uint16_t le16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t le24(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
}

static inline uint32_t le32(const uint8_t *at)
{
	return le24(at) | (uint32_t)at[3] << 24;
}

static inline uint64_t le64(const uint8_t *at)
{
	return le32(at) | (uint64_t)le32(at + 4) << 32;
}

#endif
