// SPDX-License-Identifier: MIT
/*
 * FAT file systems: formatted by mkfs.fat, filled by mtools, both started by argument vector on a
 * piece of the image file. The volume's number is derived, all times are one given moment.
 */
#ifndef ABOARD_BUILD_FS_FAT_H
#define ABOARD_BUILD_FS_FAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/err.h"
#include "build/rootfs.h"

struct fs_fat_options {
	uint64_t offset;      /* in the file, whole sectors */
	uint64_t size;        /* bytes; cut to 1024 */
	const char *label;    /* up to 11 characters; NULL: none */
	unsigned int bits;    /* 12, 16, 32; 0: by size, never 32 below 512 MiB */
	unsigned int cluster; /* sectors; 0: by size */
	uint32_t volume_id;   /* 0: derived from label, size and names */
	int64_t time;         /* seconds since 1970 */
};

/* What a volume gets when nothing is asked for: 12, from 16 MiB on 16, from 512 MiB on 32. */
unsigned int fs_fat_bits(uint64_t size);

/* Makes it in an existing file at a place that reads as zeros. The tree may hold folders and files
   of this machine or in memory. ERR_CONFIG: names FAT cannot have; ERR_TARGET: too small; ERR_HOST:
   a program is missing or fails. */
int fs_fat_make(const char *path, const struct fs_fat_options *options, const struct rootfs *rootfs,
		struct deadline deadline, struct err *err);

#endif
