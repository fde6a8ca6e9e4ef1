// SPDX-License-Identifier: MIT
#include "build/unpack.h"

#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

#define PIECE ((size_t)64 << 10)

struct unpacking {
	int fd;
	uint8_t *in, *out; /* PIECE bytes each */
	uint8_t *head;
	size_t max, size;
	uint64_t total;
	struct err *err;
};

static int take(struct unpacking *unpacking, size_t size)
{
	size_t room = unpacking->max - unpacking->size, copied = size < room ? size : room;

	memcpy(unpacking->head + unpacking->size, unpacking->out, copied);
	unpacking->size += copied;
	unpacking->total += size;
	if (unpacking->total > UNPACK_MAX)
		return err_set(unpacking->err, ERR_IMAGE, "unpacks to more than 4 GiB");
	return 0;
}

/* The next piece of the file; 0 at its end. */
static int refill(struct unpacking *unpacking, size_t *got)
{
	ssize_t count = read(unpacking->fd, unpacking->in, PIECE);

	if (count < 0)
		return err_errno(unpacking->err, ERR_HOST, "cannot read");
	*got = (size_t)count;
	return 0;
}

static int damaged(struct unpacking *unpacking, const char *why)
{
	return err_set(unpacking->err, ERR_IMAGE, "the packed data are damaged: %s", why);
}

static int cut(struct unpacking *unpacking)
{
	return err_set(unpacking->err, ERR_IMAGE, "the packed data end too early");
}

/* Unpacks what is in stream->next_in; *done tells that a member has ended. */
static int inflate_piece(struct unpacking *unpacking, z_stream *stream, bool *done)
{
	int rc, status = Z_OK;

	do {
		if (*done && stream->avail_in && *stream->next_in != 0x1f)
			return 0; /* padding behind the last member */
		if (*done && stream->avail_in)
			inflateReset(stream);
		stream->next_out = unpacking->out;
		stream->avail_out = (uInt)PIECE;
		status = inflate(stream, Z_NO_FLUSH);
		*done = status == Z_STREAM_END;
		if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
			return damaged(unpacking, stream->msg ? stream->msg : "no gzip data");
		rc = take(unpacking, PIECE - stream->avail_out);
		if (rc < 0)
			return rc;
	} while (stream->avail_in || stream->avail_out == 0);
	return 0;
}

static void end_inflate(z_stream *stream)
{
	inflateEnd(stream);
}

static int gunzip(struct unpacking *unpacking)
{
	_cleanup_(end_inflate) z_stream stream = {0};
	bool done = false;
	size_t got = 0;
	int rc;

	if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
		return err_set(unpacking->err, ERR_INTERNAL, "zlib does not start");
	for (;;) {
		rc = refill(unpacking, &got);
		if (rc < 0)
			return rc;
		if (got == 0)
			return done ? 0 : cut(unpacking);
		stream.next_in = unpacking->in;
		stream.avail_in = (uInt)got;
		rc = inflate_piece(unpacking, &stream, &done);
		if (rc < 0 || (done && stream.avail_in))
			return rc;
	}
}

static void free_zstd(ZSTD_DStream **stream)
{
	ZSTD_freeDStream(*stream);
}

static int unzstd(struct unpacking *unpacking)
{
	_cleanup_(free_zstd) ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_outBuffer out;
	ZSTD_inBuffer in;
	size_t left = 1, got = 0;
	int rc;

	for (;;) {
		rc = refill(unpacking, &got);
		if (rc < 0)
			return rc;
		if (got == 0)
			return left == 0 ? 0 : cut(unpacking);
		in = (ZSTD_inBuffer){unpacking->in, got, 0};
		do {
			out = (ZSTD_outBuffer){unpacking->out, PIECE, 0};
			left = ZSTD_decompressStream(stream, &out, &in);
			if (ZSTD_isError(left))
				return damaged(unpacking, ZSTD_getErrorName(left));
			rc = take(unpacking, out.pos);
			if (rc < 0)
				return rc;
		} while (in.pos < in.size || out.pos == out.size);
	}
}

int unpack_head(int fd, bool gzip, uint8_t *head, size_t max, size_t *size, struct err *err)
{
	_cleanup_(freep) uint8_t *in = xmalloc(PIECE);
	_cleanup_(freep) uint8_t *out = xmalloc(PIECE);
	struct unpacking unpacking = {
		.fd = fd, .in = in, .out = out, .head = head, .max = max, .err = err};
	int rc;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, ERR_HOST, "cannot read");
	rc = gzip ? gunzip(&unpacking) : unzstd(&unpacking);
	*size = unpacking.size;
	return rc;
}
