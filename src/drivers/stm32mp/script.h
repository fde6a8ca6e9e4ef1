// SPDX-License-Identifier: MIT
/*
 * The script that makes stock U-Boot of STM32MP boards a fastboot device, and lets it prove what it
 * wrote. U-Boot's `stm32prog` runs a script that it gets in place of a layout (from v2021.10 on;
 * U-Boot arch/arm/mach-stm32mp/cmd_stm32prog/stm32prog.c). ST's builds have no fastboot command
 * that runs another, so all is in the script beforehand: fastboot; when the host has written and
 * lets it go on, the CRC-32 of each range that was written is taken from the medium, and the CRC-32
 * over those of a group becomes a fastboot variable; then fastboot again, where the host asks for
 * them. Pure.
 */
#ifndef ABOARD_DRIVERS_STM32MP_SCRIPT_H
#define ABOARD_DRIVERS_STM32MP_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "image/image.h"

#define SCRIPT_SECTOR 512
#define SCRIPT_SLICE  ((uint64_t)16 << 20) /* bytes read at once */
#define SCRIPT_GROUPS 64                   /* variables at most */

/* One range of the medium that was written, whole sectors but for the last one of an image. */
struct script_range {
	uint64_t offset, size; /* bytes */
	uint32_t crc;
	unsigned int hwpart; /* hardware partition of an eMMC: 0 user area, 1 and 2 for booting */
};

/* Where an image goes. */
struct script_place {
	unsigned int hwpart;
	uint64_t offset; /* of its first byte */
};

struct script {
	struct script_range *ranges; /* owned */
	size_t count, space;
	uint64_t zeros;  /* bytes of the images that are zero, in blocks of 4 KiB */
	uint64_t unused; /* bytes that may hold anything */
};

#define SCRIPT_PROBE ((uint64_t)1 << 20) /* bytes of an erased medium that are looked at */

struct script_settings {
	const char *interface; /* "mmc": U-Boot's command for the medium */
	unsigned int device;   /* its number there */
	uint32_t memory;       /* address of SCRIPT_SLICE bytes, and as many again for results */
	uint64_t erase;        /* bytes from the medium's start to be erased first; 0: none */
	const char *before;    /* lines that come before anything is written; NULL: none */
	const char *after;     /* lines that come when all is written; NULL: none */
};

/* Adds the ranges of an image with their CRCs: all that is not unused, cut into slices. Reads it to
   its end. */
int script_measure(struct script *script, struct image *image, struct script_place place,
		   struct err *err);
void script_free(struct script *script);

/* The text; ERR_IMAGE when it is in too many pieces for U-Boot's buffer. */
int script_text(const struct script *script, const struct script_settings *settings,
		struct buf *out, struct err *err);
/* Only what proves: for a U-Boot without fastboot the same commands can be run by hand. */
void script_proof(const struct script *script, const struct script_settings *settings,
		  struct buf *out);

/* The variables "crc0", "crc1"..., and whether one has the value it must have: read as a little
   endian word where crc32 has stored its result. A U-Boot with several hash algorithms stores the
   digest's bytes (big endian), one with CRC-32 alone a number (U-Boot common/hash.c). */
size_t script_groups(const struct script *script);
bool script_matches(const struct script *script, size_t group, uint32_t value);
/* Whether the variable "zero" says that what was erased reads as zeros: SD cards may read as ones.
 */
bool script_is_zero(uint32_t value);

/* The first and the last range of a group, for messages. */
const struct script_range *script_first(const struct script *script, size_t group);
const struct script_range *script_last(const struct script *script, size_t group);

#endif
