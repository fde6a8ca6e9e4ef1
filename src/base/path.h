// SPDX-License-Identifier: MIT
/*
 * Files and folders: where aboard keeps its own (XDG, or under ABOARD_HOME), names confined to a
 * folder, and files that are written whole or not at all.
 */
#ifndef ABOARD_BASE_PATH_H
#define ABOARD_BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* The folders aboard uses, made (mode 0700) if missing; paths are owned by the caller.
   With ABOARD_HOME=H they are H/config, H/state, H/cache; otherwise $XDG_CONFIG_HOME/aboard
   (~/.config/aboard), $XDG_STATE_HOME/aboard (~/.local/state/aboard) and $XDG_CACHE_HOME/aboard
   (~/.cache/aboard). */
int path_config(char **path, struct err *err);
int path_state(char **path, struct err *err);
int path_cache(char **path, struct err *err);

/* "FOLDER/NAME"; NAME alone when it is absolute or FOLDER is NULL or empty. Owned by the caller. */
char *path_join(const char *folder, const char *name);

/* The folder part of a path ("." when there is none). Owned by the caller. */
char *path_folder(const char *path);

/* The part after the last slash; borrowed. */
const char *path_base(const char *path);

/* Whether a name from outside stays inside a folder: relative, not empty, no "..", no "\", no
 * control characters. */
bool path_is_confined(const char *name);

/* Whether both name one file or folder that is there, by whatever way. */
bool path_same(const char *one, const char *other);

/* mkdir -p with mode 0700 for what is missing. */
int path_make_folder(const char *path, struct err *err);

/* Reads a whole file into an empty buffer; longer than `max` bytes is an error. */
int path_read(const char *path, size_t max, struct buf *out, struct err *err);

/* Writes a file whole or not at all: a temporary file beside it, fsync, rename. */
int path_write(const char *path, const void *data, size_t size, unsigned int mode, struct err *err);

/* Makes a private folder under TMPDIR, or /tmp; path_remove_tree() is for its end. NULL after an
 * error. Owned by the caller. */
char *path_temporary(struct err *err);

/* Removes a folder and what is in it; symbolic links are removed, not followed. Missing is fine. */
int path_remove_tree(const char *path, struct err *err);

/* Bytes free for us on the file system that holds `path`. */
int path_free_space(const char *path, unsigned long long *bytes, struct err *err);

#endif
