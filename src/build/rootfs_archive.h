// SPDX-License-Identifier: MIT
/*
 * How archives are opened: libarchive with the formats and filters we accept, and none that starts
 * another program.
 */
#ifndef ABOARD_BUILD_ROOTFS_ARCHIVE_H
#define ABOARD_BUILD_ROOTFS_ARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "base/err.h"

/* Owned by the caller; archive_closep() in a _cleanup_. */
int archive_open(struct archive **archive, const char *path, struct err *err);
void archive_closep(struct archive **archive);

/* The next header: 1, 0 at the end, or negative. */
int archive_next(struct archive *archive, const char *path, struct archive_entry **entry,
		 struct err *err);

/* Fails with libarchive's words. */
int archive_failed(struct archive *archive, const char *path, struct err *err);

#endif
