// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"
#include "image/layout.h"

#define BUFFER_MIN ((size_t)64 << 10)

struct bmap_layout {
	struct layout layout;
	struct layout *below;
	struct bmap *bmap;

	struct extent extent; /* of the layout below; its first `left` bytes... */
	uint64_t left;        /* ...still to be given */
	uint64_t at;          /* in the image */

	size_t range;          /* the one at or after `at` */
	uint64_t first, end;   /* its bytes; both the image's size after the last one */
	struct digest *digest; /* of the part of it before `at`; NULL: nothing to check */

	uint64_t data_left; /* of the extent given, if it is data */

	uint8_t *buffer; /* unmapped bytes, to be judged: [used, size) */
	size_t space, size, used;
};

static void enter_range(struct bmap_layout *mapped)
{
	const struct bmap *bmap = mapped->bmap;
	const struct bmap_range *range = &bmap->ranges[mapped->range];

	digest_freep(&mapped->digest);
	mapped->first = mapped->end = bmap->image_size;
	if (mapped->range == bmap->count)
		return;
	mapped->first = range->first * bmap->block_size;
	if (range->last < bmap->blocks - 1)
		mapped->end = (range->last + 1) * bmap->block_size;
	if (range->sum_size > 0)
		mapped->digest = bmap_digest(bmap);
}

/* At the end of a range its digest must be right; then the next one comes into sight. */
static int leave_range(struct bmap_layout *mapped, struct err *err)
{
	const struct bmap_range *range;
	uint8_t found[64];

	while (mapped->range < mapped->bmap->count && mapped->at == mapped->end) {
		range = &mapped->bmap->ranges[mapped->range];
		if (mapped->digest && (digest_get(mapped->digest, found) != range->sum_size ||
				       memcmp(found, range->sum, range->sum_size) != 0)) {
			err_set(err, ERR_DIGEST,
				"the digest of blocks %" PRIu64 " to %" PRIu64
				" is not the one in the block map",
				range->first, range->last);
			return err_remedy(err,
					  "get the image again, or the map that belongs to it");
		}
		mapped->range++;
		enter_range(mapped);
	}
	return 0;
}

static void hash_zeros(struct digest *digest, uint64_t size)
{
	static const uint8_t zeros[4096];
	size_t step;

	for (; digest && size > 0; size -= step) {
		step = size < sizeof(zeros) ? (size_t)size : sizeof(zeros);
		digest_add(digest, zeros, step);
	}
}

/* The extent below that holds `at`; *more false at the end, which must be the map's. */
static int refill(struct bmap_layout *mapped, bool *more, struct err *err)
{
	int rc;

	*more = true;
	if (mapped->left > 0)
		return 0;
	rc = mapped->below->next(mapped->below, &mapped->extent, more, err);
	if (rc < 0)
		return rc;
	mapped->left = *more ? mapped->extent.length : 0;
	if (*more ? mapped->left <= mapped->bmap->image_size - mapped->at
		  : mapped->at == mapped->bmap->image_size)
		return 0;
	err_set(err, ERR_IMAGE,
		"the image is %s than its block map says: that is made for %" PRIu64 " bytes",
		*more ? "bigger" : "smaller", mapped->bmap->image_size);
	return err_remedy(err, "use the map that belongs to this image, or move it away");
}

static int fill_buffer(struct bmap_layout *mapped, uint64_t length, struct err *err)
{
	size_t want = length < mapped->space ? (size_t)length : mapped->space, got;
	int rc;

	mapped->used = 0;
	for (mapped->size = 0; mapped->size < want; mapped->size += got) {
		rc = mapped->below->read(mapped->below, mapped->buffer + mapped->size,
					 want - mapped->size, &got, err);
		if (rc < 0)
			return rc;
		if (got == 0)
			return err_set(err, ERR_INTERNAL, "an extent without its bytes");
	}
	return 0;
}

/* Blocks in the buffer that are alike: all zero, or all not. */
static struct extent judge(const struct bmap_layout *mapped)
{
	size_t block = (size_t)mapped->bmap->block_size, at = mapped->used, step;
	struct extent extent = {.offset = mapped->at};
	enum extent_kind kind;

