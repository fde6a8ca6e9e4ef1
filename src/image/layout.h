// SPDX-License-Identifier: MIT
/*
 * Layouts: extents in order, each with its bytes. They stack like readers: a base layout (a stream,
 * a file with holes, an Android sparse stream), over it tallies and a block map, and between two
 * threads a pair that carries extents through a byte queue.
 */
#ifndef ABOARD_IMAGE_LAYOUT_H
#define ABOARD_IMAGE_LAYOUT_H

#include "base/deadline.h"
#include "image/bmap.h"
#include "image/image.h"
#include "image/sparse_format.h"
#include "image/tally.h"

/* Zero and unused extents are given in pieces of at most this many bytes, so that a thread that
   hashes them looks up now and then. */
#define LAYOUT_PIECE ((uint64_t)64 << 20)

struct layout {
	/* The next extent; *more false at the end, and only after an undamaged image. Extents
	   touch. Only called when all bytes of the extent before were read. */
	int (*next)(struct layout *layout, struct extent *extent, bool *more, struct err *err);
	/* Bytes of the current data extent; *got 0 at its end, and only there. */
	int (*read)(struct layout *layout, void *data, size_t size, size_t *got, struct err *err);
	/* Also closes what is below. */
	void (*close)(struct layout *layout);
};

void layout_closep(struct layout **layout);

/* A plain stream (taken over): data extents, as many as it takes. */
struct layout *layout_stream(struct reader *below);

/* A raw local file of `size` bytes (descriptor borrowed): its holes are zero extents and are not
   read. */
struct layout *layout_file(int fd, uint64_t size, struct deadline deadline);

/* An Android sparse stream (taken over), from its first byte on. The size of the expanded image is
   in *size. Source of the format: AOSP libsparse/sparse_format.h. */
bool layout_is_sparse(const uint8_t *head, size_t size);
int layout_sparse(struct layout **layout, struct reader *below, uint64_t *size, struct err *err);

/* Counts and hashes `below` (taken over), zero and unused extents as zeros, in `tally` (borrowed);
   its end is an error when the digest is not the expected one. */
struct layout *layout_tally(struct layout *below, struct tally *tally);

/* Applies a block map (taken over) to `below` (taken over): ranges are checked as they go by; what
   is not mapped and has bytes becomes unused, what is not mapped and is zero stays zero. */
struct layout *layout_bmap(struct layout *below, struct bmap *bmap);

/* Extents as bytes, for a queue inside this process, and back. Each takes `below` over. */
struct reader *layout_pack(struct layout *below);
struct layout *layout_unpack(struct reader *below);

#endif
