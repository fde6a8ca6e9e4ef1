// SPDX-License-Identifier: MIT
/*
 * U-Boot's legacy image format: a header of 64 bytes, big endian, before the data. A boot script is
 * one (with a table of lengths before its text), a kernel for `bootm` is one. Source of the layout
 * and of the numbers: U-Boot include/image.h.
 */
#ifndef ABOARD_BUILD_LEGACY_H
#define ABOARD_BUILD_LEGACY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define LEGACY_HEADER 64
#define LEGACY_NAME   32

enum legacy_arch {
	LEGACY_ARM = 2,
	LEGACY_ARM64 = 22,
};

enum legacy_type {
	LEGACY_KERNEL = 2,
	LEGACY_SCRIPT = 6,
};

#define LEGACY_OS_LINUX 5

struct legacy {
	uint32_t time; /* seconds since 1970 */
	uint32_t size; /* bytes of data behind the header */
	uint32_t load, entry;
	uint32_t data_crc;
	uint8_t os, arch, type, compression;
	char name[LEGACY_NAME + 1];
};

/* Header and data of a script; load = entry = `address`, of which only the low 32 bits fit. */
int legacy_script(const char *text, size_t size, uint64_t address, uint32_t time, struct buf *out,
		  struct err *err);

/* Header for `size` bytes of kernel with this CRC-32, into `header`. */
void legacy_header(const struct legacy *legacy, uint8_t header[LEGACY_HEADER]);

/* Reads and checks a header: ERR_IMAGE when the magic or the header's CRC is wrong. The data's CRC
   is the caller's to check. */
int legacy_parse(const uint8_t *header, size_t size, struct legacy *legacy, struct err *err);

/* The lines `mkimage -l` prints about it (name, date in UTC, type, sizes, addresses). */
void legacy_text(const struct legacy *legacy, struct buf *out);

/* SOURCE_DATE_EPOCH when `epoch` (its text) is a number, otherwise `now`. ERR_CONFIG when it is
   set to something else. */
int legacy_time(const char *epoch, int64_t now, uint32_t *time, struct err *err);

#endif
