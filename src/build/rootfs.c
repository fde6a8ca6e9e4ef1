// SPDX-License-Identifier: MIT
#include "build/rootfs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"

static bool is_folder(const struct rootfs_inode *inode)
{
	return S_ISDIR(inode->mode);
}

struct rootfs_inode *rootfs_inode(struct rootfs *rootfs, uint32_t mode)
{
	struct rootfs_inode *inode;

	if (rootfs->count >= ROOTFS_ENTRIES_MAX)
		return NULL;
	if (rootfs->count == rootfs->space) {
		rootfs->space = rootfs->space ? 2 * rootfs->space : 64;
		rootfs->inodes = xrealloc(rootfs->inodes, rootfs->space, sizeof(*rootfs->inodes));
	}
	inode = xcalloc(1, sizeof(*inode));
	inode->mode = mode;
	rootfs->inodes[rootfs->count++] = inode;
	return inode;
}

struct rootfs *rootfs_new(int64_t time)
{
	struct rootfs *rootfs = xcalloc(1, sizeof(*rootfs));
	struct rootfs_inode *root = rootfs_inode(rootfs, S_IFDIR | 0755);

	root->atime.sec = root->mtime.sec = root->ctime.sec = time;
	root->implied = true;
	return rootfs;
}

static void inode_free(struct rootfs_inode *inode)
{
	size_t i;

	for (i = 0; i < inode->count; i++)
		free(inode->names[i].name);
	for (i = 0; i < inode->xattr_count; i++) {
		free(inode->xattrs[i].name);
		free(inode->xattrs[i].value);
	}
	free(inode->names);
	free(inode->xattrs);
	free(inode->target);
	free(inode->host);
	free(inode->bytes);
	free(inode);
}

void rootfs_free(struct rootfs *rootfs)
{
	size_t i;

	if (!rootfs)
		return;
	for (i = 0; i < rootfs->count; i++)
		inode_free(rootfs->inodes[i]);
	free(rootfs->inodes);
	free(rootfs->path);
	free(rootfs);
}

void rootfs_freep(struct rootfs **rootfs)
{
	rootfs_free(*rootfs);
}

void rootfs_add_xattr(struct rootfs_inode *inode, const char *name, const void *value, size_t size)
{
	struct rootfs_xattr *xattr;

	inode->xattrs = xrealloc(inode->xattrs, inode->xattr_count + 1, sizeof(*inode->xattrs));
	xattr = &inode->xattrs[inode->xattr_count++];
	xattr->name = xstrdup(name);
	xattr->value = size ? xmemdup(value, size) : NULL;
	xattr->size = size;
}

/* Where a name is in a folder, or would go. */
static size_t name_position(const struct rootfs_inode *folder, const char *name, bool *found)
{
	size_t low = 0, high = folder->count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, folder->names[middle].name);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static struct rootfs_inode *child(const struct rootfs_inode *folder, const char *name)
{
	bool found;
	size_t at = name_position(folder, name, &found);

	return found ? folder->names[at].inode : NULL;
}

static void add_name(struct rootfs_inode *folder, const char *name, struct rootfs_inode *inode)
{
	bool found;
	size_t at = name_position(folder, name, &found);

	if (folder->count == folder->space) {
		folder->space = folder->space ? 2 * folder->space : 8;
		folder->names = xrealloc(folder->names, folder->space, sizeof(*folder->names));
	}
	memmove(&folder->names[at + 1], &folder->names[at],
		(folder->count - at) * sizeof(*folder->names));
	folder->names[at] = (struct rootfs_name){.name = xstrdup(name), .inode = inode};
	folder->count++;
}

/* The next part of a path into `part`; parts "." and empty ones are skipped. 1: there is one,
   0: the end, negative: a bad one. */
static int next_part(const char **path, char part[ROOTFS_NAME_MAX + 1], const char *whole,
		     struct err *err)
{
	size_t length;

	for (;;) {
		*path += strspn(*path, "/");
		length = strcspn(*path, "/");
		if (length != 1 || (*path)[0] != '.')
			break;
		*path += 1;
	}
	if (length == 0)
		return 0;
	if (length > ROOTFS_NAME_MAX)
		return err_set(err, ERR_IMAGE,
			       "'%.60s...': a part of the name is longer than %d bytes", whole,
			       ROOTFS_NAME_MAX);
	if (length == 2 && (*path)[0] == '.' && (*path)[1] == '.')
		return err_set(err, ERR_IMAGE, "'%.300s': a name that leads out of the tree",
			       whole);
	memcpy(part, *path, length);
	part[length] = '\0';
	*path += length;
	return 1;
}

