// SPDX-License-Identifier: MIT
#include "io/holder.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

/* A folder stream of our own is read by nobody else. */
static const char *next_name(DIR *folder)
{
	/* cppcheck-suppress readdirCalled */
	const struct dirent *entry = readdir(folder);

	return entry ? entry->d_name : NULL;
}

static bool has_open(const char *pid, const struct stat *wanted)
{
	_cleanup_(freep) char *path = xasprintf("/proc/%s/fd", pid);
	_cleanup_(close_folder) DIR *folder = opendir(path);
	const char *name;
	struct stat is;

	while (folder && (name = next_name(folder)))
		if (fstatat(dirfd(folder), name, &is, 0) == 0 && S_ISCHR(is.st_mode) &&
		    is.st_rdev == wanted->st_rdev && is.st_ino == wanted->st_ino)
			return true;
	return false;
}

static char *describe(const char *pid)
{
	_cleanup_(freep) char *path = xasprintf("/proc/%s/comm", pid);
	_cleanup_(buf_free) struct buf name = {0};
	struct err ignored;

	if (path_read(path, 256, &name, &ignored) < 0)
		return xasprintf("process %s", pid);
	buf_add_char(&name, '\0');
	return xasprintf("%s (process %s)", text_trim(name.data), pid);
}

char *holder_of(const char *path)
{
	_cleanup_(close_folder) DIR *folder = opendir("/proc");
	const char *name;
	struct stat wanted;
	uint64_t pid;

	if (!folder || stat(path, &wanted) < 0)
		return NULL;
	while ((name = next_name(folder)))
		if (text_u64(name, INT32_MAX, &pid) && (pid_t)pid != getpid() &&
		    has_open(name, &wanted))
			return describe(name);
	return NULL;
}
