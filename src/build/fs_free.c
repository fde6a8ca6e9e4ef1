// SPDX-License-Identifier: MIT
#include "build/fs_free.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"

#define SECTOR    512
#define EXT_MAGIC 0x438 /* where the magic number is */

static void ext_closep(ext2_filsys *fs)
{
	if (*fs)
		ext2fs_free(*fs);
}

static void add_free_blocks(ext2_filsys fs, uint64_t offset, uint64_t size, struct spans *spans)
{
	blk64_t last = ext2fs_blocks_count(fs->super) - 1, from = fs->super->s_first_data_block, to;
	uint64_t block = fs->blocksize;

	if (block * (last + 1) > size)
		return;
	while (from <= last &&
	       !ext2fs_find_first_zero_block_bitmap2(fs->block_map, from, last, &from)) {
		if (ext2fs_find_first_set_block_bitmap2(fs->block_map, from, last, &to))
			to = last + 1;
		spans_add(spans, offset + from * block, offset + to * block);
		from = to;
	}
}

static void ext_free(const char *path, uint64_t offset, uint64_t size, struct spans *spans)
{
	_cleanup_(ext_closep) ext2_filsys fs = NULL;
	char options[48];

	snprintf(options, sizeof(options), "offset=%llu", (unsigned long long)offset);
	if (ext2fs_open2(path, options, EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs))
		return;
	if (ext2fs_has_feature_journal_needs_recovery(fs->super) ||
	    ext2fs_has_feature_bigalloc(fs->super) || !(fs->super->s_state & EXT2_VALID_FS) ||
	    (fs->super->s_state & EXT2_ERROR_FS) || ext2fs_read_bitmaps(fs))
		return;
	add_free_blocks(fs, offset, size, spans);
}

/* Where things are on a FAT file system, in bytes from its start. Source: Microsoft's "FAT: General
   Overview of On-Disk Format", 1.03. */
struct fat {
	uint64_t table, data, cluster;
	uint32_t clusters, bits;
};

static bool fat_read(const uint8_t boot[SECTOR], uint64_t size, struct fat *fat)
{
	uint32_t bytes = le16(boot + 11), per = boot[13], reserved = le16(boot + 14),
		 copies = boot[16], roots = le16(boot + 17);
	uint64_t sectors = le16(boot + 19) ? le16(boot + 19) : le32(boot + 32);
	uint64_t length = le16(boot + 22) ? le16(boot + 22) : le32(boot + 36);
	uint64_t data = reserved + copies * length;

	if (boot[510] != 0x55 || boot[511] != 0xaa || (boot[0] != 0xeb && boot[0] != 0xe9))
		return false;
	if (bytes < SECTOR || bytes > 4096 || (bytes & (bytes - 1)) || !per || (per & (per - 1)) ||
	    !reserved || copies < 1 || copies > 2 || !length || sectors * bytes > size)
		return false;
	data += ((uint64_t)roots * 32 + bytes - 1) / bytes;
	if (data >= sectors || (sectors - data) / per >= 0x0ffffff5)
		return false;
	fat->table = (uint64_t)reserved * bytes;
	fat->data = data * bytes;
	fat->cluster = (uint64_t)per * bytes;
	fat->clusters = (uint32_t)((sectors - data) / per);
	fat->bits = fat->clusters < 4085 ? 12 : fat->clusters < 65525 ? 16 : 32;
	return ((uint64_t)fat->clusters + 2) * fat->bits / 8 <= length * bytes;
}

static bool is_free(const struct fat *fat, const uint8_t *table, uint32_t cluster)
{
	const uint8_t *at = table + (uint64_t)cluster * fat->bits / 8;

	if (fat->bits == 12)
		return ((cluster & 1 ? le16(at) >> 4 : le16(at)) & 0xfff) == 0;
	return fat->bits == 16 ? le16(at) == 0 : (le32(at) & 0x0fffffff) == 0;
}

static int fat_free(int fd, const struct fat *fat, uint64_t offset, struct spans *spans,
		    struct err *err)
{
	size_t size = (size_t)(((uint64_t)fat->clusters + 2) * fat->bits / 8 + 4);
	_cleanup_(freep) uint8_t *table = xcalloc(1, size);
	uint64_t start = offset + fat->data;
	uint32_t i;

	if (pread(fd, table, size, (off_t)(offset + fat->table)) < 0)
		return err_errno(err, ERR_HOST, "cannot read a FAT");
	for (i = 0; i < fat->clusters; i++)
		if (is_free(fat, table, i + 2))
			spans_add(spans, start + i * fat->cluster, start + (i + 1) * fat->cluster);
	return 0;
}

int fs_free(const char *path, uint64_t offset, uint64_t size, struct spans *spans, struct err *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t head[2048];
	struct fat fat;
	ssize_t got;

	if (fd < 0)
		return err_errno(err, ERR_HOST, "cannot open %s", path);
	if (size < sizeof(head))
		return 0;
	got = pread(fd, head, sizeof(head), (off_t)offset);
	if (got < (ssize_t)sizeof(head))
		return got < 0 ? err_errno(err, ERR_HOST, "cannot read %s", path) : 0;
	if (le16(head + EXT_MAGIC) == 0xef53)
		ext_free(path, offset, size, spans);
	else if (fat_read(head, size, &fat))
		return fat_free(fd, &fat, offset, spans, err);
	return 0;
}
