// SPDX-License-Identifier: MIT
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/disk_table_write.h"
#include "build/genimage_model.h"

#define PIECE ((size_t)1 << 20)

/* One archive while it is written, in the order of the walk. */
struct writer {
	struct gen_image *image;
	struct archive *archive;
	bool tar;
	uint64_t next; /* inode number to give */
	char *piece;
};

static int failed(const struct writer *writer, struct err *err)
{
	const char *text = archive_error_string(writer->archive);

	return err_set(err, ERR_HOST, "%s", text ? text : "the archive cannot be written");
}

static int write_data(struct writer *writer, const struct rootfs_inode *inode, struct err *err)
{
	_cleanup_(closep) int fd = -1;
	uint64_t at = 0;
	int rc;

	if (inode->source == ROOTFS_BYTES)
		return archive_write_data(writer->archive, inode->bytes, inode->size) < 0
			       ? failed(writer, err)
			       : 0;
	fd = open(inode->host, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", inode->host);
	for (; at < inode->size;) {
		size_t step = inode->size - at < PIECE ? (size_t)(inode->size - at) : PIECE;

		rc = deadline_check(writer->image->config->deadline, err);
		if (rc == 0)
			rc = file_get(fd, writer->piece, step, at, err);
		if (rc < 0)
			return err_prefix(err, "%s", inode->host);
		if (archive_write_data(writer->archive, writer->piece, step) < 0)
			return failed(writer, err);
		at += step;
	}
	return 0;
}

static void fill_entry(struct archive_entry *entry, const char *path,
		       const struct rootfs_inode *inode)
{
	size_t i;

	archive_entry_set_pathname(entry, path);
	archive_entry_set_mode(entry, (mode_t)inode->mode);
	archive_entry_set_uid(entry, inode->uid);
	archive_entry_set_gid(entry, inode->gid);
	archive_entry_set_mtime(entry, (time_t)inode->mtime.sec, 0);
	archive_entry_set_ino64(entry, (int64_t)inode->number);
	archive_entry_set_nlink(entry, S_ISDIR(inode->mode) ? 2 : inode->links);
	archive_entry_set_rdevmajor(entry, inode->major);
	archive_entry_set_rdevminor(entry, inode->minor);
	if (S_ISLNK(inode->mode))
		archive_entry_set_symlink(entry, inode->target);
	for (i = 0; i < inode->xattr_count; i++)
		archive_entry_xattr_add_entry(entry, inode->xattrs[i].name, inode->xattrs[i].value,
					      inode->xattrs[i].size);
	archive_entry_set_size(entry, S_ISREG(inode->mode) ? (int64_t)inode->size : 0);
}

/* The name a file of several was first written under is kept in its `target`. */
static int write_entry(void *user, const char *path, struct rootfs_inode *inode, struct err *err)
{
	struct writer *writer = user;
	_cleanup_(freep) char *name = writer->tar ? xasprintf("./%s", path) : xstrdup(path);
	struct archive_entry *entry = archive_entry_new();
	bool again = inode->number != 0;
	int rc = 0;

	if (!again)
		inode->number = writer->next++;
	fill_entry(entry, name, inode);
	if (again && S_ISREG(inode->mode)) {
		archive_entry_set_size(entry, 0);
		archive_entry_set_hardlink(entry, inode->target);
	} else if (S_ISREG(inode->mode) && inode->links > 1) {
		inode->target = xstrdup(name);
	}
	if (archive_write_header(writer->archive, entry) != ARCHIVE_OK)
		rc = failed(writer, err);
	else if (!again && S_ISREG(inode->mode) && inode->size)
		rc = write_data(writer, inode, err);
	archive_entry_free(entry);
	return rc < 0 ? err_prefix(err, "%s", path) : 0;
}

static int write_all(struct writer *writer, struct err *err)
{
	struct rootfs *tree = writer->image->tree;
	size_t i;
	int rc;

	if (tree->archive)
		return gen_error(writer->image, err,
				 "an archive can be made only of a folder, not of "
				 "another archive");
	for (i = 0; i < tree->count; i++)
		tree->inodes[i]->number = 0;
	writer->next = 1;
	rc = write_entry(writer, writer->tar ? "" : ".", tree->inodes[0], err);
	return rc < 0 ? rc : rootfs_walk(tree, write_entry, writer, err);
}

static int make_archive(struct gen_image *image, bool tar,
			int (*set_up)(struct gen_image *image, struct archive *archive,
				      struct err *err),
			struct err *err)
{
	struct writer writer = {.image = image, .tar = tar};
	struct stat st;
	int rc = gen_tree(image, err);

	if (rc < 0)
		return rc;
	writer.archive = archive_write_new();
	writer.piece = xmalloc(PIECE);
	rc = set_up(image, writer.archive, err);
	if (rc == 0 && archive_write_open_filename(writer.archive, image->path) != ARCHIVE_OK)
		rc = failed(&writer, err);
	if (rc == 0)
		rc = write_all(&writer, err);
	if (rc == 0 && archive_write_close(writer.archive) != ARCHIVE_OK)
		rc = failed(&writer, err);
	archive_write_free(writer.archive);
	free(writer.piece);
	if (rc == 0 && stat(image->path, &st) == 0)
		image->size = (uint64_t)st.st_size;
	return rc;
}

/* Compression by the name of a program, or by the end of a file's name. */
static const struct {
	const char *program, *suffix, *short_suffix, *options;
	int (*add)(struct archive *archive);
} filters[] = {
	{"gzip", ".tar.gz", ".tgz", "gzip:!timestamp", archive_write_add_filter_gzip},
	{"bzip2", ".tar.bz2", ".tbz2", NULL, archive_write_add_filter_bzip2},
	{"xz", ".tar.xz", ".txz", NULL, archive_write_add_filter_xz},
	{"zstd", ".tar.zst", ".tzst", NULL, archive_write_add_filter_zstd},
	{"lz4", ".tar.lz4", ".tlz4", NULL, archive_write_add_filter_lz4},
};

static int add_filter(struct archive *archive, size_t which, struct err *err)
{
	if (filters[which].add(archive) != ARCHIVE_OK ||
	    (filters[which].options &&
	     archive_write_set_options(archive, filters[which].options) != ARCHIVE_OK))
		return err_set(err, ERR_HOST, "%s: %s", filters[which].program,
			       archive_error_string(archive));
	return 0;
}

static const cfg_opt_t tar_options[] = {CFG_END()};

static int set_up_tar(struct gen_image *image, struct archive *archive, struct err *err)
{
	size_t i;

	archive_write_set_format_pax_restricted(archive);
	for (i = 0; i < ARRAY_SIZE(filters); i++)
		if (text_ends(image->name, filters[i].suffix) ||
		    text_ends(image->name, filters[i].short_suffix))
			return add_filter(archive, i, err);
	archive_write_set_bytes_in_last_block(archive, 1);
	return 0;
}

static int make_tar(struct gen_image *image, struct err *err)
{
	return make_archive(image, true, set_up_tar, err);
}

const struct gen_type gen_tar = {.name = "tar", .options = tar_options, .make = make_tar};

static const cfg_opt_t cpio_options[] = {
	CFG_STR("format", "newc", CFGF_NONE),
	CFG_STR("extraargs", "", CFGF_NONE),
	CFG_STR("compress", "", CFGF_NONE),
	CFG_END(),
};

static int set_up_cpio(struct gen_image *image, struct archive *archive, struct err *err)
{
	const char *format = cfg_getstr(image->section, "format");
	const char *compress = cfg_getstr(image->section, "compress");
	size_t length = strcspn(compress, " "), i;

	if (*cfg_getstr(image->section, "extraargs"))
		return gen_error(image, err,
				 "extraargs of the cpio program are not understood here");
	if (strcmp(format, "newc") == 0)
		archive_write_set_format_cpio_newc(archive);
	else if (strcmp(format, "odc") == 0)
		archive_write_set_format_cpio(archive);
	else
		return gen_error(image, err, "format '%s': it can be newc or odc", format);
	archive_write_set_bytes_in_last_block(archive, 512);
	for (i = 0; *compress && i < ARRAY_SIZE(filters); i++)
		if (strlen(filters[i].program) == length &&
		    strncmp(compress, filters[i].program, length) == 0)
			return add_filter(archive, i, err);
	return *compress ? gen_error(image, err,
				     "compress '%s': it can be gzip, bzip2, xz, zstd or lz4",
				     compress)
			 : 0;
}

static int make_cpio(struct gen_image *image, struct err *err)
{
	return make_archive(image, false, set_up_cpio, err);
}

const struct gen_type gen_cpio = {.name = "cpio", .options = cpio_options, .make = make_cpio};
