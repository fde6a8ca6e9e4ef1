// SPDX-License-Identifier: MIT
#include "build/root.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

/* Takes "." and ".." and doubled slashes out of an absolute path, without looking at links. */
static char *tidy(const char *path)
{
	struct buf out = {.max = PATH_MAX};
	size_t length;

	for (; *path; path += length) {
		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (length == 0 || (length == 1 && path[0] == '.'))
			continue;
		if (length == 2 && path[0] == '.' && path[1] == '.') {
			while (out.size && out.data[--out.size] != '/')
				;
			continue;
		}
		buf_add_char(&out, '/');
		buf_add(&out, path, length);
	}
	if (out.data)
		out.data[out.size] = '\0';
	if (!out.size)
		buf_add_char(&out, '/');
	return buf_steal(&out);
}

int root_find(const char *folder, const struct config *config, char **root, struct err *err)
{
	const char *here = config_environment(config, "PWD");
	_cleanup_(freep) char *joined = NULL;
	char real[PATH_MAX];
	struct stat st;

	if (stat(folder, &st) < 0)
		return err_errno(err, ERR_NOT_FOUND, "cannot use the folder %s", folder);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_NOT_FOUND, "%s is not a folder", folder);
	if (!here && !getcwd(real, sizeof(real)))
		return err_errno(err, ERR_HOST, "cannot tell the current folder");
	joined = path_join(here ? here : real, folder);
	*root = tidy(joined);
	return 0;
}

char *root_path(const char *root, const char *name)
{
	_cleanup_(freep) char *joined = path_join(root, name);

	return tidy(joined);
}

char *root_name(const char *root, const char *name)
{
	_cleanup_(freep) char *path = root_path(root, name);
	size_t length = strlen(root);

	bool below = text_starts(path, root) && path[length] == '/';

	return xstrdup(below ? path + length + 1 : path);
}
