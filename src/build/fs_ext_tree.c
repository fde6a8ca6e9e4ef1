// SPDX-License-Identifier: MIT
#include "build/fs_ext_tree.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

#define LOST_FOUND_SIZE 16384 /* so that e2fsck finds room, as mke2fs does */
#define LINK_MAX_EXT    65000
#define TIME_MIN        (-INT64_C(0x80000000)) /* what an inode can hold (Linux fs/ext4/ext4.h) */
#define TIME_MAX        INT64_C(0x37fffffff)

/* Times after 2038 and parts of a second go into the extra field. What is out of range becomes the
   nearest time that is in it, as Linux does it. */
static void put_time(struct rootfs_time time, uint32_t *low, uint32_t *extra)
{
	if (time.sec < TIME_MIN)
		time.sec = TIME_MIN;
	if (time.sec > TIME_MAX)
		time.sec = TIME_MAX;
	*low = (uint32_t)(time.sec & 0xffffffff);
	*extra = (uint32_t)(((time.sec - (int32_t)time.sec) >> 32) & 3) | time.nsec << 2;
}

static void fill_inode(const struct rootfs_inode *node, const struct ext_maker *maker,
		       struct ext2_inode_large *inode)
{
	memset(inode, 0, sizeof(*inode));
	inode->i_mode = (uint16_t)node->mode;
	inode->i_uid = (uint16_t)node->uid;
	inode->osd2.linux2.l_i_uid_high = (uint16_t)(node->uid >> 16);
	inode->i_gid = (uint16_t)node->gid;
	inode->osd2.linux2.l_i_gid_high = (uint16_t)(node->gid >> 16);
	inode->i_links_count = (uint16_t)node->links;
	put_time(node->atime, &inode->i_atime, &inode->i_atime_extra);
	put_time(node->mtime, &inode->i_mtime, &inode->i_mtime_extra);
	put_time(node->ctime, &inode->i_ctime, &inode->i_ctime_extra);
	put_time(node->mtime, &inode->i_crtime, &inode->i_crtime_extra);
	inode->i_extra_isize = maker->fs->super->s_want_extra_isize;
}

static int put_xattrs(struct ext_maker *maker, const struct rootfs_inode *node, struct err *err)
{
	struct ext2_xattr_handle *handle;
	errcode_t rc;
	size_t i;

	if (!node->xattr_count)
		return 0;
	rc = ext2fs_xattrs_open(maker->fs, (ext2_ino_t)node->number, &handle);
	if (rc)
		return ext_failed(maker, rc, "extended attributes", err);
	for (i = 0; i < node->xattr_count && !rc; i++)
		rc = ext2fs_xattr_set(handle, node->xattrs[i].name,
				      node->xattrs[i].value ? node->xattrs[i].value : "",
				      node->xattrs[i].size);
	ext2fs_xattrs_close(&handle);
	return rc ? ext_failed(maker, rc, "extended attributes", err) : 0;
}

struct numbering {
	ext2_filsys fs;
	uint64_t next;
};

static int number_one(void *user, const char *path, struct rootfs_inode *inode, struct err *err)
{
	struct numbering *numbering = user;

	(void)path;
	if (inode->number)
		return 0;
	if (numbering->next > numbering->fs->super->s_inodes_count)
		return err_set(err, ERR_TARGET, "the file system has too few inodes (%u)",
			       numbering->fs->super->s_inodes_count);
	inode->number = numbering->next++;
	ext2fs_inode_alloc_stats2(numbering->fs, (ext2_ino_t)inode->number, +1,
				  S_ISDIR(inode->mode));
	return 0;
}

