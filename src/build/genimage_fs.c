// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/text.h"
#include "build/fs_ext.h"
#include "build/fs_fat.h"
#include "build/genimage_model.h"

#define ARGS_MAX 160

char *gen_tree_path(const struct gen_image *image)
{
	if (image->srcpath)
		return xstrdup(image->srcpath);
	return image->mountpoint && *image->mountpoint
		       ? path_join(image->config->root, image->mountpoint)
		       : xstrdup(image->config->root);
}

/* The part of another image's mountpoint that is inside this image's; NULL: it is not. */
static const char *mountpoint_inside(const struct gen_image *image, const struct gen_image *other)
{
	const char *own = image->mountpoint ? image->mountpoint : "";
	size_t length = strlen(own);

	if (other == image || !other->mountpoint || !*other->mountpoint || image->srcpath)
		return NULL;
	if (length == 0)
		return other->mountpoint;
	return strncmp(other->mountpoint, own, length) == 0 && other->mountpoint[length] == '/'
		       ? other->mountpoint + length + 1
		       : NULL;
}

int gen_tree(struct gen_image *image, struct err *err)
{
	_cleanup_(freep) char *path = gen_tree_path(image);
	struct stat st;
	size_t i;
	int rc;

	if (image->tree)
		return 0;
	if (image->empty) {
		image->tree = rootfs_new(image->config->time);
		return 0;
	}
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		return rootfs_read_archive(&image->tree, path, image->config->deadline, err);
	rc = rootfs_read_folder(&image->tree, path, image->config->deadline, err);
	if (rc < 0)
		return err_remedy(err,
				  "name the root file system with --rootpath, or say empty = true");
	for (i = 0; i < image->config->count; i++) {
		const char *other = mountpoint_inside(image, image->config->images[i]);

		if (other)
			rootfs_empty_folder(image->tree, other);
	}
	rootfs_count_links(image->tree);
	return 0;
}

static const cfg_opt_t ext_options[] = {
	CFG_STR("root-owner", "0:0", CFGF_NONE),
	CFG_STR("extraargs", "", CFGF_NONE),
	CFG_STR("features", NULL, CFGF_NONE),
	CFG_STR("label", NULL, CFGF_NONE),
	CFG_STR("fs-timestamp", NULL, CFGF_NONE),
	CFG_BOOL("use-mke2fs", cfg_false, CFGF_NONE),
	CFG_END(),
};

/* An option of mkfs and where its value goes. */
struct mkfs_option {
	const char *name;
	const char **value;
};

static int read_extra(const struct gen_image *image, char **words,
		      const struct mkfs_option *options, struct err *err)
{
	const struct mkfs_option *option;

	for (; *words; words += 2) {
		for (option = options; option->name && strcmp(option->name, *words) != 0; option++)
			;
		if (!option->name || !words[1])
			return gen_error(image, err,
					 "extraargs: %s of the mkfs program is not "
					 "understood here",
					 *words);
		*option->value = words[1];
	}
	return 0;
}

/* "20000101000000", UTC, as debugfs takes it. */
static int read_timestamp(const struct gen_image *image, const char *text, int64_t *time,
			  struct err *err)
{
	struct tm tm = {0};
	const char *end;

	if (!text)
		return 0;
	end = strptime(text, "%Y%m%d%H%M%S", &tm);
	if (!end || *end || strlen(text) != 14)
		return gen_error(image, err, "fs-timestamp '%s': write YYYYMMDDhhmmss", text);
	*time = timegm(&tm);
	return 0;
}

static int set_root_owner(struct gen_image *image, struct err *err)
{
	const char *text = cfg_getstr(image->section, "root-owner");
	const char *colon = strchr(text, ':');
	_cleanup_(freep) char *user = colon ? xstrndup(text, (size_t)(colon - text)) : NULL;
	uint64_t uid, gid;

	if (!user || !text_u64(user, UINT32_MAX, &uid) || !text_u64(colon + 1, UINT32_MAX, &gid))
		return gen_error(image, err, "root-owner '%s': write UID:GID", text);
	image->tree->inodes[0]->uid = (uint32_t)uid;
	image->tree->inodes[0]->gid = (uint32_t)gid;
	return 0;
}

static int make_ext(struct gen_image *image, struct err *err)
{
	struct fs_ext_options options = {.type = image->type->name,
					 .size = image->size,
					 .label = cfg_getstr(image->section, "label"),
					 .features = cfg_getstr(image->section, "features"),
					 .time = image->config->time};
	const struct mkfs_option extra[] = {{"-L", &options.label},
					    {"-U", &options.uuid},
					    {"-O", &options.features},
					    {NULL, NULL}};
	_cleanup_(freep) char *copy = NULL;
	_cleanup_(freep) char **words = NULL;
	int rc = gen_words(image, cfg_getstr(image->section, "extraargs"), &copy, &words, err);

	if (rc == 0)
		rc = read_extra(image, words, extra, err);
	if (rc == 0)
		rc = read_timestamp(image, cfg_getstr(image->section, "fs-timestamp"),
				    &options.time, err);
	if (rc == 0)
		rc = gen_tree(image, err);
	if (rc == 0)
		rc = set_root_owner(image, err);
	if (rc < 0)
		return rc;
	if (truncate(image->path, (off_t)image->size) < 0)
		return err_errno(err, ERR_HOST, "cannot make a file of %" PRIu64 " bytes",
				 image->size);
	return fs_ext_make(image->path, &options, image->tree, image->config->deadline, err);
}

