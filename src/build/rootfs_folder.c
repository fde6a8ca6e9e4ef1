// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "build/rootfs.h"

#define XATTR_LIST 65536

/* A file of several names, while the folder is read. */
struct shared {
	dev_t dev;
	ino_t ino;
	struct rootfs_inode *inode;
};

struct scan {
	struct rootfs *rootfs;
	struct deadline deadline;
	struct shared *shared;
	size_t count, space;
};

static void scan_free(struct scan *scan)
{
	free(scan->shared);
}

static struct rootfs_inode *shared_find(const struct scan *scan, const struct stat *st)
{
	size_t i;

	for (i = 0; i < scan->count; i++)
		if (scan->shared[i].dev == st->st_dev && scan->shared[i].ino == st->st_ino)
			return scan->shared[i].inode;
	return NULL;
}

static void shared_add(struct scan *scan, const struct stat *st, struct rootfs_inode *inode)
{
	if (scan->count == scan->space) {
		scan->space = scan->space ? 2 * scan->space : 16;
		scan->shared = xrealloc(scan->shared, scan->space, sizeof(*scan->shared));
	}
	scan->shared[scan->count++] = (struct shared){st->st_dev, st->st_ino, inode};
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Extended attributes in the order of their names. What the kernel does not let us read (trusted.*
   without root) it does not list either. */
static int read_xattrs(const char *path, struct rootfs_inode *inode, struct err *err)
{
	_cleanup_(freep) char *list = xmalloc(XATTR_LIST);
	_cleanup_(freep) char *value = xmalloc(XATTR_LIST);
	_cleanup_(freep) const char **names = NULL;
	ssize_t size = llistxattr(path, list, XATTR_LIST), got;
	size_t count = 0, i;
	const char *name;

	if (size < 0 && (errno == ENOTSUP || errno == EACCES))
		return 0;
	if (size < 0)
		return err_errno(err, ERR_HOST, "cannot read the attributes of %s", path);
	for (name = list; name < list + size; name += strlen(name) + 1) {
		names = xrealloc(names, count + 1, sizeof(*names));
		names[count++] = name;
	}
	if (count)
		qsort(names, count, sizeof(*names), by_text);
	for (i = 0; i < count; i++) {
		got = lgetxattr(path, names[i], value, XATTR_LIST);
		if (got < 0)
			return err_errno(err, ERR_HOST, "cannot read the attribute %s of %s",
					 names[i], path);
		rootfs_add_xattr(inode, names[i], value, (size_t)got);
	}
	return 0;
}

static struct rootfs_time time_of(struct timespec time)
{
	return (struct rootfs_time){.sec = time.tv_sec, .nsec = (uint32_t)time.tv_nsec};
}

static int fill(struct rootfs_inode *inode, const char *path, const struct stat *st,
		struct err *err)
{
	char target[4096];
	ssize_t length;

	inode->uid = st->st_uid;
	inode->gid = st->st_gid;
	inode->mtime = inode->atime = inode->ctime = time_of(st->st_mtim);
	inode->major = major(st->st_rdev);
	inode->minor = minor(st->st_rdev);
	if (S_ISREG(st->st_mode) && st->st_size) {
		inode->size = (uint64_t)st->st_size;
		inode->source = ROOTFS_HOST;
		inode->host = xstrdup(path);
	}
	if (S_ISLNK(st->st_mode)) {
		length = readlink(path, target, sizeof(target));
		if (length <= 0 || (size_t)length >= sizeof(target))
			return err_errno(err, ERR_HOST, "cannot read the link %s", path);
		inode->target = xstrndup(target, (size_t)length);
	}
	return read_xattrs(path, inode, err);
}

static int scan_folder(struct scan *scan, const char *path, const char *inside, struct err *err);

static int scan_one(struct scan *scan, const char *path, const char *inside, struct err *err)
{
	struct rootfs_inode *inode, *made;
	struct stat st;
	int rc = deadline_check(scan->deadline, err);

	if (rc < 0)
		return rc;
	if (lstat(path, &st) < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", path);
	inode = S_ISDIR(st.st_mode) || st.st_nlink < 2 ? NULL : shared_find(scan, &st);
	if (inode)
		return rootfs_place(scan->rootfs, inside, inode, &made, err);
	inode = rootfs_inode(scan->rootfs, st.st_mode);
	if (!inode)
		return err_set(err, ERR_IMAGE, "more than %zu files", ROOTFS_ENTRIES_MAX);
	rc = fill(inode, path, &st, err);
	if (rc == 0)
		rc = rootfs_place(scan->rootfs, inside, inode, &made, err);
	if (rc < 0)
		return rc;
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1)
		shared_add(scan, &st, inode);
	scan->rootfs->bytes += inode->size;
	return S_ISDIR(st.st_mode) ? scan_folder(scan, path, inside, err) : 0;
}

static int unlike_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int scan_folder(struct scan *scan, const char *path, const char *inside, struct err *err)
{
	struct dirent **entries;
	int count = scandir(path, &entries, unlike_dots, by_name), i, rc = 0;

	if (count < 0)
		return err_errno(err, ERR_HOST, "cannot read the folder %s", path);
	for (i = 0; i < count; i++) {
		_cleanup_(freep) char *below = xasprintf("%s/%s", path, entries[i]->d_name);
		_cleanup_(freep) char *name = path_join(inside, entries[i]->d_name);

		if (rc == 0)
			rc = scan_one(scan, below, name, err);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

int rootfs_read_folder(struct rootfs **rootfs, const char *path, struct deadline deadline,
		       struct err *err)
{
	_cleanup_(rootfs_freep) struct rootfs *made = rootfs_new(0);
	_cleanup_(scan_free) struct scan scan = {.rootfs = made, .deadline = deadline};
	struct stat st;
	int rc;

	if (stat(path, &st) < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_HOST, "cannot read %s",
				 path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_NOT_FOUND, "%s is no folder", path);
	made->path = xstrdup(path);
	made->inodes[0]->mode = st.st_mode;
	rc = fill(made->inodes[0], path, &st, err);
	if (rc == 0)
		rc = scan_folder(&scan, path, "", err);
	if (rc < 0)
		return rc;
	rootfs_count_links(made);
	*rootfs = steal(made);
	return 0;
}
