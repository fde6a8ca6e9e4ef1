// SPDX-License-Identifier: MIT
/*
 * Partial device trees: what a guest is told about the devices it gets. They are put together from
 * one source file a device, out of a folder, a git repository, or lopper. Binding: Xen
 * docs/misc/arm/passthrough.txt.
 */
#ifndef ABOARD_BUILD_PARTIAL_H
#define ABOARD_BUILD_PARTIAL_H

#include <stddef.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/err.h"

/* Where sources come from. */
struct partial_source {
	char *work;   /* private folder, gone with partial_close() */
	char *folder; /* of the .dts files; with lopper the private one */
	/* With lopper: */
	const char *lopper; /* its program; NULL: no lopper */
	const char
		*lopper_args; /* blank-separated arguments of `extract`; NULL: the default ones */
	const char *tree;     /* the board's device tree */
};

/* `repo` is "FOLDER-OR-URL [SUB-FOLDER]". An address (USER@HOST:PATH, or with ://) is cloned with
   git; a folder is relative to `root`. */
int partial_open_repo(struct partial_source *source, const char *repo, const char *root,
		      struct deadline deadline, struct err *err);
int partial_open_lopper(struct partial_source *source, const char *lopper, const char *args,
			const char *tree, struct err *err);
void partial_close(struct partial_source *source);

/* One tree for the devices at `paths` (blank-separated node paths of the board's tree). All have to
   agree on the cells of /passthrough. */
int partial_make(const struct partial_source *source, const char *paths, struct buf *tree,
		 struct deadline deadline, struct err *err);

#endif
