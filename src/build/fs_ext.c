// SPDX-License-Identifier: MIT
#include "build/fs_ext.h"

#include <e2p/e2p.h>
#include <et/com_err.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/fs_ext_tree.h"
#include "build/ident.h"

#define INODE_SIZE  256
#define FLEX_LOG    4 /* groups whose tables lie together: 2^4 */
#define RESERVED    5 /* percent for root */
#define SMALL_SIZE  ((uint64_t)8 << 20)
#define SMALL_BLOCK 1024
#define BLOCK       4096
#define FEW_INODES  ((uint64_t)512 << 20) /* below: an inode for 4096 bytes, else 16384 */

/* Features of Debian's mke2fs.conf: base_features, and those of the types. */
#define BASE_COMPAT                                                         \
	(EXT2_FEATURE_COMPAT_RESIZE_INODE | EXT2_FEATURE_COMPAT_DIR_INDEX | \
	 EXT2_FEATURE_COMPAT_EXT_ATTR)
#define BASE_INCOMPAT EXT2_FEATURE_INCOMPAT_FILETYPE
#define BASE_RO       (EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE)
#define EXT4_INCOMPAT                                                    \
	(EXT3_FEATURE_INCOMPAT_EXTENTS | EXT4_FEATURE_INCOMPAT_FLEX_BG | \
	 EXT4_FEATURE_INCOMPAT_64BIT)
#define EXT4_RO                                                                    \
	(EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_METADATA_CSUM | \
	 EXT4_FEATURE_RO_COMPAT_DIR_NLINK | EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE)

static const struct kind {
	const char *name;
	uint32_t compat, incompat, ro_compat;
} kinds[] = {
	{"ext2", BASE_COMPAT, BASE_INCOMPAT, BASE_RO},
	{"ext3", BASE_COMPAT | EXT3_FEATURE_COMPAT_HAS_JOURNAL, BASE_INCOMPAT, BASE_RO},
	{"ext4", BASE_COMPAT | EXT3_FEATURE_COMPAT_HAS_JOURNAL, BASE_INCOMPAT | EXT4_INCOMPAT,
	 BASE_RO | EXT4_RO},
};