	for (; at < mapped->size; at += step) {
		step = mapped->size - at < block ? mapped->size - at : block;
		kind = bytes_are_zero(mapped->buffer + at, step) ? EXTENT_ZERO : EXTENT_UNUSED;
		if (at > mapped->used && kind != extent.kind)
			break;
		extent.kind = kind;
	}
	extent.length = at - mapped->used;
	return extent;
}

/* What is not mapped. A map of holes cannot be told from a map of a file system, so zeros stay
   zeros: a hole may be a part of a partition table that must be zero. */
static int next_unmapped(struct bmap_layout *mapped, uint64_t length, struct extent *extent,
			 struct err *err)
{
	int rc;

	if (mapped->extent.kind != EXTENT_DATA) {
		*extent = (struct extent){mapped->extent.kind, mapped->at, length};
	} else {
		rc = mapped->used == mapped->size ? fill_buffer(mapped, length, err) : 0;
		if (rc < 0)
			return rc;
		*extent = judge(mapped);
		mapped->used += (size_t)extent->length;
	}
	mapped->at += extent->length;
	mapped->left -= extent->length;
	return leave_range(mapped, err);
}

static int next_mapped(struct bmap_layout *mapped, uint64_t length, struct extent *extent,
		       struct err *err)
{
	*extent = (struct extent){mapped->extent.kind, mapped->at, length};
	if (extent->kind == EXTENT_DATA) {
		mapped->data_left = length;
		return 0;
	}
	hash_zeros(mapped->digest, length);
	mapped->at += length;
	mapped->left -= length;
	return leave_range(mapped, err);
}

static int bmap_next(struct layout *layout, struct extent *extent, bool *more, struct err *err)
{
	struct bmap_layout *mapped = container_of(layout, struct bmap_layout, layout);
	bool inside;
	uint64_t end;
	int rc = refill(mapped, more, err);

	if (rc < 0 || !*more)
		return rc;
	inside = mapped->at >= mapped->first;
	end = inside ? mapped->end : mapped->first;
	end = end - mapped->at < mapped->left ? end - mapped->at : mapped->left;
	if (inside)
		return next_mapped(mapped, end, extent, err);
	return next_unmapped(mapped, end, extent, err);
}

static int bmap_read(struct layout *layout, void *data, size_t size, size_t *got, struct err *err)
{
	struct bmap_layout *mapped = container_of(layout, struct bmap_layout, layout);
	int rc;

	*got = 0;
	if (mapped->data_left == 0)
		return 0;
	if (size > mapped->data_left)
		size = (size_t)mapped->data_left;
	rc = mapped->below->read(mapped->below, data, size, got, err);
	if (rc < 0)
		return rc;
	if (*got == 0)
		return err_set(err, ERR_INTERNAL, "an extent without its bytes");
	if (mapped->digest)
		digest_add(mapped->digest, data, *got);
	mapped->data_left -= *got;
	mapped->left -= *got;
	mapped->at += *got;
	return leave_range(mapped, err);
}

static void bmap_close(struct layout *layout)
{
	struct bmap_layout *mapped = container_of(layout, struct bmap_layout, layout);

	mapped->below->close(mapped->below);
	bmap_free(mapped->bmap);
	digest_freep(&mapped->digest);
	free(mapped->buffer);
	free(mapped);
}

struct layout *layout_bmap(struct layout *below, struct bmap *bmap)
{
	struct bmap_layout *mapped = xcalloc(1, sizeof(*mapped));

	mapped->layout = (struct layout){bmap_next, bmap_read, bmap_close};
	mapped->below = below;
	mapped->bmap = bmap;
	/* Whole blocks, so that a judgement is on a block and not on a part. */
	mapped->space = (BUFFER_MIN / (size_t)bmap->block_size + 1) * (size_t)bmap->block_size;
	mapped->buffer = xmalloc(mapped->space);
	enter_range(mapped);
	return &mapped->layout;
}