static int number_all(struct ext_maker *maker, struct rootfs *rootfs, struct err *err)
{
	struct numbering numbering = {.fs = maker->fs, .next = maker->fs->super->s_first_ino};
	struct rootfs_inode *lost = rootfs_find(rootfs, "lost+found");
	size_t i;
	int rc;

	for (i = 0; i < rootfs->count; i++)
		rootfs->inodes[i]->number = 0;
	rootfs->inodes[0]->number = EXT2_ROOT_INO;
	ext2fs_inode_alloc_stats2(maker->fs, EXT2_ROOT_INO, +1, 1);
	rc = number_one(&numbering, "lost+found", lost, err); /* mke2fs: the first one */
	return rc < 0 ? rc : rootfs_walk(rootfs, number_one, &numbering, err);
}

static uint8_t file_type(uint32_t mode)
{
	static const struct {
		uint32_t mode;
		uint8_t type;
	} types[] = {
		{S_IFREG, EXT2_FT_REG_FILE}, {S_IFDIR, EXT2_FT_DIR},  {S_IFCHR, EXT2_FT_CHRDEV},
		{S_IFBLK, EXT2_FT_BLKDEV},   {S_IFIFO, EXT2_FT_FIFO}, {S_IFSOCK, EXT2_FT_SOCK},
		{S_IFLNK, EXT2_FT_SYMLINK},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].mode == (mode & S_IFMT))
			return types[i].type;
	return EXT2_FT_UNKNOWN;
}

/* The blocks of a folder while names go in. */
struct folder {
	struct ext_maker *maker;
	uint8_t *data;
	size_t blocks;
	size_t used, last; /* in the last block: bytes used, start of the last entry */
};

static size_t folder_room(const struct folder *folder)
{
	return folder->maker->block - (ext2fs_has_feature_metadata_csum(folder->maker->fs->super)
					       ? sizeof(struct ext2_dir_entry_tail)
					       : 0);
}

static struct ext2_dir_entry *entry_at(const struct folder *folder, size_t at)
{
	return (struct ext2_dir_entry *)(void *)(folder->data +
						 (folder->blocks - 1) * folder->maker->block + at);
}

/* The last entry of a block reaches to its end; the checksum's place follows. */
static void close_block(struct folder *folder)
{
	uint8_t *end;

	ext2fs_set_rec_len(folder->maker->fs, (unsigned int)(folder_room(folder) - folder->last),
			   entry_at(folder, folder->last));
	end = folder->data + folder->blocks * folder->maker->block;
	if (ext2fs_has_feature_metadata_csum(folder->maker->fs->super))
		ext2fs_initialize_dirent_tail(folder->maker->fs,
					      (void *)(end - sizeof(struct ext2_dir_entry_tail)));
}

static void open_block(struct folder *folder)
{
	folder->blocks++;
	folder->data = xrealloc(folder->data, folder->blocks, folder->maker->block);
	memset(folder->data + (folder->blocks - 1) * folder->maker->block, 0, folder->maker->block);
	folder->used = folder->last = 0;
}

static void add_entry(struct folder *folder, const char *name, uint64_t ino, uint32_t mode)
{
	size_t length = strlen(name), size = (8 + length + 3) & ~(size_t)3;
	struct ext2_dir_entry *entry;

	if (!folder->blocks || folder->used + size > folder_room(folder)) {
		if (folder->blocks)
			close_block(folder);
		open_block(folder);
	}
	folder->last = folder->used;
	folder->used += size;
	entry = entry_at(folder, folder->last);
	entry->inode = (uint32_t)ino;
	ext2fs_set_rec_len(folder->maker->fs, (unsigned int)size, entry);
	ext2fs_dirent_set_name_len(entry, (int)length);
	if (ext2fs_has_feature_filetype(folder->maker->fs->super))
		ext2fs_dirent_set_file_type(entry, file_type(mode));
	memcpy(entry->name, name, length);
}

/* An empty block: one entry without a name over all of it. */
static void add_empty_block(struct folder *folder)
{
	close_block(folder);
	open_block(folder);
}

