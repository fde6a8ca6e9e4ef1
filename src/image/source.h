// SPDX-License-Identifier: MIT
/*
 * Where the bytes of an image come from: standard input, a local file, HTTP, or a scheme that only
 * a layer above knows.
 */
#ifndef ABOARD_IMAGE_SOURCE_H
#define ABOARD_IMAGE_SOURCE_H

#include "base/deadline.h"
#include "base/reader.h"
#include "image/image.h"

struct source {
	struct reader *reader; /* from the first byte on; owned until it is taken */
	int fd;                /* of "-" or a local file; -1: none; owned, 0 excepted */
	bool local;            /* a regular file or a block device: fd can be read anywhere */
	uint64_t size;         /* IMAGE_SIZE_UNKNOWN: not told */
	bool repeatable;
};

/* All waiting, also of the reader, ends with the deadline. */
int source_open(struct source *source, const char *ref, const struct image_options *options,
		struct deadline deadline, struct err *err);
void source_done(struct source *source);

/* A ref for people: a URL without user, password and query, "standard input", or the path. Owned by
   the caller. */
char *source_name(const char *ref);

/* Whether a ref is a path. */
bool source_is_path(const char *ref);

#endif
