// SPDX-License-Identifier: MIT
/*
 * ext2, ext3 and ext4 file systems, made with libext2fs from a tree of files into a piece of a
 * sparse file: no root, no mount, no loop device. What mke2fs chooses by default is chosen here
 * too (Debian's mke2fs.conf), except what would be random: identifiers come from the content or
 * are given, all times of the file system itself are one given moment.
 */
#ifndef ABOARD_BUILD_FS_EXT_H
#define ABOARD_BUILD_FS_EXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/err.h"
#include "build/rootfs.h"

struct fs_ext_options {
	const char *type;     /* "ext2", "ext3", "ext4" */
	uint64_t offset;      /* of the file system in the file, bytes */
	uint64_t size;        /* bytes; cut to whole blocks */
	const char *label;    /* up to 16 bytes; NULL: none */
	const char *uuid;     /* text form; NULL: derived from the content, label and size */
	const char *features; /* changes, as mke2fs -O: "^metadata_csum,^64bit"; NULL: none */
	int64_t time;         /* seconds since 1970 */
};

/* Makes it in an existing file at a place that reads as zeros. The file grows as needed but is not
   set to its full size. The inodes' `number` is changed. ERR_CONFIG: a bad label, uuid or feature;
   ERR_TARGET: the tree does not fit; ERR_IMAGE: the source is damaged. */
int fs_ext_make(const char *path, const struct fs_ext_options *options, struct rootfs *rootfs,
		struct deadline deadline, struct err *err);

/* Bytes of a file system that holds the tree with some room: never too small. */
uint64_t fs_ext_size_for(const struct rootfs *rootfs);

#endif