static int put_folder(struct ext_maker *maker, const struct rootfs_inode *node, uint64_t parent,
		      bool lost, struct err *err)
{
	struct folder folder = {.maker = maker};
	uint64_t links = 2;
	size_t i;
	int rc;

	add_entry(&folder, ".", node->number, node->mode);
	add_entry(&folder, "..", parent, S_IFDIR);
	for (i = 0; i < node->count; i++) {
		add_entry(&folder, node->names[i].name, node->names[i].inode->number,
			  node->names[i].inode->mode);
		links += S_ISDIR(node->names[i].inode->mode);
	}
	while (lost && folder.blocks * maker->block < LOST_FOUND_SIZE)
		add_empty_block(&folder);
	close_block(&folder);
	maker->inode.i_links_count = links < LINK_MAX_EXT ? (uint16_t)links : 1;
	rc = ext_begin(maker, (ext2_ino_t)node->number, err);
	if (rc == 0)
		rc = ext_put_folder(maker, 0, folder.data, folder.blocks, err);
	ext2fs_inode_size_set(maker->fs, (struct ext2_inode *)(void *)&maker->inode,
			      (ext2_off64_t)(folder.blocks * maker->block));
	free(folder.data);
	if (rc < 0) {
		ext_abandon(maker);
		return rc;
	}
	return ext_end(maker, err);
}

static int put_link(struct ext_maker *maker, const struct rootfs_inode *node, struct err *err)
{
	size_t length = strlen(node->target);
	_cleanup_(freep) uint8_t *block = xcalloc(1, maker->block);
	int rc;

	maker->inode.i_size = (uint32_t)length;
	if (length >= maker->block)
		return err_set(err, ERR_IMAGE, "the target of a symbolic link is too long");
	memcpy(block, node->target, length);
	if (length < sizeof(maker->inode.i_block))
		memcpy(maker->inode.i_block, block, length);
	else if (ext2fs_has_feature_extents(maker->fs->super))
		maker->inode.i_flags |= EXT4_EXTENTS_FL;
	if (length < sizeof(maker->inode.i_block)) {
		maker->ino = (ext2_ino_t)node->number;
		maker->pending.e_len = 0;
		return ext_end(maker, err);
	}
	rc = ext_begin(maker, (ext2_ino_t)node->number, err);
	if (rc == 0)
		rc = ext_put(maker, 0, block, 1, err);
	if (rc < 0)
		ext_abandon(maker);
	return rc < 0 ? rc : ext_end(maker, err);
}

/* Device nodes, pipes, sockets, and files without data. Device numbers as in Linux
   include/linux/kdev_t.h: the old form where it is enough, else the new one. */
static int put_special(struct ext_maker *maker, const struct rootfs_inode *node, struct err *err)
{
	uint32_t major = node->major, minor = node->minor;

	if (S_ISCHR(node->mode) || S_ISBLK(node->mode)) {
		if (major < 256 && minor < 256)
			maker->inode.i_block[0] = major << 8 | minor;
		else
			maker->inode.i_block[1] =
				(minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
	}
	maker->ino = (ext2_ino_t)node->number;
	maker->pending.e_len = 0;
	return ext_end(maker, err);
}

struct writing {
	struct ext_maker *maker;
	const struct rootfs *rootfs;
	uint64_t files; /* with data, still to come */
};

static int put_node(struct writing *writing, const struct rootfs_inode *node, uint64_t parent,
		    struct err *err)
{
	struct ext_maker *maker = writing->maker;
	int rc;

	fill_inode(node, maker, &maker->inode);
	if (S_ISDIR(node->mode))
		rc = put_folder(maker, node, parent,
				node == rootfs_find(writing->rootfs, "lost+found"), err);
	else if (S_ISLNK(node->mode))
		rc = put_link(maker, node, err);
	else if (S_ISREG(node->mode) && node->size) {
		writing->files++;
		return 0;
	} else if (S_ISREG(node->mode)) {
		rc = ext_begin(maker, (ext2_ino_t)node->number, err);
		rc = rc < 0 ? rc : ext_end(maker, err);
	} else
		rc = put_special(maker, node, err);
	return rc < 0 ? rc : put_xattrs(maker, node, err);
}

/* Folders from the root down: each has to know the one it is in. */
static int put_folders(struct writing *writing, const struct rootfs_inode *folder, uint64_t parent,
		       struct err *err)
{
	size_t i;
	int rc = put_node(writing, folder, parent, err);

	for (i = 0; i < folder->count && rc == 0; i++) {
		if (!S_ISDIR(folder->names[i].inode->mode))
			continue;
		rc = put_folders(writing, folder->names[i].inode, folder->number, err);
		if (rc < 0)
			err_prefix(err, "%s", folder->names[i].name);
	}
	return rc;
}

static int put_others(struct writing *writing, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < writing->rootfs->count && rc == 0; i++) {
		const struct rootfs_inode *node = writing->rootfs->inodes[i];

		if (node->links && !S_ISDIR(node->mode))
			rc = put_node(writing, node, 0, err);
	}
	return rc;
}

