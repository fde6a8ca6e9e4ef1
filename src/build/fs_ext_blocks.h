// SPDX-License-Identifier: MIT
/*
 * Blocks of an ext file system under construction: taken in long runs, mapped into files as few
 * extents (or as block lists, without extents), and written past libext2fs's cache.
 */
#ifndef ABOARD_BUILD_FS_EXT_BLOCKS_H
#define ABOARD_BUILD_FS_EXT_BLOCKS_H

#include <ext2fs/ext2fs.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ext_maker {
	ext2_filsys fs;
	int fd;          /* the same file, for data */
	uint64_t offset; /* of the file system in it */
	const char *path;
	uint32_t block; /* bytes */
	blk64_t goal;   /* where to look for the next free block */

	/* The file that is being written. */
	ext2_ino_t ino;
	struct ext2_inode_large inode;
	ext2_extent_handle_t extents; /* NULL without extents */
	struct ext2fs_extent pending; /* not inserted yet; e_len 0: none */
	uint8_t *tail;                /* one block that is not complete yet */
	uint64_t tail_at;             /* which; UINT64_MAX: none */
};

/* ERR_TARGET when it is full, ERR_HOST for the machine's own trouble. */
int ext_failed(const struct ext_maker *maker, errcode_t code, const char *what, struct err *err);

/* Begins the file `ino` whose inode is in maker->inode: it is written with checksums and all. */
int ext_begin(struct ext_maker *maker, ext2_ino_t ino, struct err *err);

/* Puts whole blocks of data at block `at` of the file; they come in rising order. Blocks of zeros
   become holes. */
int ext_put(struct ext_maker *maker, uint64_t at, const uint8_t *data, size_t blocks,
	    struct err *err);

/* The same for a folder: each block gets its checksum, none is left out. */
int ext_put_folder(struct ext_maker *maker, uint64_t at, uint8_t *data, size_t blocks,
		   struct err *err);

/* Writes the inode as it now is. */
int ext_end(struct ext_maker *maker, struct err *err);

/* Ends a file that failed. */
void ext_abandon(struct ext_maker *maker);

#endif