struct rootfs_inode *rootfs_find(const struct rootfs *rootfs, const char *path)
{
	struct rootfs_inode *inode = rootfs->inodes[0];
	char part[ROOTFS_NAME_MAX + 1];
	const char *rest = path;
	int rc;

	while (inode && (rc = next_part(&rest, part, path, NULL)) != 0)
		inode = rc > 0 && is_folder(inode) ? child(inode, part) : NULL;
	return inode;
}

/* Goes into a folder, which is made when it is missing. */
static int enter(struct rootfs *rootfs, struct rootfs_inode **folder, const char *name,
		 const char *path, struct err *err)
{
	struct rootfs_inode *next = child(*folder, name);

	if (!next) {
		next = rootfs_inode(rootfs, S_IFDIR | 0755);
		if (!next)
			return err_set(err, ERR_IMAGE, "more than %zu files", ROOTFS_ENTRIES_MAX);
		next->atime = next->mtime = next->ctime = rootfs->inodes[0]->mtime;
		next->implied = true;
		add_name(*folder, name, next);
	}
	if (!is_folder(next))
		return err_set(err, ERR_IMAGE, "'%.300s' leads through '%s', which is %s", path,
			       name, S_ISLNK(next->mode) ? "a symbolic link" : "no folder");
	*folder = next;
	return 0;
}

/* Gives a folder that is there what a later entry says of it. */
static void describe_again(struct rootfs_inode *there, struct rootfs_inode *inode)
{
	struct rootfs_xattr *xattrs = there->xattrs;
	size_t count = there->xattr_count;

	there->mode = inode->mode;
	there->uid = inode->uid;
	there->gid = inode->gid;
	there->atime = inode->atime;
	there->mtime = inode->mtime;
	there->ctime = inode->ctime;
	there->xattrs = inode->xattrs;
	there->xattr_count = inode->xattr_count;
	there->implied = false;
	inode->xattrs = xattrs;
	inode->xattr_count = count;
}

static int place_in(struct rootfs_inode *folder, const char *name, const char *path,
		    struct rootfs_inode *inode, struct rootfs_inode **made, struct err *err)
{
	bool found;
	size_t at = name_position(folder, name, &found);
	struct rootfs_inode *there = found ? folder->names[at].inode : NULL;

	*made = inode;
	if (!there) {
		add_name(folder, name, inode);
		return 0;
	}
	if (is_folder(there) && is_folder(inode)) {
		describe_again(there, inode);
		*made = there;
		return 0;
	}
	if (is_folder(there) && there->count)
		return err_set(err, ERR_IMAGE, "'%.300s' is to replace a folder that is not empty",
			       path);
	folder->names[at].inode = inode;
	return 0;
}

int rootfs_place(struct rootfs *rootfs, const char *path, struct rootfs_inode *inode,
		 struct rootfs_inode **made, struct err *err)
{
	char part[ROOTFS_NAME_MAX + 1], next[ROOTFS_NAME_MAX + 1];
	struct rootfs_inode *folder = rootfs->inodes[0];
	const char *rest = path;
	unsigned int depth = 0;
	int rc = next_part(&rest, part, path, err);

	if (rc < 0)
		return rc;
	if (rc == 0 && !is_folder(inode))
		return err_set(err, ERR_IMAGE, "'%.300s' is to replace the root folder", path);
	if (rc == 0) {
		describe_again(folder, inode);
		*made = folder;
		return 0;
	}
	while ((rc = next_part(&rest, next, path, err)) > 0) {
		if (++depth > ROOTFS_DEPTH_MAX)
			return err_set(err, ERR_IMAGE, "'%.60s...' is more than %d folders deep",
				       path, ROOTFS_DEPTH_MAX);
		rc = enter(rootfs, &folder, part, path, err);
		if (rc < 0)
			return rc;
		memcpy(part, next, sizeof(part));
	}
	return rc < 0 ? rc : place_in(folder, part, path, inode, made, err);
}

/* A new inode of ours at a path, instead of what is there. */
static int put(struct rootfs *rootfs, const char *path, uint32_t mode, int64_t time,
	       struct rootfs_inode **made, struct err *err)
{
	struct rootfs_inode *inode = rootfs_inode(rootfs, mode);

