// SPDX-License-Identifier: MIT
/*
 * The folder that the names in a configuration are relative to (-d), and names with regard to it.
 * Symbolic links stay as they are written.
 */
#ifndef ABOARD_BUILD_ROOT_H
#define ABOARD_BUILD_ROOT_H

#include "base/err.h"
#include "build/config.h"

/* The absolute path of a folder. The current folder is named as PWD in the config's environment
   says, which has to be right: so a path made from $PWD is found to be inside also behind a
   symbolic link. ERR_NOT_FOUND. The caller's. */
int root_find(const char *folder, const struct config *config, char **root, struct err *err);

/* Where a name of the config is: absolute, without "." and "..". The caller's. */
char *root_path(const char *root, const char *name);

/* The name below the root; absolute when it is not below. The caller's. */
char *root_name(const char *root, const char *name);

#endif
