// SPDX-License-Identifier: MIT
/*
 * Firmware image packages of Trusted Firmware-A: a table of contents (header of 16 bytes, entries
 * of 40, ended by one with a zero UUID), then the payloads. Numbers are little endian. Source of
 * the layout and of the names: TF-A include/tools_share/firmware_image_package.h.
 */
#ifndef ABOARD_BUILD_FIP_H
#define ABOARD_BUILD_FIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FIP_HEADER_SIZE 16
#define FIP_ENTRY_SIZE  40
#define FIP_ENTRIES_MAX 64
#define FIP_TOC_MAX     (FIP_HEADER_SIZE + (FIP_ENTRIES_MAX + 1) * FIP_ENTRY_SIZE)
#define FIP_UUID_TEXT   37

struct fip_entry {
	char uuid[FIP_UUID_TEXT]; /* bytes as stored: "d6d0eea7-fcea-d54b-9782-9934f234b6e4" */
	const char *name;         /* "nt-fw", as fiptool calls it; NULL: not known */
	const char *help;         /* "BL33, the non-secure firmware (U-Boot)" */
	uint64_t offset, size, flags;
};

struct fip {
	uint32_t serial;
	uint64_t flags;
	struct fip_entry entries[FIP_ENTRIES_MAX];
	size_t count;
	uint64_t end; /* of the package, as the last entry says */
};

bool fip_is(const uint8_t *data, size_t size);

/* Reads the table from the first bytes of a package (FIP_TOC_MAX of them, if there are so many) of
   `total` bytes. ERR_IMAGE: no FIP, serial 0, no end of the table, a payload outside the file or
   inside the table, two payloads that overlap. */
int fip_parse(const uint8_t *data, size_t size, uint64_t total, struct fip *fip, struct err *err);

#endif