const struct gen_type gen_ext2 = {
	.name = "ext2", .options = ext_options, .needs_size = true, .make = make_ext};
const struct gen_type gen_ext3 = {
	.name = "ext3", .options = ext_options, .needs_size = true, .make = make_ext};
const struct gen_type gen_ext4 = {
	.name = "ext4", .options = ext_options, .needs_size = true, .make = make_ext};

static const cfg_opt_t vfat_file[] = {
	CFG_STR("image", NULL, CFGF_NONE),
	CFG_END(),
};

static const cfg_opt_t vfat_options[] = {
	CFG_STR("extraargs", "", CFGF_NONE),
	CFG_STR("label", "", CFGF_NONE),
	CFG_STR_LIST("files", NULL, CFGF_NONE),
	CFG_SEC("file", (cfg_opt_t *)(uintptr_t)vfat_file, CFGF_MULTI | CFGF_TITLE),
	CFG_END(),
};

static int number(const struct gen_image *image, const char *what, const char *text, int base,
		  uint64_t max, uint64_t *value, struct err *err)
{
	*value = 0;
	if (text &&
	    (base == 16 ? !text_hex(text, value) || *value > max : !text_u64(text, max, value)))
		return gen_error(image, err, "extraargs: %s '%s'", what, text);
	return 0;
}

static int read_vfat(const struct gen_image *image, char **words, struct fs_fat_options *options,
		     struct err *err)
{
	const char *bits = NULL, *cluster = NULL, *id = NULL, *sector = NULL;
	const struct mkfs_option extra[] = {{"-F", &bits},   {"-s", &cluster},        {"-i", &id},
					    {"-S", &sector}, {"-n", &options->label}, {NULL, NULL}};
	uint64_t value = 0;
	int rc = read_extra(image, words, extra, err);

	if (rc == 0)
		rc = number(image, "-F", bits, 10, 32, &value, err);
	options->bits = (unsigned int)value;
	if (rc == 0)
		rc = number(image, "-s", cluster, 10, 128, &value, err);
	options->cluster = (unsigned int)value;
	if (rc == 0)
		rc = number(image, "-i", id, 16, UINT32_MAX, &value, err);
	options->volume_id = (uint32_t)value;
	if (rc == 0 && sector && strcmp(sector, "512") != 0)
		rc = gen_error(image, err, "extraargs: -S %s: only sectors of 512 bytes", sector);
	return rc;
}

/* A FAT has no links: a link to a file of the tree becomes that file, as mcopy does it. */
static int follow_link(void *user, const char *path, struct rootfs_inode *inode, struct err *err)
{
	const struct rootfs *tree = user;
	_cleanup_(freep) char *folder = NULL, *target = NULL;
	const struct rootfs_inode *there;

	if (!S_ISLNK(inode->mode))
		return 0;
	folder = strchr(path, '/') ? path_folder(path) : xstrdup("");
	target = path_join(folder, inode->target);
	there = inode->target[0] == '/' ? NULL : rootfs_find(tree, target);
	if (!there || !S_ISREG(there->mode))
		return err_set(err, ERR_CONFIG,
			       "'%s' is a link to '%s'; a FAT can have only a copy of a "
			       "file beside it",
			       path, inode->target);
	free(inode->target);
	inode->target = NULL;
	inode->mode = there->mode;
	inode->source = there->source;
	inode->size = there->size;
	inode->host = there->host ? xstrdup(there->host) : NULL;
	return 0;
}

/* The files a vfat is said to hold; else it gets the tree. */
static int vfat_tree(struct gen_image *image, struct err *err)
{
	size_t i;
	int rc = 0;

	if (!image->part_count) {
		rc = gen_tree(image, err);
		return rc < 0 ? rc : rootfs_walk(image->tree, follow_link, image->tree, err);
	}
	image->tree = rootfs_new(image->config->time);
	for (i = 0; i < image->part_count && rc == 0; i++) {
		const struct gen_part *part = &image->parts[i];
		const struct gen_image *child = gen_find(image->config, part->image);

		rc = rootfs_put_host(image->tree, *part->name ? part->name : path_base(child->name),
				     child->path, 0644, image->config->time, err);
	}
	return rc;
}