static const struct kind *kind_of(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (text_equal(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

static int set_features(struct ext2_super_block *super, const struct kind *kind,
			const char *changes, struct err *err)
{
	/* What may be asked for: all that needs nothing else to be made or kept. */
	uint32_t allowed[3] = {BASE_COMPAT | EXT3_FEATURE_COMPAT_HAS_JOURNAL,
			       BASE_INCOMPAT | EXT4_INCOMPAT | EXT4_FEATURE_INCOMPAT_CSUM_SEED |
				       EXT4_FEATURE_INCOMPAT_LARGEDIR,
			       BASE_RO | EXT4_RO | EXT4_FEATURE_RO_COMPAT_GDT_CSUM};
	uint32_t features[3] = {kind->compat, kind->incompat, kind->ro_compat};
	_cleanup_(freep) char *copy = changes ? xstrdup(changes) : NULL;

	if (copy && e2p_edit_feature(copy, features, allowed))
		return err_set(err, ERR_CONFIG,
			       "features '%s': one of them is unknown, or cannot be "
			       "had here",
			       changes);
	super->s_feature_compat = features[0];
	super->s_feature_incompat = features[1];
	super->s_feature_ro_compat = features[2];
	if (ext2fs_has_feature_metadata_csum(super))
		ext2fs_clear_feature_gdt_csum(super);
	if (ext2fs_has_feature_csum_seed(super) && !ext2fs_has_feature_metadata_csum(super))
		return err_set(err, ERR_CONFIG, "metadata_csum_seed needs metadata_csum");
	return 0;
}

/* Inodes: by size as mke2fs does, and enough for the tree. */
static uint64_t inodes_for(const struct rootfs *rootfs, uint64_t size)
{
	uint64_t by_size = size / (size < FEW_INODES ? 4096 : 16384), needed = 32, i;

	for (i = 0; i < rootfs->count; i++)
		needed += rootfs->inodes[i]->links > 0;
	needed += needed / 16;
	return needed > by_size ? needed : by_size;
}

static int fill_super(struct ext2_super_block *super, const struct fs_ext_options *options,
		      const struct rootfs *rootfs, struct err *err)
{
	const struct kind *kind = kind_of(options->type);
	uint32_t block = options->size < SMALL_SIZE ? SMALL_BLOCK : BLOCK;
	uint64_t blocks = options->size / block;
	int rc;

	memset(super, 0, sizeof(*super));
	if (!kind)
		return err_set(err, ERR_CONFIG, "unknown type of file system '%s'", options->type);
	rc = set_features(super, kind, options->features, err);
	if (rc < 0)
		return rc;
	if (options->label && strlen(options->label) > EXT2_LABEL_LEN)
		return err_set(err, ERR_CONFIG, "label '%s': longer than %d bytes", options->label,
			       EXT2_LABEL_LEN);
	super->s_rev_level = EXT2_DYNAMIC_REV;
	super->s_log_block_size = block == BLOCK ? 2 : 0;
	super->s_log_cluster_size = super->s_log_block_size;
	ext2fs_blocks_count_set(super, blocks);
	ext2fs_r_blocks_count_set(super, blocks * RESERVED / 100);
	super->s_inode_size = INODE_SIZE;
	super->s_inodes_count = (uint32_t)inodes_for(rootfs, options->size);
	super->s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
	super->s_errors = EXT2_ERRORS_CONTINUE;
	if (ext2fs_has_feature_flex_bg(super))
		super->s_log_groups_per_flex = FLEX_LOG;
	return 0;
}

static int set_identity(ext2_filsys fs, const struct fs_ext_options *options,
			const struct rootfs *rootfs, struct err *err)
{
	struct ext2_super_block *super = fs->super;
	char size[32], uuid[UUID_TEXT];

	snprintf(size, sizeof(size), "%llu", (unsigned long long)options->size);
	if (!options->uuid)
		ident_uuid(super->s_uuid, IDENT(options->type, options->label ? options->label : "",
						size, rootfs->digest));
	else if (!uuid_read(options->uuid, super->s_uuid))
		return err_set(err, ERR_CONFIG, "'%s' is no UUID", options->uuid);
	uuid_text(super->s_uuid, uuid);
	ident_uuid((uint8_t *)super->s_hash_seed, IDENT("hash seed", uuid));
	if (ext2fs_has_feature_csum_seed(super))
		super->s_checksum_seed =
			ext2fs_crc32c_le(~0U, super->s_uuid, sizeof(super->s_uuid));
	ext2fs_init_csum_seed(fs);
	super->s_def_hash_version = EXT2_HASH_HALF_MD4;
	super->s_flags |= EXT2_FLAGS_SIGNED_HASH;
	super->s_max_mnt_count = -1;
	super->s_kbytes_written = 1;
	super->s_mkfs_time = super->s_lastcheck = super->s_wtime = (uint32_t)options->time;
	if (ext2fs_has_feature_metadata_csum(super))
		super->s_checksum_type = EXT2_CRC32C_CHKSUM;
	if (options->label)
		memcpy(super->s_volume_name, options->label, strlen(options->label));
	return 0;
}

/* Bitmaps and inode tables; the file reads as zeros, so the tables are. */
static errcode_t make_tables(ext2_filsys fs)
{
	errcode_t rc = ext2fs_allocate_tables(fs);
	dgrp_t group;

	for (group = 0; group < fs->group_desc_count && !rc; group++) {
		ext2fs_bg_flags_set(fs, group, EXT2_BG_INODE_ZEROED);
		if (ext2fs_has_group_desc_csum(fs))
			ext2fs_bg_flags_set(fs, group, EXT2_BG_INODE_UNINIT);
		ext2fs_group_desc_csum_set(fs, group);
	}
	return rc;
}

static errcode_t make_bad_blocks(ext2_filsys fs)
{
	ext2_badblocks_list none = NULL;
	errcode_t rc = ext2fs_badblocks_list_create(&none, 0);
	ext2_ino_t ino;

	for (ino = 1; ino < EXT2_FIRST_INODE(fs->super); ino++)
		if (ino != EXT2_ROOT_INO)
			ext2fs_inode_alloc_stats2(fs, ino, +1, 0);
	if (rc == 0)
		rc = ext2fs_update_bb_inode(fs, none);
	ext2fs_badblocks_list_free(none);
	return rc;
}

/* Without a journal when there is no room for one, as mke2fs does. */
static errcode_t make_journal(ext2_filsys fs)
{
	struct ext2fs_journal_params params = {0};
	errcode_t rc;

	if (!ext2fs_has_feature_journal(fs->super))
		return 0;
	if (ext2fs_default_journal_size(ext2fs_blocks_count(fs->super)) < 0) {
		ext2fs_clear_feature_journal(fs->super);
		return 0;
	}
	rc = ext2fs_get_journal_params(&params, fs);
	return rc ? rc : ext2fs_add_journal_inode3(fs, &params, ~0ULL, EXT2_MKJOURNAL_LAZYINIT);
}

static int format(struct ext_maker *maker, const struct fs_ext_options *options,
		  const struct rootfs *rootfs, struct err *err)
{
	char offset[48];
	errcode_t code;
	int rc;

	snprintf(offset, sizeof(offset), "offset=%llu", (unsigned long long)options->offset);
	code = io_channel_set_options(maker->fs->io, offset);
	if (code)
		return ext_failed(maker, code, "opening", err);
	maker->fs->now = (time_t)options->time;
	rc = set_identity(maker->fs, options, rootfs, err);
	if (rc < 0)
		return rc;
	code = make_tables(maker->fs);
	if (code == 0)
		code = make_bad_blocks(maker->fs);
	if (code == 0 && ext2fs_has_feature_resize_inode(maker->fs->super))
		code = ext2fs_create_resize_inode(maker->fs);
	if (code == 0)
		code = make_journal(maker->fs);
	return code ? ext_failed(maker, code, "formatting", err) : 0;
}

static int add_lost_found(struct rootfs *rootfs, int64_t time, struct err *err)
{
	struct rootfs_inode *there = rootfs_find(rootfs, "lost+found");
	int rc = 0;

	if (there && !S_ISDIR(there->mode))
		return err_set(err, ERR_IMAGE, "lost+found is no folder");
	if (!there)
		rc = rootfs_put_folder(rootfs, "lost+found", 0700, time, err);
	rootfs_count_links(rootfs);
	return rc;
}

static void maker_close(struct ext_maker *maker)
{
	if (maker->fs)
		ext2fs_free(maker->fs);
	closep(&maker->fd);
	free(maker->tail);
}

int fs_ext_make(const char *path, const struct fs_ext_options *options, struct rootfs *rootfs,
		struct deadline deadline, struct err *err)
{
	_cleanup_(maker_close) struct ext_maker maker = {
		.fd = open(path, O_RDWR | O_CLOEXEC), .offset = options->offset, .path = path};
	struct ext2_super_block super;
	errcode_t code;
	int rc;

	initialize_ext2_error_table();
	if (maker.fd < 0)
		return err_errno(err, ERR_HOST, "cannot open %s", path);
	rc = add_lost_found(rootfs, options->time, err);
	if (rc == 0)
		rc = fill_super(&super, options, rootfs, err);
	if (rc < 0)
		return rc;
	code = ext2fs_initialize(path, EXT2_FLAG_64BITS, &super, unix_io_manager, &maker.fs);
	if (code)
		return ext_failed(&maker, code, "formatting", err);
	maker.block = maker.fs->blocksize;
	maker.goal = maker.fs->super->s_first_data_block;
	maker.tail = xmalloc(maker.block);
	rc = format(&maker, options, rootfs, err);
	if (rc == 0)
		rc = ext_put_tree(&maker, rootfs, deadline, err);
	if (rc < 0)
		return rc;
	maker.fs->super->s_state |= EXT2_VALID_FS;
	ext2fs_mark_super_dirty(maker.fs);
	ext2fs_set_gdt_csum(maker.fs);
	code = ext2fs_close_free(&maker.fs);
	return code ? ext_failed(&maker, code, "writing", err) : 0;
}

uint64_t fs_ext_size_for(const struct rootfs *rootfs)
{
	uint64_t bytes = 0, inodes = 0, i;

	for (i = 0; i < rootfs->count; i++) {
		const struct rootfs_inode *inode = rootfs->inodes[i];

		if (!inode->links)
			continue;
		inodes++;
		bytes += S_ISREG(inode->mode) ? (inode->size + BLOCK - 1) / BLOCK * BLOCK : BLOCK;
		bytes += inode->count * 64;
	}
	bytes += inodes * INODE_SIZE * 2;
	bytes += bytes / 8 + ((uint64_t)16 << 20); /* tables, journal, some room */
	return (bytes + ((uint64_t)1 << 20) - 1) >> 20 << 20;
}
