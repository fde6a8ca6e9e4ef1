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

static bool has_open(const char *pid, const struct stat *wanted)
{
	_cleanup_(freep) char *path = xasprintf("/proc/%s/fd", pid);
	_cleanup_(close_folder) DIR *folder = opendir(path);
	const struct dirent *entry;
	struct stat is;

	while (folder && (entry = readdir(folder)))
		if (fstatat(dirfd(folder), entry->d_name, &is, 0) == 0 && S_ISCHR(is.st_mode) &&
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
	const struct dirent *entry;
	struct stat wanted;
	uint64_t pid;

	if (!folder || stat(path, &wanted) < 0)
		return NULL;
	while ((entry = readdir(folder)))
		if (text_u64(entry->d_name, INT32_MAX, &pid) && (pid_t)pid != getpid() &&
		    has_open(entry->d_name, &wanted))
			return describe(entry->d_name);
	return NULL;
}
