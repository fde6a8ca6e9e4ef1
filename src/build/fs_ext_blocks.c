// SPDX-License-Identifier: MIT
#include "build/fs_ext_blocks.h"

#include <errno.h>
#include <et/com_err.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define EXTENT_BLOCKS 32768 /* longest initialised extent */

int ext_failed(const struct ext_maker *maker, errcode_t code, const char *what, struct err *err)
{
	if (code == EXT2_ET_BLOCK_ALLOC_FAIL || code == EXT2_ET_INODE_ALLOC_FAIL ||
	    code == EXT2_ET_TOOSMALL || code == ENOSPC)
		return err_set(err, ERR_TARGET, "%s: the file system is too small", what);
	return err_set(err, ERR_HOST, "%s: %s: %s", maker->path, what, error_message(code));
}

static struct ext2_inode *small(struct ext_maker *maker)
{
	return (struct ext2_inode *)(void *)&maker->inode;
}

int ext_begin(struct ext_maker *maker, ext2_ino_t ino, struct err *err)
{
	errcode_t rc;

	maker->ino = ino;
	maker->pending.e_len = 0;
	maker->extents = NULL;
	if (ext2fs_has_feature_extents(maker->fs->super) && !LINUX_S_ISLNK(maker->inode.i_mode))
		maker->inode.i_flags |= EXT4_EXTENTS_FL;
	rc = ext2fs_write_inode_full(maker->fs, ino, small(maker), sizeof(maker->inode));
	if (rc == 0 && ext2fs_has_feature_extents(maker->fs->super))
		rc = ext2fs_extent_open2(maker->fs, ino, small(maker), &maker->extents);
	return rc ? ext_failed(maker, rc, "beginning a file", err) : 0;
}

static errcode_t insert_pending(struct ext_maker *maker)
{
	struct ext2_extent_info info;
	errcode_t rc;

	if (!maker->pending.e_len)
		return 0;
	rc = ext2fs_extent_get_info(maker->extents, &info);
	if (rc)
		return rc;
	rc = ext2fs_extent_insert(maker->extents, info.num_entries ? EXT2_EXTENT_INSERT_AFTER : 0,
				  &maker->pending);
	if (rc == 0)
		rc = ext2fs_extent_fix_parents(maker->extents);
	maker->pending.e_len = 0;
	return rc;
}

static errcode_t map_extent(struct ext_maker *maker, uint64_t at, blk64_t first, uint32_t count)
{
	struct ext2fs_extent *pending = &maker->pending;
	uint32_t room;
	errcode_t rc;

	if (pending->e_len && pending->e_lblk + pending->e_len == at &&
	    pending->e_pblk + pending->e_len == first) {
		room = EXTENT_BLOCKS - pending->e_len;
		room = room < count ? room : count;
		pending->e_len += room;
		at += room;
		first += room;
		count -= room;
	}
	while (count) {
		rc = insert_pending(maker);
		if (rc)
			return rc;
		room = count < EXTENT_BLOCKS ? count : EXTENT_BLOCKS;
		*pending = (struct ext2fs_extent){.e_pblk = first, .e_lblk = at, .e_len = room};
		at += room;
		first += room;
		count -= room;
	}
	return 0;
}

static errcode_t map_blocks(struct ext_maker *maker, uint64_t at, blk64_t first, uint32_t count)
{
	blk64_t block;
	errcode_t rc;
	uint32_t i;

	for (i = 0; i < count; i++) {
		block = first + i;
		rc = ext2fs_bmap2(maker->fs, maker->ino, small(maker), NULL, BMAP_SET | BMAP_ALLOC,
				  at + i, NULL, &block);
		if (rc)
			return rc;
	}
	return 0;
}

/* Takes up to `want` blocks that lie together and maps them at `at`. */
static errcode_t take(struct ext_maker *maker, uint64_t at, size_t want, blk64_t *first,
		      blk64_t *count)
{
	errcode_t rc = ext2fs_new_range(maker->fs, 0, maker->goal, want, NULL, first, count);

	if (rc)
		return rc;
	if (*count > want)
		*count = want;
	ext2fs_block_alloc_stats_range(maker->fs, *first, (blk_t)*count, +1);
	maker->goal = *first + *count;
	if (maker->goal >= ext2fs_blocks_count(maker->fs->super))
		maker->goal = maker->fs->super->s_first_data_block;
	rc = ext2fs_iblk_add_blocks(maker->fs, small(maker), *count);
	if (rc)
		return rc;
	return maker->extents ? map_extent(maker, at, *first, (uint32_t)*count)
			      : map_blocks(maker, at, *first, (uint32_t)*count);
}

static int write_at(const struct ext_maker *maker, blk64_t block, const uint8_t *data, size_t size,
		    struct err *err)
{
	off_t at = (off_t)(maker->offset + block * maker->block);
	ssize_t step;

	for (; size; data += step, size -= (size_t)step, at += step) {
		step = pwrite(maker->fd, data, size, at);
		if (step < 0 && errno == EINTR)
			step = 0;
		else if (step < 0)
			return err_errno(err, ERR_HOST, "cannot write %s", maker->path);
	}
	return 0;
}

static int put_run(struct ext_maker *maker, uint64_t at, const uint8_t *data, size_t blocks,
		   struct err *err)
{
	blk64_t first, count;
	errcode_t code;
	int rc;

	for (; blocks; at += count, data += count * maker->block, blocks -= count) {
		code = take(maker, at, blocks, &first, &count);
		if (code)
			return ext_failed(maker, code, "taking blocks", err);
		rc = write_at(maker, first, data, count * maker->block, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool is_zero(const uint8_t *data, size_t size)
{
	return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

int ext_put(struct ext_maker *maker, uint64_t at, const uint8_t *data, size_t blocks,
	    struct err *err)
{
	size_t start = 0, i;
	int rc;

	for (i = 0; i <= blocks; i++) {
		if (i < blocks && !is_zero(data + i * maker->block, maker->block))
			continue;
		if (i > start) {
			rc = put_run(maker, at + start, data + start * maker->block, i - start,
				     err);
			if (rc < 0)
				return rc;
		}
		start = i + 1;
	}
	return 0;
}

int ext_put_folder(struct ext_maker *maker, uint64_t at, uint8_t *data, size_t blocks,
		   struct err *err)
{
	blk64_t first, count, i;
	errcode_t code;

	for (; blocks; at += count, blocks -= count) {
		code = take(maker, at, blocks, &first, &count);
		for (i = 0; i < count && !code; i++, data += maker->block)
			code = ext2fs_write_dir_block4(maker->fs, first + i, data, 0, maker->ino);
		if (code)
			return ext_failed(maker, code, "writing a folder", err);
	}
	return 0;
}

int ext_end(struct ext_maker *maker, struct err *err)
{
	errcode_t rc = insert_pending(maker);

	ext_abandon(maker);
	if (rc == 0)
		rc = ext2fs_write_inode_full(maker->fs, maker->ino, small(maker),
					     sizeof(maker->inode));
	return rc ? ext_failed(maker, rc, "ending a file", err) : 0;
}

void ext_abandon(struct ext_maker *maker)
{
	if (maker->extents)
		ext2fs_extent_free(maker->extents);
	maker->extents = NULL;
}
