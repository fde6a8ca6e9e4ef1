// SPDX-License-Identifier: MIT
/*
 * Writes the block map of an image (bmaptool's format 2.0): which blocks matter, with the digest of
 * each range. What may be left out is told, not guessed from holes: a block of zeros in a file
 * system's tables has to be written to the medium, a free block has not.
 */
#ifndef ABOARD_BUILD_BLOCK_MAP_H
#define ABOARD_BUILD_BLOCK_MAP_H

#include "base/buf.h"
#include "base/deadline.h"
#include "base/err.h"
#include "build/spans.h"

/* The map of the image at `path` into an empty buffer. Blocks wholly inside `unused` are left out,
   unless the gap is too small to be worth a range of its own. */
int block_map_make(const char *path, const struct spans *unused, struct buf *out,
		   struct deadline deadline, struct err *err);

#endif
