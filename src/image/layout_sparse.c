// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "image/layout.h"
#include "image/sparse_format.h"

/* Headers may grow; nobody ever made them this big. */
#define HEADER_MAX       4096
#define BLOCK_MAX        (64u << 20)
#define FILL_BUFFER_SIZE 4096

struct sparse {
	struct layout layout;
	struct reader *below;
	uint16_t header_size, chunk_header_size;
	uint32_t block_size, blocks, chunks, checksum;
	uint32_t chunks_done;
	uint64_t at;  /* bytes of the expanded image announced or read */
	uint32_t crc; /* of the expanded image up to `at`, skipped blocks as zeros */

	uint16_t type; /* of the chunk at hand */
	uint64_t left; /* bytes of it to come in the expanded image */
	uint8_t fill[FILL_BUFFER_SIZE];
};

bool layout_is_sparse(const uint8_t *head, size_t size)
{
	return size >= SPARSE_HEADER && le32(head) == SPARSE_MAGIC;
}

static int damaged(const struct sparse *sparse, const char *what, struct err *err)
{
	err_set(err, ERR_IMAGE, "android sparse: %s, in chunk %" PRIu32 " of %" PRIu32, what,
		sparse->chunks_done, sparse->chunks);
	return err_remedy(err, "get the image again: it is damaged");
}

/* Exactly `size` bytes. */
static int take(struct sparse *sparse, void *data, size_t size, struct err *err)
{
	size_t got;
	int rc = reader_fill(sparse->below, data, size, &got, err);

	if (rc < 0)
		return rc;
	return got == size ? 0 : damaged(sparse, "the stream is cut short", err);
}

/* Header bytes of later versions of the format. */
static int skip(struct sparse *sparse, size_t size, struct err *err)
{
	uint8_t unknown[HEADER_MAX];

	return size > 0 ? take(sparse, unknown, size, err) : 0;
}

static int read_header(struct sparse *sparse, struct err *err)
{
	uint8_t raw[SPARSE_HEADER];
	int rc = take(sparse, raw, sizeof(raw), err);

	if (rc < 0)
		return rc;
	sparse->header_size = le16(raw + 8);
	sparse->chunk_header_size = le16(raw + 10);
	sparse->block_size = le32(raw + 12);
	sparse->blocks = le32(raw + 16);
	sparse->chunks = le32(raw + 20);
	sparse->checksum = le32(raw + 24);
	if (le16(raw + 4) != SPARSE_MAJOR)
		return err_set(err, ERR_IMAGE, "android sparse: version %u is not known",
			       le16(raw + 4));
	if (sparse->header_size < SPARSE_HEADER || sparse->header_size > HEADER_MAX ||
	    sparse->chunk_header_size < SPARSE_CHUNK_HEADER ||
	    sparse->chunk_header_size > HEADER_MAX)
		return damaged(sparse, "impossible header sizes", err);
	if (sparse->block_size == 0 || sparse->block_size % 4 || sparse->block_size > BLOCK_MAX)
		return damaged(sparse, "an impossible block size", err);
	return skip(sparse, (size_t)(sparse->header_size - SPARSE_HEADER), err);
}

static int begin_fill(struct sparse *sparse, struct err *err)
{
	uint8_t pattern[4];
	size_t i;
	int rc = take(sparse, pattern, sizeof(pattern), err);

	for (i = 0; rc == 0 && i < sizeof(sparse->fill); i += sizeof(pattern))
		memcpy(sparse->fill + i, pattern, sizeof(pattern));
	return rc;
}

static int check_crc(struct sparse *sparse, struct err *err)
{
	uint8_t expected[4];
	int rc = take(sparse, expected, sizeof(expected), err);

	if (rc < 0)
		return rc;
	return le32(expected) == sparse->crc ? 0 : damaged(sparse, "the CRC-32 is wrong", err);
}

/* The payload of a chunk type in bytes; false for an unknown type. */
static bool payload_size(const struct sparse *sparse, uint16_t type, uint32_t blocks,
			 uint64_t *payload)
{
	switch (type) {
	case SPARSE_CHUNK_RAW:
		*payload = (uint64_t)blocks * sparse->block_size;
		return true;
	case SPARSE_CHUNK_FILL:
		*payload = 4;
		return true;
	case SPARSE_CHUNK_DONT_CARE:
		*payload = 0;
		return true;
	case SPARSE_CHUNK_CRC32:
		*payload = 4;
		return blocks == 0;
	default:
		return false;
	}
}

