// SPDX-License-Identifier: MIT
#include "build/rootfs_archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "build/rootfs.h"

#define BLOCK      ((size_t)1 << 18) /* bytes read at a time */
#define XATTR_MAX  65536
#define TARGET_MAX 4095

void archive_closep(struct archive **archive)
{
	if (*archive)
		archive_read_free(*archive);
	*archive = NULL;
}

int archive_failed(struct archive *archive, const char *path, struct err *err)
{
	const char *text = archive_error_string(archive);

	return err_set(err, ERR_IMAGE, "%s: %s", path, text ? text : "damaged archive");
}

int archive_open(struct archive **archive, const char *path, struct err *err)
{
	_cleanup_(archive_closep) struct archive *a = archive_read_new();
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_HOST, "cannot read %s",
				 path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_NOT_FOUND, "%s is no file", path);
	if (!a || archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_support_format_cpio(a) != ARCHIVE_OK ||
	    archive_read_support_filter_gzip(a) != ARCHIVE_OK ||
	    archive_read_support_filter_xz(a) != ARCHIVE_OK ||
	    archive_read_support_filter_bzip2(a) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(a) != ARCHIVE_OK ||
	    archive_read_support_filter_lz4(a) != ARCHIVE_OK)
		return err_set(err, ERR_INTERNAL, "libarchive lacks a format");
	if (archive_read_open_filename(a, path, BLOCK) != ARCHIVE_OK) {
		archive_failed(a, path, err);
		return err_remedy(err, "it must be a tar or cpio archive, plain or packed with "
				       "gzip, xz, zstd, bzip2 or lz4");
	}
	*archive = steal(a);
	return 0;
}

int archive_next(struct archive *archive, const char *path, struct archive_entry **entry,
		 struct err *err)
{
	int rc = archive_read_next_header(archive, entry);
	const char *text;

	if (rc == ARCHIVE_EOF)
		return 0;
	/* Names that are not of the process's character set are taken as they are. */
	text = archive_error_string(archive);
	if (rc == ARCHIVE_WARN && text && strstr(text, "converted"))
		return 1;
	return rc == ARCHIVE_OK ? 1 : archive_failed(archive, path, err);
}

/* What one reading of an archive has come to. */
struct import {
	struct rootfs *rootfs;
	struct archive *archive;
	struct digest *digest;
	struct deadline deadline;
	uint64_t entry;
};

static void digest_number(struct digest *digest, uint64_t number)
{
	uint8_t bytes[8];
	size_t i;

	for (i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	digest_add(digest, bytes, sizeof(bytes));
}

static void digest_words(struct digest *digest, const char *text)
{
	digest_add(digest, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void digest_inode(struct digest *digest, const char *path, const struct rootfs_inode *inode)
{
	size_t i;

	digest_words(digest, path);
	digest_number(digest, inode->mode);
	digest_number(digest, (uint64_t)inode->uid << 32 | inode->gid);
	digest_number(digest, (uint64_t)inode->major << 32 | inode->minor);
	digest_number(digest, (uint64_t)inode->mtime.sec);
	digest_words(digest, inode->target);
	for (i = 0; i < inode->xattr_count; i++) {
		digest_words(digest, inode->xattrs[i].name);
		digest_add(digest, inode->xattrs[i].value, inode->xattrs[i].size);
	}
}

/* Reads the data of an entry for its length and digest only. */
static int digest_data(struct import *import, uint64_t size, struct err *err)
{
	const void *data;
	size_t got;
	la_int64_t at;
	int rc;

	while ((rc = archive_read_data_block(import->archive, &data, &got, &at)) == ARCHIVE_OK) {
		if (at < 0 || (uint64_t)at > size || got > size - (uint64_t)at)
			return err_set(err, ERR_IMAGE, "more data than the header says");
		digest_number(import->digest, (uint64_t)at);
		digest_add(import->digest, data, got);
		rc = deadline_check(import->deadline, err);
		if (rc < 0)
			return rc;
	}
	return rc == ARCHIVE_EOF ? 0 : archive_failed(import->archive, "data", err);
}

static void read_times(struct archive_entry *entry, struct rootfs_inode *inode)
{
	inode->mtime.sec = archive_entry_mtime(entry);
	inode->mtime.nsec = (uint32_t)archive_entry_mtime_nsec(entry);
	inode->atime = inode->mtime;
	inode->ctime = inode->mtime;
	if (archive_entry_atime_is_set(entry)) {
		inode->atime.sec = archive_entry_atime(entry);
		inode->atime.nsec = (uint32_t)archive_entry_atime_nsec(entry);
	}
}

static int read_xattrs(struct archive_entry *entry, struct rootfs_inode *inode, struct err *err)
{
	const char *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		if (!name || strlen(name) > 255 || size > XATTR_MAX)
			return err_set(err, ERR_IMAGE, "an extended attribute is too large");
		rootfs_add_xattr(inode, name, value, size);
	}
	return 0;
}

/* Owner, times, link and the rest; the type is set. */
static int read_inode(struct archive_entry *entry, struct rootfs_inode *inode, struct err *err)
{
	la_int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
	const char *target = archive_entry_symlink(entry);

	if (uid < 0 || uid > UINT32_MAX || gid < 0 || gid > UINT32_MAX)
		return err_set(err, ERR_IMAGE, "an owner out of range");
	inode->uid = (uint32_t)uid;
	inode->gid = (uint32_t)gid;
	read_times(entry, inode);
	if (S_ISLNK(inode->mode)) {
		if (!target || !*target || strlen(target) > TARGET_MAX)
			return err_set(err, ERR_IMAGE, "a symbolic link without a good target");
		inode->target = xstrdup(target);
	}
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode)) {
		inode->major = (uint32_t)archive_entry_rdevmajor(entry);
		inode->minor = (uint32_t)archive_entry_rdevminor(entry);
		if (inode->major > 0xfff || inode->minor > 0xfffff)
			return err_set(err, ERR_IMAGE, "a device number out of range");
	}
	return read_xattrs(entry, inode, err);
}

