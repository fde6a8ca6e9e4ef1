// SPDX-License-Identifier: MIT
/*
 * The files a build makes: all of them, or none. Each is written beside its place under another
 * name; when everything is there they are renamed together. After an error nothing is left.
 */
#ifndef ABOARD_BUILD_OUTPUTS_H
#define ABOARD_BUILD_OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct output {
	char *path;    /* where it will be */
	char *staged;  /* where it is until then */
	bool in_place; /* the rename was done */
};

struct outputs {
	struct output *items;
	size_t count;
	char **folders; /* made for outputs; removed again after an error, if empty */
	size_t folder_count;
};

/* An empty file for `path`, to be written at outputs' last item's `staged`. Naming the same path
   twice is an error. */
int outputs_stage(struct outputs *outputs, const char *path, struct err *err);

/* A file with these bytes. */
int outputs_add(struct outputs *outputs, const char *path, const void *data, size_t size,
		struct err *err);

/* A file with these bytes and then those of the file at `source`. */
int outputs_add_before(struct outputs *outputs, const char *path, const void *data, size_t size,
		       const char *source, struct err *err);

/* Makes a folder that outputs go to, if it is missing. */
int outputs_folder(struct outputs *outputs, const char *path, struct err *err);

/* Renames all. On failure what was renamed is removed again. */
int outputs_commit(struct outputs *outputs, struct err *err);

/* Removes what was not committed, and forgets all. */
void outputs_free(struct outputs *outputs);

#endif
