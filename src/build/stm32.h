// SPDX-License-Identifier: MIT
/*
 * The STM32 image header, which the boot ROMs of STM32MP1 and MP2 want before a first-stage loader:
 * version 1.0 (MP15), 2.0 (MP13), 2.2 (MP23, MP25), 2.3 (MP21). Numbers are little endian; the
 * checksum is the sum of the payload's bytes. Sources of the layout: TF-A tools/stm32image,
 * plat/st/stm32mp1/include/boot_api.h; U-Boot tools/stm32image.c.
 */
#ifndef ABOARD_BUILD_STM32_H
#define ABOARD_BUILD_STM32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define STM32_HEADER_MAX 0x240
#define STM32_PUBLIC_KEY 64
#define STM32_HEADER_HEAD \
	STM32_HEADER_MAX /* bytes to give to stm32_parse(), if there are so many */

/* Where one version of the header has its fields. */
struct stm32_layout {
	const char *name;             /* "1.0", "2.0", "2.2", "2.3" */
	const char *chips;            /* "STM32MP15" */
	uint32_t version;             /* as stored, little endian: 0x00010000 */
	size_t size;                  /* of the header */
	size_t signature;             /* bytes, at 4 */
	size_t fields;                /* of the checksum; the next fields follow it */
	size_t flags;                 /* option or extension flags */
	size_t type;                  /* binary type */
	size_t extension;             /* extension header; 0: none (version 1) */
	size_t padding, padding_size; /* must be zero */
	uint32_t payload_max;         /* what the ROM loads at most; 0: not known */
};

struct stm32_header {
	const struct stm32_layout *layout;
	uint32_t checksum, length, entry, load, version_number;
	uint32_t flags; /* version 1: bit 0 not signed; version 2: bit 0 signed, bit 1 encrypted */
	uint8_t type;   /* 0x00 U-Boot, 0x10 TF-A, 0x20 OP-TEE, 0x30 Cortex-M33 */
	bool is_signed, is_encrypted;
	bool reserved_clean; /* reserved words and padding are zero, as U-Boot wants them */
};

/* The layouts, ended by an empty row. */
extern const struct stm32_layout stm32_layouts[];

/* "1", "1.0", "2.0", "2.2", "2.3"; "2" is 2.0. NULL: none of them. */
const struct stm32_layout *stm32_layout_find(const char *name);

/* Whether it begins as an STM32 image. */
bool stm32_is(const uint8_t *data, size_t size);

/* Reads a header: ERR_IMAGE when it is none, or of no known version, or cut short. */
int stm32_parse(const uint8_t *data, size_t size, struct stm32_header *header, struct err *err);

/* Adds a piece of payload to a checksum that starts with 0. */
uint32_t stm32_checksum(uint32_t checksum, const uint8_t *data, size_t size);

/* An unsigned header for a payload; header->layout, length, checksum, entry, load, version_number
   and type count. `out` receives header->layout->size bytes. */
void stm32_make(const struct stm32_header *header, uint8_t out[STM32_HEADER_MAX]);

/* "TF-A", "U-Boot"...; "unknown". */
const char *stm32_type_name(uint8_t type);

#endif
