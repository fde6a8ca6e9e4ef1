// SPDX-License-Identifier: MIT
#include "build/fs_fat.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/text.h"
#include "build/ident.h"

#define SECTOR     512
#define LABEL_MAX  11
#define FAT16_FROM ((uint64_t)16 << 20)
#define FAT32_FROM ((uint64_t)512 << 20)
#define ARGS_MAX   512

unsigned int fs_fat_bits(uint64_t size)
{
	return size >= FAT32_FROM ? 32 : size >= FAT16_FROM ? 16 : 12;
}

/* One file system while it is made. */
struct fat_maker {
	const struct fs_fat_options *options;
	const char *path;
	char *image;          /* "PATH@@OFFSET", for mtools */
	char *epoch;          /* "SOURCE_DATE_EPOCH=..." */
	const char **folders; /* to be made, "::a/b"; owned texts */
	size_t folder_count;
	struct deadline deadline;
};

static void maker_free(struct fat_maker *maker)
{
	size_t i;

	for (i = 0; i < maker->folder_count; i++)
		free((char *)(uintptr_t)maker->folders[i]);
	free(maker->folders);
	free(maker->image);
	free(maker->epoch);
}

/* Runs a program with a settled environment: its own time, no time zone, UTF-8 names, and none of
   the user's mtools settings. */
static int run(const struct fat_maker *maker, const char *const *argv, struct err *err)
{
	const char *all[ARGS_MAX + 16] = {"env",
					  "TZ=UTC",
					  "LC_ALL=C.UTF-8",
					  "HOME=/nonexistent",
					  "MTOOLSRC=/dev/null",
					  "MTOOLS_SKIP_CHECK=1",
					  "MTOOLS_NO_VFAT=0",
					  maker->epoch};
	struct process_result result = {0};
	size_t count = 8;
	int rc;

	for (; *argv && count < ARRAY_SIZE(all) - 1; argv++)
		all[count++] = *argv;
	all[count] = NULL;
	rc = process_run(all, &result, maker->deadline, err);
	if (rc == 0 && result.status == 127) {
		err_set(err, ERR_HOST, "%s is not installed", all[8]);
		rc = err_remedy(err, "apt-get install dosfstools mtools");
	} else if (rc == 0 && result.status) {
		bool full = strstr(buf_text(&result.out), "full") != NULL;

		rc = err_set(err, full ? ERR_TARGET : ERR_HOST, "%s: %.300s", all[8],
			     result.out.size ? text_trim(result.out.data) : "failed");
	}
	buf_free(&result.out);
	return rc;
}

/* mkfs.fat is not on every user's PATH. */
static const char *mkfs_program(void)
{
	return access("/usr/sbin/mkfs.fat", X_OK) == 0 ? "/usr/sbin/mkfs.fat" : "mkfs.fat";
}

static int format(const struct fat_maker *maker, uint32_t id, struct err *err)
{
	const struct fs_fat_options *options = maker->options;
	unsigned int bits = options->bits ? options->bits : fs_fat_bits(options->size);
	const char *argv[20];
	char volume[16], type[16], cluster[16], offset[40], blocks[32];
	size_t count = 0;

	snprintf(volume, sizeof(volume), "%08" PRIx32, id);
	snprintf(type, sizeof(type), "%u", bits);
	snprintf(cluster, sizeof(cluster), "%u", options->cluster);
	snprintf(offset, sizeof(offset), "--offset=%" PRIu64, options->offset / SECTOR);
	snprintf(blocks, sizeof(blocks), "%" PRIu64, options->size / 1024);
	argv[count++] = mkfs_program();
	argv[count++] = "--invariant";
	argv[count++] = "-i";
	argv[count++] = volume;
	argv[count++] = "-F"; /* left alone, it goes by the size of the whole file */
	argv[count++] = type;
	if (options->cluster) {
		argv[count++] = "-s";
		argv[count++] = cluster;
	}
	if (options->label) {
		argv[count++] = "-n";
		argv[count++] = options->label;
	}
	argv[count++] = offset;
	argv[count++] = maker->path;
	argv[count++] = blocks;
	argv[count] = NULL;
	return run(maker, argv, err);
}

static int check_name(const char *path, const char *name, struct err *err)
{
	const char *c;

	for (c = name; *c; c++)
		if ((unsigned char)*c < 32 || strchr("\\:*?\"<>|[]", *c))
			return err_set(err, ERR_CONFIG,
				       "'%s': a FAT cannot have '%c' in a name here", path, *c);
	if (name[strlen(name) - 1] == '.' || name[strlen(name) - 1] == ' ')
		return err_set(err, ERR_CONFIG, "'%s': a name on a FAT cannot end so", path);
	return 0;
}

