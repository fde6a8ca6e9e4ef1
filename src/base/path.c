// SPDX-License-Identifier: MIT
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"

/* The root of one kind of folder: under ABOARD_HOME, under its XDG variable, or under HOME. */
static char *own_root(const char *kind, const char *xdg, const char *under_home, struct err *err)
{
	const char *aboard = getenv("ABOARD_HOME"), *root = getenv(xdg), *home = getenv("HOME");

	if (aboard && *aboard)
		return path_join(aboard, kind);
	if (root && root[0] == '/')
		return path_join(root, "aboard");
	if (home && *home)
		return xasprintf("%s/%s/aboard", home, under_home);
	err_set(err, ERR_HOST, "neither ABOARD_HOME, %s nor HOME is set", xdg);
	err_remedy(err, "set ABOARD_HOME to a folder that aboard may write to");
	return NULL;
}

static int own_folder(const char *kind, const char *xdg, const char *under_home, char **path,
		      struct err *err)
{
	_cleanup_(freep) char *root = own_root(kind, xdg, under_home, err);
	int rc;

	if (!root)
		return -ERR_HOST;
	rc = path_make_folder(root, err);
	if (rc < 0)
		return rc;
	*path = steal(root);
	return 0;
}

int path_config(char **path, struct err *err)
{
	return own_folder("config", "XDG_CONFIG_HOME", ".config", path, err);
}

int path_state(char **path, struct err *err)
{
	return own_folder("state", "XDG_STATE_HOME", ".local/state", path, err);
}

int path_cache(char **path, struct err *err)
{
	return own_folder("cache", "XDG_CACHE_HOME", ".cache", path, err);
}

char *path_join(const char *folder, const char *name)
{
	if (!folder || !*folder || name[0] == '/')
		return xstrdup(name);
	return xasprintf("%s/%s", folder, name);
}

char *path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool path_is_confined(const char *name)
{
	const char *part = name, *c;
	size_t length;

	if (*name == '\0' || *name == '/')
		return false;
	for (c = name; *c; c++)
		if ((unsigned char)*c < 32 || *c == 127 || *c == '\\')
			return false;
	for (; *part; part += length + (part[length] == '/')) {
		length = strcspn(part, "/");
		if (length == 2 && part[0] == '.' && part[1] == '.')
			return false;
	}
	return true;
}

int path_make_folder(const char *path, struct err *err)
{
	_cleanup_(freep) char *copy = xstrdup(path);
	char *slash;

	for (slash = copy + 1; *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return err_errno(err, ERR_HOST, "cannot make the folder %s", copy);
		*slash = '/';
	}
	if (mkdir(copy, 0700) < 0 && errno != EEXIST)
		return err_errno(err, ERR_HOST, "cannot make the folder %s", copy);
	return 0;
}

int path_read(const char *path, size_t max, struct buf *out, struct err *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char piece[16384];
	ssize_t got;

	if (fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_HOST, "cannot open %s",
				 path);
	out->max = max;
	while ((got = read(fd, piece, sizeof(piece))) > 0)
		if (!buf_add(out, piece, (size_t)got))
			return err_set(err, ERR_CONFIG, "%s is larger than %zu bytes", path, max);
	if (got < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", path);
	return 0;
}

bool path_same(const char *one, const char *other)
{
	struct stat a, b;

	return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

char *path_temporary(struct err *err)
{
	const char *root = getenv("TMPDIR");
	_cleanup_(freep) char *folder = path_join(root && *root ? root : "/tmp", "aboard-XXXXXX");

	if (mkdtemp(folder))
		return steal(folder);
	err_errno(err, ERR_HOST, "cannot make a folder %s", folder);
	return NULL;
}

static int write_all(int fd, const char *data, size_t size)
{
	ssize_t step;

	for (; size; data += step, size -= (size_t)step) {
		step = write(fd, data, size);
		if (step < 0 && errno == EINTR)
			step = 0;
		else if (step < 0)
			return -1;
	}
	return 0;
}

int path_write(const char *path, const void *data, size_t size, unsigned int mode, struct err *err)
{
	_cleanup_(freep) char *temporary = xasprintf("%s.XXXXXX", path);
	_cleanup_(closep) int fd = mkostemp(temporary, O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, ERR_HOST, "cannot make a file beside %s", path);
	if (write_all(fd, data, size) < 0 || fchmod(fd, (mode_t)mode) < 0 || fsync(fd) < 0 ||
	    rename(temporary, path) < 0) {
		err_errno(err, ERR_HOST, "cannot write %s", path);
		unlink(temporary);
		return -ERR_HOST;
	}
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
	(void)st;
	(void)flag;
	(void)where;
	return remove(path);
}

int path_remove_tree(const char *path, struct err *err)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0 && errno != ENOENT)
		return err_errno(err, ERR_HOST, "cannot remove %s", path);
	return 0;
}

int path_free_space(const char *path, unsigned long long *bytes, struct err *err)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return err_errno(err, ERR_HOST, "cannot read the free space of %s", path);
	*bytes = (unsigned long long)fs.f_bavail * fs.f_frsize;
	return 0;
}