static int file_begin(void *user, struct rootfs_inode *node, struct err *err)
{
	struct writing *writing = user;

	fill_inode(node, writing->maker, &writing->maker->inode);
	ext2fs_inode_size_set(writing->maker->fs,
			      (struct ext2_inode *)(void *)&writing->maker->inode,
			      (ext2_off64_t)node->size);
	writing->maker->tail_at = UINT64_MAX;
	return ext_begin(writing->maker, (ext2_ino_t)node->number, err);
}

static int flush_tail(struct ext_maker *maker, struct err *err)
{
	uint64_t at = maker->tail_at;

	maker->tail_at = UINT64_MAX;
	return at == UINT64_MAX ? 0 : ext_put(maker, at, maker->tail, 1, err);
}

/* Pieces come in any size: what does not fill a block waits in maker->tail. */
static int file_data(void *user, struct rootfs_inode *node, uint64_t offset, const void *bytes,
		     size_t size, struct err *err)
{
	struct ext_maker *maker = ((struct writing *)user)->maker;
	const uint8_t *data = bytes;
	int rc = 0;

	(void)node;
	while (size && rc == 0) {
		uint64_t at = offset / maker->block;
		size_t in = (size_t)(offset % maker->block), step = maker->block - in;

		if (maker->tail_at != UINT64_MAX && maker->tail_at != at)
			rc = flush_tail(maker, err);
		if (in == 0 && size >= maker->block && maker->tail_at == UINT64_MAX) {
			step = size - size % maker->block;
			rc = rc < 0 ? rc : ext_put(maker, at, data, step / maker->block, err);
		} else {
			if (maker->tail_at == UINT64_MAX)
				memset(maker->tail, 0, maker->block);
			maker->tail_at = at;
			step = step < size ? step : size;
			memcpy(maker->tail + in, data, step);
		}
		offset += step;
		data += step;
		size -= step;
	}
	return rc;
}

static int file_end(void *user, struct rootfs_inode *node, struct err *err)
{
	struct writing *writing = user;
	int rc = flush_tail(writing->maker, err);

	if (rc < 0)
		return rc;
	writing->files--;
	rc = ext_end(writing->maker, err);
	return rc < 0 ? rc : put_xattrs(writing->maker, node, err);
}

int ext_put_tree(struct ext_maker *maker, struct rootfs *rootfs, struct deadline deadline,
		 struct err *err)
{
	struct writing writing = {.maker = maker, .rootfs = rootfs};
	struct rootfs_sink sink = {&writing, file_begin, file_data, file_end};
	int rc = number_all(maker, rootfs, err);

	if (rc == 0)
		rc = put_folders(&writing, rootfs->inodes[0], EXT2_ROOT_INO, err);
	if (rc == 0)
		rc = put_others(&writing, err);
	if (rc == 0)
		rc = rootfs_read_data(rootfs, &sink, deadline, err);
	ext_abandon(maker);
	if (rc == 0 && writing.files)
		rc = err_set(err, ERR_IMAGE, "%s has changed while it was being read",
			     rootfs->path ? rootfs->path : "the tree");
	return rc;
}
