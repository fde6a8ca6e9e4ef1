// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "build/rootfs.h"
#include "build/rootfs_archive.h"

#define PIECE ((size_t)1 << 20)

static int changed(const char *path, struct err *err)
{
	return err_set(err, ERR_IMAGE, "%s has changed while it was being read", path);
}

static int copy_entry(struct archive *archive, const struct rootfs *rootfs,
		      struct rootfs_inode *inode, const struct rootfs_sink *sink,
		      struct deadline deadline, struct err *err)
{
	const void *data;
	size_t got;
	la_int64_t at;
	int rc;

	while ((rc = archive_read_data_block(archive, &data, &got, &at)) == ARCHIVE_OK) {
		if (at < 0 || (uint64_t)at > inode->size || got > inode->size - (uint64_t)at)
			return changed(rootfs->path, err);
		rc = deadline_check(deadline, err);
		if (rc == 0 && got)
			rc = sink->data(sink->user, inode, (uint64_t)at, data, got, err);
		if (rc < 0)
			return rc;
	}
	return rc == ARCHIVE_EOF ? 0 : archive_failed(archive, rootfs->path, err);
}

static int by_entry(const void *a, const void *b)
{
	const struct rootfs_inode *const *x = a, *const *y = b;

	return ((*x)->entry > (*y)->entry) - ((*x)->entry < (*y)->entry);
}

/* The inodes that have data in the archive, in the archive's order; *count of them. */
static struct rootfs_inode **wanted_entries(const struct rootfs *rootfs, size_t *count)
{
	struct rootfs_inode **wanted = xcalloc(rootfs->count + 1, sizeof(struct rootfs_inode *));
	size_t i;

	*count = 0;
	for (i = 0; i < rootfs->count; i++)
		if (rootfs->inodes[i]->source == ROOTFS_ENTRY && rootfs->inodes[i]->links)
			wanted[(*count)++] = rootfs->inodes[i];
	qsort(wanted, *count, sizeof(struct rootfs_inode *), by_entry);
	return wanted;
}

static int copy_entries(const struct rootfs *rootfs, const struct rootfs_sink *sink,
			struct deadline deadline, struct err *err)
{
	_cleanup_(archive_closep) struct archive *archive = NULL;
	_cleanup_(freep) struct rootfs_inode **wanted = NULL;
	struct archive_entry *header;
	size_t count, next = 0;
	uint64_t entry;
	int rc;

	wanted = wanted_entries(rootfs, &count);
	rc = count ? archive_open(&archive, rootfs->path, err) : 0;
	for (entry = 0; rc == 0 && next < count; entry++) {
		rc = archive_next(archive, rootfs->path, &header, err);
		if (rc == 0)
			return changed(rootfs->path, err);
		if (rc < 0)
			return rc;
		rc = 0;
		if (wanted[next]->entry != entry)
			continue;
		rc = sink->begin(sink->user, wanted[next], err);
		if (rc == 0)
			rc = copy_entry(archive, rootfs, wanted[next], sink, deadline, err);
		if (rc == 0)
			rc = sink->end(sink->user, wanted[next], err);
		next++;
	}
	return rc;
}

/* The next stretch of data at or after *at: false at the end. */
static bool next_data(int fd, off_t *at, off_t *end)
{
	off_t data = lseek(fd, *at, SEEK_DATA);

	if (data < 0)
		return false;
	*at = data;
	*end = lseek(fd, data, SEEK_HOLE);
	return *end > data;
}

static int copy_host(struct rootfs_inode *inode, const struct rootfs_sink *sink,
		     struct deadline deadline, struct err *err)
{
	_cleanup_(closep) int fd = open(inode->host, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_(freep) char *piece = xmalloc(PIECE);
	struct stat st;
	off_t at, end;
	ssize_t got;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", inode->host);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != inode->size)
		return changed(inode->host, err);
	for (at = 0; next_data(fd, &at, &end);)
		for (; at < end; at += got) {
			size_t want = (size_t)(end - at) < PIECE ? (size_t)(end - at) : PIECE;

			got = pread(fd, piece, want, at);
			if (got < 0)
				return err_errno(err, ERR_HOST, "cannot read %s", inode->host);
			if (got == 0 || (uint64_t)at + (uint64_t)got > inode->size)
				return changed(inode->host, err);
			rc = deadline_check(deadline, err);
			if (rc == 0)
				rc = sink->data(sink->user, inode, (uint64_t)at, piece, (size_t)got,
						err);
			if (rc < 0)
				return rc;
		}
	return 0;
}

static int copy_own(struct rootfs_inode *inode, const struct rootfs_sink *sink,
		    struct deadline deadline, struct err *err)
{
	int rc = sink->begin(sink->user, inode, err);

	if (rc == 0 && inode->source == ROOTFS_HOST)
		rc = copy_host(inode, sink, deadline, err);
	else if (rc == 0)
		rc = sink->data(sink->user, inode, 0, inode->bytes, inode->size, err);
	return rc < 0 ? rc : sink->end(sink->user, inode, err);
}

int rootfs_read_data(const struct rootfs *rootfs, const struct rootfs_sink *sink,
		     struct deadline deadline, struct err *err)
{
	size_t i;
	int rc;

	for (i = 0; i < rootfs->count; i++) {
		struct rootfs_inode *inode = rootfs->inodes[i];

		if (!inode->links || !inode->size ||
		    (inode->source != ROOTFS_HOST && inode->source != ROOTFS_BYTES))
			continue;
		rc = copy_own(inode, sink, deadline, err);
		if (rc < 0)
			return rc;
	}
	return copy_entries(rootfs, sink, deadline, err);
}