static int make_vfat(struct gen_image *image, struct err *err)
{
	const char *label = cfg_getstr(image->section, "label");
	struct fs_fat_options options = {.size = image->size,
					 .label = label && *label ? label : NULL,
					 .time = image->config->time};
	_cleanup_(freep) char *copy = NULL;
	_cleanup_(freep) char **words = NULL;
	int rc = gen_words(image, cfg_getstr(image->section, "extraargs"), &copy, &words, err);

	if (rc == 0)
		rc = read_vfat(image, words, &options, err);
	if (rc == 0)
		rc = vfat_tree(image, err);
	if (rc < 0)
		return rc;
	if (truncate(image->path, (off_t)image->size) < 0)
		return err_errno(err, ERR_HOST, "cannot make a file of %" PRIu64 " bytes",
				 image->size);
	return fs_fat_make(image->path, &options, image->tree, image->config->deadline, err);
}

const struct gen_type gen_vfat = {
	.name = "vfat", .options = vfat_options, .needs_size = true, .make = make_vfat};

static const cfg_opt_t squashfs_options[] = {
	CFG_STR("extraargs", "", CFGF_NONE),
	CFG_STR("compression", "gzip", CFGF_NONE),
	CFG_STR("block-size", "4096", CFGF_NONE),
	CFG_END(),
};

static const char *const uncompressed[] = {"-comp",
					   "gzip",
					   "-noInodeCompression",
					   "-noDataCompression",
					   "-noFragmentCompression",
					   "-noXattrCompression",
					   NULL};

struct argv {
	const char *items[ARGS_MAX];
	size_t count;
};

static void push(struct argv *argv, const char *word)
{
	if (argv->count < ARGS_MAX - 1)
		argv->items[argv->count++] = word;
}

/* Mount points of other images stay empty in this one: as patterns, which must come last. */
static void push_excludes(struct argv *argv, const struct gen_image *image, char **patterns)
{
	size_t i, count = 0;

	for (i = 0; i < image->config->count && count < ARGS_MAX / 2; i++) {
		const char *other = mountpoint_inside(image, image->config->images[i]);

		if (!other)
			continue;
		if (count == 0) {
			push(argv, "-wildcards");
			push(argv, "-e");
		}
		patterns[count] = xasprintf("%s/*", other);
		push(argv, patterns[count++]);
	}
}

#define NOT_INSTALLED 127 /* env's status when it does not find the program */

static int run_mksquashfs(struct gen_image *image, const struct argv *argv, struct err *err)
{
	struct process_result result = {0};
	struct stat st;
	int rc = process_run(argv->items, &result, image->config->deadline, err);

	if (rc == 0 && result.status == NOT_INSTALLED) {
		err_set(err, ERR_HOST, "mksquashfs is not installed");
		rc = err_remedy(err, "apt-get install squashfs-tools");
	} else if (rc == 0 && result.status) {
		rc = gen_error(image, err, "%.400s",
			       result.out.size ? text_trim(result.out.data) : "mksquashfs failed");
	}
	buf_free(&result.out);
	if (rc < 0)
		return rc;
	if (stat(image->path, &st) < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", image->path);
	if (image->size && (uint64_t)st.st_size > image->size)
		return gen_error(image, err, "%llu bytes are more than its size, %" PRIu64,
				 (unsigned long long)st.st_size, image->size);
	image->size = (uint64_t)st.st_size;
	return 0;
}

static int make_squashfs(struct gen_image *image, struct err *err)
{
	const char *compression = cfg_getstr(image->section, "compression");
	_cleanup_(freep) char *path = gen_tree_path(image), *copy = NULL, *block = NULL,
			      *time = NULL;
	_cleanup_(freep) char **words = NULL;
	char *patterns[ARGS_MAX] = {NULL};
	struct argv argv = {.count = 0};
	uint64_t bytes;
	size_t i;
	int rc = gen_words(image, cfg_getstr(image->section, "extraargs"), &copy, &words, err);

	if (rc == 0)
		rc = gen_size(image, "block-size", cfg_getstr(image->section, "block-size"), &bytes,
			      err);
	if (rc < 0)
		return rc;
	block = xasprintf("%" PRIu64, bytes);
	time = xasprintf("%" PRId64, image->config->time);
	for (i = 0; i < 3; i++)
		push(&argv, ((const char *[]){"env", "-u", "SOURCE_DATE_EPOCH"})[i]);
	push(&argv, "mksquashfs");
	push(&argv, path);
	push(&argv, image->path);
	for (i = 0; i < 6; i++)
		push(&argv, ((const char *[]){"-noappend", "-no-progress", "-mkfs-time", time, "-b",
					      block})[i]);
	for (i = 0; strcasecmp(compression, "none") == 0 && uncompressed[i]; i++)
		push(&argv, uncompressed[i]);
	if (i == 0) {
		push(&argv, "-comp");
		push(&argv, compression);
	}
	for (i = 0; words[i]; i++)
		push(&argv, words[i]);
	push_excludes(&argv, image, patterns);
	rc = run_mksquashfs(image, &argv, err);
	for (i = 0; patterns[i]; i++)
		free(patterns[i]);
	return rc;
}

const struct gen_type gen_squashfs = {
	.name = "squashfs", .options = squashfs_options, .make = make_squashfs};