	if (!inode)
		return err_set(err, ERR_IMAGE, "more than %zu files", ROOTFS_ENTRIES_MAX);
	inode->atime.sec = inode->mtime.sec = inode->ctime.sec = time;
	return rootfs_place(rootfs, path, inode, made, err);
}

int rootfs_put_bytes(struct rootfs *rootfs, const char *path, const void *data, size_t size,
		     uint32_t mode, int64_t time, struct err *err)
{
	struct rootfs_inode *inode;
	int rc = put(rootfs, path, S_IFREG | mode, time, &inode, err);

	if (rc < 0 || size == 0)
		return rc;
	inode->source = ROOTFS_BYTES;
	inode->bytes = xmemdup(data, size);
	inode->size = size;
	return 0;
}

int rootfs_put_host(struct rootfs *rootfs, const char *path, const char *host, uint32_t mode,
		    int64_t time, struct err *err)
{
	struct rootfs_inode *inode;
	struct stat st;
	int rc;

	if (stat(host, &st) < 0)
		return err_errno(err, ERR_NOT_FOUND, "cannot read %s", host);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_NOT_FOUND, "%s is no file", host);
	rc = put(rootfs, path, S_IFREG | mode, time, &inode, err);
	if (rc < 0)
		return rc;
	inode->source = ROOTFS_HOST;
	inode->host = xstrdup(host);
	inode->size = (uint64_t)st.st_size;
	return 0;
}

int rootfs_put_folder(struct rootfs *rootfs, const char *path, uint32_t mode, int64_t time,
		      struct err *err)
{
	struct rootfs_inode *inode;

	return put(rootfs, path, S_IFDIR | mode, time, &inode, err);
}

bool rootfs_empty_folder(struct rootfs *rootfs, const char *path)
{
	struct rootfs_inode *folder = rootfs_find(rootfs, path);
	size_t i;

	if (!folder || !is_folder(folder))
		return false;
	for (i = 0; i < folder->count; i++)
		free(folder->names[i].name);
	folder->count = 0;
	return true;
}

void rootfs_own(struct rootfs *rootfs, uint32_t uid, uint32_t gid)
{
	size_t i;

	for (i = 0; i < rootfs->count; i++) {
		rootfs->inodes[i]->uid = uid;
		rootfs->inodes[i]->gid = gid;
	}
}

struct walk {
	rootfs_visit *visit;
	void *user;
	char path[ROOTFS_DEPTH_MAX * (ROOTFS_NAME_MAX + 1) + ROOTFS_NAME_MAX + 2];
};

static int walk_folder(struct walk *walk, const struct rootfs_inode *folder, size_t length,
		       struct err *err)
{
	size_t i, end;
	int rc;

	for (i = 0; i < folder->count; i++) {
		const struct rootfs_name *name = &folder->names[i];

		end = length + (length > 0) + strlen(name->name);
		if (end >= sizeof(walk->path))
			return err_set(err, ERR_IMAGE, "folders too deep");
		if (length)
			walk->path[length] = '/';
		memcpy(walk->path + length + (length > 0), name->name, strlen(name->name) + 1);
		rc = walk->visit(walk->user, walk->path, name->inode, err);
		if (rc == 0 && is_folder(name->inode))
			rc = walk_folder(walk, name->inode, end, err);
		if (rc)
			return rc;
	}
	return 0;
}

int rootfs_walk(const struct rootfs *rootfs, rootfs_visit *visit, void *user, struct err *err)
{
	_cleanup_(freep) struct walk *walk = xcalloc(1, sizeof(*walk));

	walk->visit = visit;
	walk->user = user;
	return walk_folder(walk, rootfs->inodes[0], 0, err);
}

static int count_link(void *user, const char *path, struct rootfs_inode *inode, struct err *err)
{
	(void)user;
	(void)path;
	(void)err;
	inode->links++;
	return 0;
}

void rootfs_count_links(struct rootfs *rootfs)
{
	size_t i;

	for (i = 0; i < rootfs->count; i++)
		rootfs->inodes[i]->links = 0;
	rootfs->inodes[0]->links = 1;
	rootfs_walk(rootfs, count_link, NULL, NULL);
}

uint64_t rootfs_apparent_size(const struct rootfs *rootfs)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < rootfs->count; i++) {
		const struct rootfs_inode *inode = rootfs->inodes[i];

		if (!inode->links)
			continue;
		if (is_folder(inode))
			total += 4096;
		else if (S_ISLNK(inode->mode))
			total += strlen(inode->target);
		else
			total += inode->size;
	}
	return total;
}
