// SPDX-License-Identifier: MIT
/* A block map over an Android sparse image, which brings extents of its own kinds. The first byte
   is the map's block size, the second how many ranges it has, three bytes each: how far from the
   one before, how long, and whether its digest is right. The rest is the image. */
#include "base/digest.h"
#include "fuzz_extents.h"
#include "image/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static void sum(const struct bmap *map, struct bmap_range *range, const uint8_t *bytes)
{
	size_t from = (size_t)(range->first * map->block_size);
	size_t end = (size_t)((range->last + 1) * map->block_size);
	_cleanup_(digest_freep) struct digest *digest = bmap_digest(map);

	if (end > map->image_size)
		end = (size_t)map->image_size;
	digest_add(digest, bytes + from, end - from);
	range->sum_size = digest_get(digest, range->sum);
}

/* The map is the layout's then. *wrong: a digest of it is. */
static struct bmap *make_map(const struct fuzz_extents *image, uint64_t block, const uint8_t *rows,
			     size_t count, bool *wrong)
{
	struct bmap *map = xcalloc(1, sizeof(*map));
	struct bmap_range *range;
	uint64_t next = 0;
	size_t i;

	*map = (struct bmap){.image_size = image->size, .block_size = block, .checksum = "sha256"};
	map->blocks = (image->size + block - 1) / block;
	map->ranges = xcalloc(count + 1, sizeof(*map->ranges));
	for (i = 0; i < count; i++, rows += 3) {
		range = &map->ranges[map->count];
		range->first = next + rows[0];
		range->last = range->first + rows[1];
		if (range->last >= map->blocks)
			break;
		next = range->last + 2;
		map->count++;
		if (rows[2] & 1)
			sum(map, range, image->bytes);
		if (rows[2] & 1 && rows[2] == 255) {
			range->sum[0] ^= 1;
			*wrong = true;
		}
	}
	return map;
}

static void mark(uint8_t *mapped, const struct bmap *map)
{
	uint64_t at, i;

	for (i = 0; i < map->count; i++)
		for (at = map->ranges[i].first * map->block_size;
		     at < (map->ranges[i].last + 1) * map->block_size && at < map->image_size; at++)
			mapped[at] = 1;
}

/* What is mapped stays what it was; of the rest zeros stay zeros. */
static void check(const struct fuzz_extents *image, const uint8_t *mapped,
		  const struct extent *extent)
{
	size_t i = (size_t)extent->offset, end = i + (size_t)extent->length;

	for (; i < end; i++) {
		if (mapped[i] || image->kinds[i] != EXTENT_DATA)
			expect(extent->kind == image->kinds[i]);
		else
			expect(extent->kind != EXTENT_DATA);
		expect(extent->kind != EXTENT_ZERO || image->bytes[i] == 0);
	}
}

static int read_extent(const struct fuzz_extents *image, struct layout *layout,
		       const struct extent *extent, struct err *err)
{
	size_t at = (size_t)extent->offset, end = at + (size_t)extent->length, got = 1;
	uint8_t bytes[777];
	int rc = 0;

	while (rc == 0 && got > 0) {
		rc = layout->read(layout, bytes, sizeof(bytes), &got, err);
		if (rc < 0)
			return rc;
		expect(got <= end - at && memcmp(bytes, image->bytes + at, got) == 0);
		at += got;
	}
	expect(at == end);
	return 0;
}

static int walk(const struct fuzz_extents *image, const uint8_t *mapped, struct layout *layout,
		struct err *err)
{
	struct extent extent;
	uint64_t at = 0;
	bool more;
	int rc;

	for (;;) {
		rc = layout->next(layout, &extent, &more, err);
		if (rc < 0 || !more)
			break;
		expect(extent.offset == at && extent.length > 0 &&
		       extent.length <= image->size - at);
		at += extent.length;
		check(image, mapped, &extent);
		rc = extent.kind == EXTENT_DATA ? read_extent(image, layout, &extent, err) : 0;
		if (rc < 0)
			return rc;
	}
	expect(rc < 0 || at == image->size);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(fuzz_extents_free) struct fuzz_extents image = {0};
	_cleanup_(layout_closep) struct layout *layout = NULL;
	_cleanup_(freep) uint8_t *mapped = NULL;
	size_t ranges = size > 1 ? data[1] % 16 : 0;
	struct layout *below;
	struct bmap *map;
	bool wrong = false;
	uint64_t total;
	struct err err;

	if (size < 3 + 3 * ranges)
		return 0;
	fuzz_extents_make(&image, data + 2 + 3 * ranges, size - 2 - 3 * ranges);
	if (image.size == 0)
		return 0;
	expect(layout_sparse(&below,
			     fuzz_memory((const uint8_t *)image.sparse.data, image.sparse.size),
			     &total, &err) == 0);
	map = make_map(&image, 64 * (uint64_t)(data[0] + 1), data + 2, ranges, &wrong);
	mapped = xcalloc(1, image.size);
	mark(mapped, map);
	layout = layout_bmap(below, map);
	expect((walk(&image, mapped, layout, &err) == 0) == !wrong);
	return 0;
}
