// SPDX-License-Identifier: MIT
/*
 * Block maps as bmaptool makes them: which blocks of an image are mapped, with a digest for each
 * range. Versions 1.3 (SHA-1), 1.4 and 2.0 (SHA-256 or SHA-512; the same format twice). Source:
 * bmaptool's BmapCreate.py and BmapCopy.py.
 */
#ifndef ABOARD_IMAGE_BMAP_H
#define ABOARD_IMAGE_BMAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define BMAP_FILE_MAX   ((size_t)16 << 20)
#define BMAP_RANGES_MAX 200000
#define BMAP_BLOCK_MAX  ((uint64_t)1 << 20)

struct bmap_range {
	uint64_t first, last; /* blocks, both included */
	size_t sum_size;      /* bytes; 0: it has no digest */
	uint8_t sum[64];
};

struct bmap {
	uint64_t image_size; /* bytes; need not be a multiple of the block */
	uint64_t block_size, blocks;
	char checksum[8];          /* "sha1", "sha256", "sha512" */
	struct bmap_range *ranges; /* in order, apart from each other, inside the image */
	size_t count;
};

struct digest; /* base/digest.h */

/* A new running digest of the map's kind; the caller's. */
struct digest *bmap_digest(const struct bmap *bmap);

/* Reads a map and checks it: its own digest, order and sums. `name` is for messages. ERR_IMAGE,
   ERR_DIGEST. Owned by the caller. */
int bmap_parse(struct bmap **bmap, const char *name, const void *data, size_t size,
	       struct err *err);
int bmap_load(struct bmap **bmap, const char *path, struct err *err);
void bmap_free(struct bmap *bmap);
void bmap_freep(struct bmap **bmap);

#endif