/* The data of the entry at hand is the inode's. */
static int take_data(struct import *import, struct archive_entry *entry, struct rootfs_inode *inode,
		     struct err *err)
{
	la_int64_t size = archive_entry_size(entry);

	if (size < 0 || (uint64_t)size > ROOTFS_BYTES_MAX ||
	    (uint64_t)size > ROOTFS_BYTES_MAX - import->rootfs->bytes)
		return err_set(err, ERR_IMAGE, "a file of %lld bytes", (long long)size);
	inode->size = (uint64_t)size;
	inode->source = size ? ROOTFS_ENTRY : ROOTFS_EMPTY;
	inode->entry = import->entry;
	import->rootfs->bytes += inode->size;
	return digest_data(import, inode->size, err);
}

/* Another name of a file that came before. In cpio the last name brings the data. */
static int import_link(struct import *import, struct archive_entry *entry, const char *path,
		       const char *target, struct err *err)
{
	struct rootfs_inode *inode = rootfs_find(import->rootfs, target), *made;
	int rc;

	if (!inode || S_ISDIR(inode->mode))
		return err_set(err, ERR_IMAGE, "a hard link to '%.300s', which is %s", target,
			       inode ? "a folder" : "not in the archive before it");
	digest_words(import->digest, path);
	digest_words(import->digest, target);
	rc = rootfs_place(import->rootfs, path, inode, &made, err);
	if (rc < 0 || !S_ISREG(inode->mode) || !archive_entry_size_is_set(entry) ||
	    archive_entry_size(entry) <= 0)
		return rc;
	return take_data(import, entry, inode, err);
}

static int import_entry(struct import *import, struct archive_entry *entry, const char *path,
			struct err *err)
{
	const char *link = archive_entry_hardlink(entry);
	uint32_t mode = (uint32_t)archive_entry_mode(entry) & (S_IFMT | 07777);
	struct rootfs_inode *inode, *made;
	int rc;

	if (link)
		return import_link(import, entry, path, link, err);
	inode = rootfs_inode(import->rootfs, mode);
	if (!inode)
		return err_set(err, ERR_IMAGE, "more than %zu files", ROOTFS_ENTRIES_MAX);
	if (!(S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) || S_ISBLK(mode) ||
	      S_ISFIFO(mode) || S_ISSOCK(mode)))
		return err_set(err, ERR_IMAGE, "an unknown type of file");
	rc = read_inode(entry, inode, err);
	if (rc < 0)
		return rc;
	digest_inode(import->digest, path, inode);
	rc = rootfs_place(import->rootfs, path, inode, &made, err);
	if (rc == 0 && S_ISREG(mode))
		rc = take_data(import, entry, inode, err);
	return rc;
}

static int import_all(struct import *import, const char *path, struct err *err)
{
	struct archive_entry *entry;
	int rc;

	while ((rc = archive_next(import->archive, path, &entry, err)) > 0) {
		const char *name = archive_entry_pathname(entry);

		if (!name || !*name)
			return err_set(err, ERR_IMAGE, "%s: an entry without a name", path);
		if (import->entry >= ROOTFS_ENTRIES_MAX)
			return err_set(err, ERR_IMAGE, "%s: more than %zu entries", path,
				       ROOTFS_ENTRIES_MAX);
		rc = import_entry(import, entry, name, err);
		if (rc < 0) {
			err_prefix(err, "%.300s", name);
			return err_prefix(err, "%s", path);
		}
		import->entry++;
	}
	if (rc == 0 && import->entry == 0)
		return err_set(err, ERR_IMAGE, "%s is an empty archive", path);
	return rc;
}

int rootfs_read_archive(struct rootfs **rootfs, const char *path, struct deadline deadline,
			struct err *err)
{
	_cleanup_(rootfs_freep) struct rootfs *made = rootfs_new(0);
	_cleanup_(archive_closep) struct archive *archive = NULL;
	_cleanup_(digest_freep) struct digest *digest = digest_new();
	struct import import = {.rootfs = made, .digest = digest, .deadline = deadline};
	int rc;

	rc = archive_open(&archive, path, err);
	if (rc < 0)
		return rc;
	import.archive = archive;
	rc = import_all(&import, path, err);
	if (rc < 0)
		return rc;
	made->path = xstrdup(path);
	made->archive = true;
	digest_text(digest, made->digest);
	rootfs_count_links(made);
	*rootfs = steal(made);
	return 0;
}
