// SPDX-License-Identifier: MIT
/*
 * Images made from a fuzzer's input: an Android sparse file, and what it stands for. The first byte
 * is the block size; then four bytes make a chunk: its kind, its content, and how many blocks.
 */
#ifndef ABOARD_TESTS_FUZZ_EXTENTS_H
#define ABOARD_TESTS_FUZZ_EXTENTS_H

#include "base/buf.h"
#include "base/bytes.h"
#include "fuzz_memory.h"
#include "image/image.h"
#include "image/sparse_format.h"

#define FUZZ_IMAGE_MAX ((size_t)192 << 10) /* three of the smallest pieces */

struct fuzz_extents {
	uint8_t *bytes; /* of the image, what is unused as zeros; owned */
	uint8_t *kinds; /* enum extent_kind of each byte; owned */
	size_t size, block;
	uint32_t chunks;
	struct buf sparse; /* the same as a file */
};

static inline void fuzz_extents_free(struct fuzz_extents *image)
{
	free(image->bytes);
	free(image->kinds);
	buf_free(&image->sparse);
}

static inline void fuzz_chunk_header(struct fuzz_extents *image, uint16_t type, size_t blocks,
				     size_t payload)
{
	uint8_t header[SPARSE_CHUNK_HEADER] = {0};

	put_le16(header, type);
	put_le32(header + 4, (uint32_t)blocks);
	put_le32(header + 8, (uint32_t)(sizeof(header) + payload));
	buf_add(&image->sparse, header, sizeof(header));
}

/* Content 0 is zeros; an odd one has blocks of zeros in between. */
static inline void fuzz_chunk_data(struct fuzz_extents *image, uint8_t content, size_t size)
{
	uint8_t *to = image->bytes + image->size;
	size_t i;

	for (i = 0; content && i < size; i++)
		if (content % 2 == 0 || i / 5000 % 3)
			to[i] = (uint8_t)(content + i % 251 + i / 4096);
	fuzz_chunk_header(image, SPARSE_CHUNK_RAW, size / image->block, size);
	buf_add(&image->sparse, to, size);
}

static inline void fuzz_chunk_fill(struct fuzz_extents *image, uint8_t content, size_t size)
{
	const uint8_t pattern[SPARSE_FILL] = {content, 0, 0, content};
	size_t i;

	for (i = 0; i < size; i++)
		image->bytes[image->size + i] = pattern[i % SPARSE_FILL];
	fuzz_chunk_header(image, SPARSE_CHUNK_FILL, size / image->block, SPARSE_FILL);
	buf_add(&image->sparse, pattern, sizeof(pattern));
}

static inline void fuzz_chunk(struct fuzz_extents *image, const uint8_t four[4])
{
	size_t size = le16(four + 2) * image->block, left = FUZZ_IMAGE_MAX - image->size;
	enum extent_kind kind = EXTENT_DATA;

	if (size > left)
		size = left - left % image->block;
	if (size == 0)
		return;
	image->chunks++;
	if (four[0] % 4 < 2) {
		fuzz_chunk_data(image, four[1], size);
	} else if (four[0] % 4 == 2) {
		fuzz_chunk_fill(image, four[1], size);
		kind = four[1] ? EXTENT_DATA : EXTENT_ZERO;
	} else {
		fuzz_chunk_header(image, SPARSE_CHUNK_DONT_CARE, size / image->block, 0);
		kind = EXTENT_UNUSED;
	}
	memset(image->kinds + image->size, (int)kind, size);
	image->size += size;
}

static inline void fuzz_extents_make(struct fuzz_extents *image, const uint8_t *data, size_t size)
{
	uint8_t header[SPARSE_HEADER] = {0};

	*image = (struct fuzz_extents){.block = size && data[0] != 255 ? 4 * (size_t)(data[0] + 1)
								       : 4096};
	image->bytes = xcalloc(1, FUZZ_IMAGE_MAX);
	image->kinds = xcalloc(1, FUZZ_IMAGE_MAX);
	buf_add(&image->sparse, header, sizeof(header));
	for (data++; size > 4; data += 4, size -= 4)
		fuzz_chunk(image, data);
	put_le32(header, SPARSE_MAGIC);
	put_le16(header + 4, SPARSE_MAJOR);
	put_le16(header + 8, SPARSE_HEADER);
	put_le16(header + 10, SPARSE_CHUNK_HEADER);
	put_le32(header + 12, (uint32_t)image->block);
	put_le32(header + 16, (uint32_t)(image->size / image->block));
	put_le32(header + 20, image->chunks);
	memcpy(image->sparse.data, header, sizeof(header));
}

#endif
