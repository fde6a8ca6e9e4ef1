// SPDX-License-Identifier: MIT
/*
 * Numbers in buffers, little-endian, and runs of zeros.
 */
#ifndef ABOARD_IMAGE_BYTES_H
#define ABOARD_IMAGE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* The lowest `size` bytes of a number. */
static inline void put_le(uint8_t *at, uint64_t value, size_t size)
{
	for (; size > 0; size--, value >>= 8)
		*at++ = (uint8_t)value;
}

/* `size` bytes (> 0) that are all zero. */
static inline bool bytes_are_zero(const uint8_t *data, size_t size)
{
	return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

#endif
