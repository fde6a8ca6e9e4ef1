// SPDX-License-Identifier: MIT
#include "image/block_image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PIECE ((size_t)1 << 20)

/* A run that was written. */
struct piece {
	uint64_t offset, length;
	bool zero;                   /* zeros; else `digest` counts, and length is at most PIECE */
	uint8_t digest[SHA256_SIZE]; /* of its bytes */
};

struct block_image {
	struct piece *pieces; /* owned; upwards, they do not overlap */
	size_t count, space;
};

struct writer {
	struct block_image *written;
	struct block *block;
	const struct block_progress *progress;
	struct deadline deadline;
	uint8_t *bytes;  /* PIECE bytes that are not written yet; owned */
	uint64_t offset; /* where they belong */
	size_t held;
};

struct block_image *block_image_new(void)
{
	return xcalloc(1, sizeof(struct block_image));
}

void block_image_free(struct block_image *written)
{
	if (written)
		free(written->pieces);
	free(written);
}

static struct piece *add_piece(struct block_image *written, uint64_t offset, uint64_t length)
{
	struct piece *piece;

	if (written->count == written->space) {
		written->space = written->space ? 2 * written->space : 64;
		written->pieces =
			xrealloc(written->pieces, written->space, sizeof(*written->pieces));
	}
	piece = &written->pieces[written->count++];
	*piece = (struct piece){.offset = offset, .length = length};
	return piece;
}

static void digest_of(const void *data, size_t size, uint8_t out[SHA256_SIZE])
{
	_cleanup_(digest_freep) struct digest *digest = digest_new();
	uint8_t whole[64];

	digest_add(digest, data, size);
	digest_get(digest, whole);
	memcpy(out, whole, SHA256_SIZE);
}

static void show(const struct block_progress *progress, uint64_t done)
{
	if (progress && progress->step)
		progress->step(progress->context, done);
}

static int write_held(struct writer *writer, struct err *err)
{
	struct piece *piece;
	int rc;

	if (writer->held == 0)
		return 0;
	rc = deadline_check(writer->deadline, err);
	if (rc == 0)
		rc = block_write(writer->block, writer->offset, writer->bytes, writer->held, err);
	if (rc < 0)
		return rc;
	piece = add_piece(writer->written, writer->offset, writer->held);
	digest_of(writer->bytes, writer->held, piece->digest);
	show(writer->progress, writer->offset + writer->held);
	writer->held = 0;
	return 0;
}

static int write_data(struct writer *writer, struct image *image, const struct extent *extent,
		      struct err *err)
{
	uint64_t at = extent->offset;
	size_t got = 1;
	int rc = 0;

	if (writer->held > 0 && writer->offset + writer->held != at)
		rc = write_held(writer, err);
	while (rc == 0 && got > 0) {
		if (writer->held == 0)
			writer->offset = at;
		rc = image_read(image, writer->bytes + writer->held, PIECE - writer->held, &got,
				err);
		if (rc < 0)
			return rc;
		writer->held += got;
		at += got;
		if (writer->held == PIECE)
			rc = write_held(writer, err);
	}
	return rc;
}

static void note_zeros(struct block_image *written, uint64_t offset, uint64_t length)
{
	struct piece *last = written->count ? &written->pieces[written->count - 1] : NULL;

	if (last && last->zero && last->offset + last->length == offset)
		last->length += length;
	else
		add_piece(written, offset, length)->zero = true;
}

static int write_zeros(struct writer *writer, const struct extent *extent, struct err *err)
{
	uint64_t done = 0, step;
	int rc = write_held(writer, err);

	for (; rc == 0 && done < extent->length; done += step) {
		step = extent->length - done < BLOCK_ZERO_MAX ? extent->length - done
							      : BLOCK_ZERO_MAX;
		rc = deadline_check(writer->deadline, err);
		if (rc == 0)
			rc = block_zero(writer->block, extent->offset + done, step, err);
		show(writer->progress, extent->offset + done + step);
	}
	if (rc == 0)
		note_zeros(writer->written, extent->offset, extent->length);
	return rc;
}

static int write_extent(struct writer *writer, struct image *image, const struct extent *extent,
			struct err *err)
{
	if (extent->kind == EXTENT_DATA)
		return write_data(writer, image, extent, err);
	if (extent->kind == EXTENT_ZERO)
		return write_zeros(writer, extent, err);
	return write_held(writer, err);
}

int block_image_write(struct block_image *written, struct image *image, struct block *block,
		      const struct block_progress *progress, struct deadline deadline,
		      struct err *err)
{
	_cleanup_(freep) uint8_t *bytes = xmalloc(PIECE);
	struct writer writer = {.written = written,
				.block = block,
				.progress = progress,
				.deadline = deadline,
				.bytes = bytes};
	struct extent extent;
	bool more = true;
	int rc = 0;

	written->count = 0;
	while (rc == 0 && more) {
		rc = image_next(image, &extent, &more, err);
		if (rc == 0 && more)
			rc = write_extent(&writer, image, &extent, err);
	}
	if (rc == 0)
		rc = write_held(&writer, err);
	return rc < 0 ? rc : block_flush(block, err);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static bool is_right(const struct piece *piece, const uint8_t *bytes, size_t size)
{
	uint8_t digest[SHA256_SIZE];

	if (piece->zero)
		return is_zero(bytes, size);
	digest_of(bytes, size, digest);
	return memcmp(digest, piece->digest, sizeof(digest)) == 0;
}

static int verify_piece(const struct piece *piece, struct block *block, uint8_t *bytes,
			const struct block_progress *progress, struct deadline deadline,
			struct err *err)
{
	uint64_t at = piece->offset, end = piece->offset + piece->length;
	size_t step;
	int rc = 0;

	for (; rc == 0 && at < end; at += step) {
		step = end - at < PIECE ? (size_t)(end - at) : PIECE;
		rc = deadline_check(deadline, err);
		if (rc == 0)
			rc = block_read(block, at, bytes, step, err);
		if (rc < 0)
			return rc;
		if (!is_right(piece, bytes, step))
			return err_set(err, ERR_VERIFY,
				       "what was written from byte %" PRIu64 " to %" PRIu64
				       " reads back as something else",
				       at, at + step);
		show(progress, at + step);
	}
	return rc;
}

int block_image_verify(const struct block_image *written, struct block *block,
		       const struct block_progress *progress, struct deadline deadline,
		       struct err *err)
{
	_cleanup_(freep) uint8_t *bytes = xmalloc(PIECE);
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < written->count; i++)
		rc = verify_piece(&written->pieces[i], block, bytes, progress, deadline, err);
	return rc;
}

uint64_t block_image_bytes(const struct block_image *written)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < written->count; i++)
		bytes += written->pieces[i].length;
	return bytes;
}