/* A FAT does not tell capital letters from small ones. */
static int check_folder(const char *path, const struct rootfs_inode *folder, struct err *err)
{
	size_t i, j;
	int rc;

	for (i = 0; i < folder->count; i++) {
		rc = check_name(path, folder->names[i].name, err);
		if (rc < 0)
			return rc;
		for (j = 0; j < i; j++)
			if (strcasecmp(folder->names[i].name, folder->names[j].name) == 0)
				return err_set(err, ERR_CONFIG,
					       "'%s' and '%s' are the same name on a FAT",
					       folder->names[j].name, folder->names[i].name);
	}
	return 0;
}

static int visit_folder(void *user, const char *path, struct rootfs_inode *inode, struct err *err)
{
	struct fat_maker *maker = user;

	if (S_ISREG(inode->mode))
		return 0;
	if (!S_ISDIR(inode->mode))
		return err_set(err, ERR_CONFIG, "'%s': a FAT holds only files and folders", path);
	maker->folders = xrealloc(maker->folders, maker->folder_count + 1, sizeof(*maker->folders));
	maker->folders[maker->folder_count++] = xasprintf("::%s", path);
	return check_folder(path, inode, err);
}

static int make_folders(struct fat_maker *maker, struct err *err)
{
	const char *argv[ARGS_MAX];
	size_t done = 0, count;
	int rc = 0;

	while (done < maker->folder_count && rc == 0) {
		argv[0] = "mmd";
		argv[1] = "-i";
		argv[2] = maker->image;
		for (count = 3; done < maker->folder_count && count < ARGS_MAX - 1; count++)
			argv[count] = maker->folders[done++];
		argv[count] = NULL;
		rc = run(maker, argv, err);
	}
	return rc;
}

/* Bytes that are only in memory go through a file. */
static int copy_bytes(struct fat_maker *maker, const char *target, const struct rootfs_inode *inode,
		      struct err *err)
{
	_cleanup_(freep) char *name = xasprintf("%s.part", maker->path);
	const char *argv[] = {"mcopy", "-o", "-Q", "-i", maker->image, name, target, NULL};
	int rc = path_write(name, inode->size ? inode->bytes : "", inode->size, 0600, err);

	if (rc == 0)
		rc = run(maker, argv, err);
	unlink(name);
	return rc;
}

static int visit_file(void *user, const char *path, struct rootfs_inode *inode, struct err *err)
{
	struct fat_maker *maker = user;
	_cleanup_(freep) char *target = xasprintf("::%s", path), *host = NULL;
	int rc;

	if (!S_ISREG(inode->mode))
		return 0;
	if (inode->source == ROOTFS_ENTRY)
		return err_set(err, ERR_INTERNAL, "'%s': from an archive", path);
	if (inode->source != ROOTFS_HOST)
		return copy_bytes(maker, target, inode, err);
	host = realpath(inode->host, NULL);
	if (!host)
		return err_errno(err, ERR_NOT_FOUND, "cannot read %s", inode->host);
	rc = run(maker,
		 (const char *[]){"mcopy", "-o", "-Q", "-i", maker->image, host, target, NULL},
		 err);
	return rc < 0 ? err_prefix(err, "%s", path) : 0;
}

static int visit_name(void *user, const char *path, struct rootfs_inode *inode, struct err *err)
{
	(void)err;
	buf_addf(user, "%s %" PRIu64 "\n", path, inode->size);
	return 0;
}

static uint32_t derive_id(const struct fs_fat_options *options, const struct rootfs *rootfs)
{
	struct buf names = {0};
	char size[32];
	uint32_t id;

	snprintf(size, sizeof(size), "%" PRIu64, options->size);
	rootfs_walk(rootfs, visit_name, &names, NULL);
	id = ident_number(
		IDENT("fat", options->label ? options->label : "", size, buf_text(&names)));
	buf_free(&names);
	return id;
}

int fs_fat_make(const char *path, const struct fs_fat_options *options, const struct rootfs *rootfs,
		struct deadline deadline, struct err *err)
{
	_cleanup_(maker_free) struct fat_maker maker = {
		.options = options, .path = path, .deadline = deadline};
	uint32_t id = options->volume_id;
	int rc;

	maker.image = xasprintf("%s@@%" PRIu64, path, options->offset);
	maker.epoch = xasprintf("SOURCE_DATE_EPOCH=%" PRId64, options->time);
	if (options->label && strlen(options->label) > LABEL_MAX)
		return err_set(err, ERR_CONFIG, "label '%s': longer than %d characters",
			       options->label, LABEL_MAX);
	rc = check_folder("", rootfs->inodes[0], err);
	if (rc == 0)
		rc = rootfs_walk(rootfs, visit_folder, &maker, err);
	if (rc == 0)
		rc = format(&maker, id ? id : derive_id(options, rootfs), err);
	if (rc == 0)
		rc = make_folders(&maker, err);
	return rc < 0 ? rc : rootfs_walk(rootfs, visit_file, &maker, err);
}
