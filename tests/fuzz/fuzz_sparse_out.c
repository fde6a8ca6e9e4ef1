// SPDX-License-Identifier: MIT
/* Any image as sparse pieces for a device with a small buffer, put together again by our own
   reader: the bytes must be the same. Four bytes say how it is cut, the rest is the image. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/digest.h"
#include "fuzz_extents.h"
#include "image/layout.h"
#include "image/sparse_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEDIUM (FUZZ_IMAGE_MAX + SPARSE_BLOCK)

static void expect(bool holds)
{
	if (!holds)
		abort();
}

/* One extent onto the medium; bytes written. */
static uint64_t put_extent(uint8_t *medium, struct layout *layout, const struct extent *extent)
{
	size_t at = (size_t)extent->offset, end = at + (size_t)extent->length, got;
	struct err err;

	expect(extent->offset <= MEDIUM && extent->length <= MEDIUM - extent->offset);
	if (extent->kind == EXTENT_UNUSED)
		return 0;
	memset(medium + at, 0, end - at);
	for (; extent->kind == EXTENT_DATA && at < end; at += got)
		expect(layout->read(layout, medium + at, end - at, &got, &err) == 0 && got > 0);
	return extent->length;
}

static void put_piece(uint8_t *medium, const struct sparse_piece *piece)
{
	_cleanup_(layout_closep) struct layout *layout = NULL;
	uint64_t total, writes = 0, ranges = 0;
	struct extent extent;
	struct err err;
	bool more;
	size_t i;

	expect(layout_sparse(&layout, fuzz_memory(piece->bytes, piece->size), &total, &err) == 0);
	for (;;) {
		expect(layout->next(layout, &extent, &more, &err) == 0);
		if (!more)
			break;
		writes += put_extent(medium, layout, &extent);
	}
	for (i = 0; i < piece->range_count; i++) {
		const struct sparse_range *range = &piece->ranges[i];

		expect(range->crc == crc32_add(0, medium + range->offset, (size_t)range->length));
		ranges += range->length;
	}
	expect(writes == piece->writes && ranges == writes);
}

static void send_all(uint8_t *medium, struct image *image, const struct sparse_out_options *how,
		     uint64_t size)
{
	_cleanup_(sparse_out_freep) struct sparse_out *out = sparse_out_new(image, how);
	struct sparse_piece piece = {0};
	uint64_t done = 0;
	struct err err;
	bool more;

	for (;;) {
		expect(sparse_out_next(out, &piece, &more, &err) == 0);
		if (!more)
			break;
		expect(piece.size <= how->limit && piece.done >= done);
		done = piece.done;
		put_piece(medium, &piece);
	}
	expect(done <= size); /* unused blocks at the end need no piece */
}

static struct image *open_image(const struct fuzz_extents *made, int *fd)
{
	struct image *image = NULL;
	char path[64];
	struct err err;

	*fd = memfd_create("fuzz", MFD_CLOEXEC);
	expect(*fd >= 0 &&
	       write(*fd, made->sparse.data, made->sparse.size) == (ssize_t)made->sparse.size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	if (image_open(&image, path, NULL, DEADLINE_NEVER, &err) < 0)
		expect(made->size == 0);
	return image;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(fuzz_extents_free) struct fuzz_extents made = {0};
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(closep) int fd = -1;
	_cleanup_(freep) uint8_t *medium = NULL;
	struct sparse_out_options how;
	size_t i;

	if (size < 5)
		return 0;
	fuzz_extents_make(&made, data + 4, size - 4);
	image = open_image(&made, &fd);
	if (!image)
		return 0;
	how = (struct sparse_out_options){
		.size = data[0] & 1 ? made.size : IMAGE_SIZE_UNKNOWN,
		.limit = SPARSE_LIMIT_MIN + 8 * (uint32_t)data[1],
		.erased = data[0] & 2 ? UINT64_MAX : le16(data + 2) * (uint64_t)16,
	};
	medium = xmalloc(MEDIUM);
	memset(medium, 0xa5, MEDIUM);
	memset(medium, 0, how.erased < MEDIUM ? (size_t)how.erased : MEDIUM);
	send_all(medium, image, &how, made.size);
	for (i = 0; i < made.size; i++)
		expect(made.kinds[i] == EXTENT_UNUSED || medium[i] == made.bytes[i]);
	return 0;
}