static int begin_chunk(struct sparse *sparse, struct err *err)
{
	uint64_t total = (uint64_t)sparse->blocks * sparse->block_size, payload;
	uint8_t raw[SPARSE_CHUNK_HEADER];
	uint32_t blocks;
	int rc;

	sparse->chunks_done++;
	rc = take(sparse, raw, sizeof(raw), err);
	if (rc < 0)
		return rc;
	rc = skip(sparse, (size_t)(sparse->chunk_header_size - SPARSE_CHUNK_HEADER), err);
	if (rc < 0)
		return rc;
	sparse->type = le16(raw);
	blocks = le32(raw + 4);
	if (!payload_size(sparse, sparse->type, blocks, &payload))
		return damaged(sparse, "an unknown kind of chunk", err);
	if (le32(raw + 8) != sparse->chunk_header_size + payload)
		return damaged(sparse, "the chunk's two sizes differ", err);
	sparse->left = (uint64_t)blocks * sparse->block_size;
	if (sparse->left > total - sparse->at)
		return damaged(sparse, "more blocks than the header has", err);
	if (sparse->type == SPARSE_CHUNK_FILL)
		return begin_fill(sparse, err);
	return sparse->type == SPARSE_CHUNK_CRC32 ? check_crc(sparse, err) : 0;
}

static int finish(struct sparse *sparse, struct err *err)
{
	uint8_t byte;
	size_t got;
	int rc;

	if (sparse->at != (uint64_t)sparse->blocks * sparse->block_size)
		return damaged(sparse, "fewer blocks than the header has", err);
	if (sparse->checksum != 0 && sparse->checksum != sparse->crc)
		return damaged(sparse, "the CRC-32 of the header is wrong", err);
	rc = sparse->below->read(sparse->below, &byte, 1, &got, err);
	if (rc < 0)
		return rc;
	return got == 0 ? 0 : damaged(sparse, "something follows the last chunk", err);
}

static bool is_zero_fill(const struct sparse *sparse)
{
	return sparse->type == SPARSE_CHUNK_FILL && le32(sparse->fill) == 0;
}

static void add_zero_crc(struct sparse *sparse, uint64_t size)
{
	static const uint8_t zeros[FILL_BUFFER_SIZE];
	size_t step;

	for (; size > 0; size -= step) {
		step = size < sizeof(zeros) ? (size_t)size : sizeof(zeros);
		sparse->crc = crc32_add(sparse->crc, zeros, step);
	}
}

/* A piece of a chunk without bytes. */
static void next_empty(struct sparse *sparse, struct extent *extent)
{
	extent->kind = sparse->type == SPARSE_CHUNK_DONT_CARE ? EXTENT_UNUSED : EXTENT_ZERO;
	if (extent->length > LAYOUT_PIECE)
		extent->length = LAYOUT_PIECE;
	add_zero_crc(sparse, extent->length);
	sparse->at += extent->length;
	sparse->left -= extent->length;
}

static int sparse_next(struct layout *layout, struct extent *extent, bool *more, struct err *err)
{
	struct sparse *sparse = container_of(layout, struct sparse, layout);
	int rc;

	*more = false;
	while (sparse->left == 0) {
		if (sparse->chunks_done == sparse->chunks)
			return finish(sparse, err);
		rc = begin_chunk(sparse, err);
		if (rc < 0)
			return rc;
	}
	*more = true;
	*extent = (struct extent){EXTENT_DATA, sparse->at, sparse->left};
	if (sparse->type == SPARSE_CHUNK_DONT_CARE || is_zero_fill(sparse))
		next_empty(sparse, extent);
	return 0;
}

/* FILL: from the same place of the pattern where the last read stopped. */
static size_t copy_fill(const struct sparse *sparse, void *data, size_t size)
{
	size_t start = (size_t)(sparse->at % 4), room = sizeof(sparse->fill) - start;

	if (size > room)
		size = room;
	memcpy(data, sparse->fill + start, size);
	return size;
}

static int sparse_read(struct layout *layout, void *data, size_t size, size_t *got, struct err *err)
{
	struct sparse *sparse = container_of(layout, struct sparse, layout);
	int rc;

	*got = 0;
	if (sparse->left == 0)
		return 0;
	if (size > sparse->left)
		size = (size_t)sparse->left;
	if (sparse->type == SPARSE_CHUNK_FILL) {
		*got = copy_fill(sparse, data, size);
	} else {
		rc = sparse->below->read(sparse->below, data, size, got, err);
		if (rc < 0)
			return rc;
		if (*got == 0)
			return damaged(sparse, "the stream is cut short", err);
	}
	sparse->crc = crc32_add(sparse->crc, data, *got);
	sparse->at += *got;
	sparse->left -= *got;
	return 0;
}

static void sparse_close(struct layout *layout)
{
	struct sparse *sparse = container_of(layout, struct sparse, layout);

	sparse->below->close(sparse->below);
	free(sparse);
}

int layout_sparse(struct layout **layout, struct reader *below, uint64_t *size, struct err *err)
{
	struct sparse *sparse = xcalloc(1, sizeof(*sparse));
	_cleanup_(layout_closep) struct layout *owned = &sparse->layout;
	int rc;

	sparse->layout = (struct layout){sparse_next, sparse_read, sparse_close};
	sparse->below = below;
	rc = read_header(sparse, err);
	if (rc < 0)
		return rc;
	*size = (uint64_t)sparse->blocks * sparse->block_size;
	*layout = steal(owned);
	return 0;
}
