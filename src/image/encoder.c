// SPDX-License-Identifier: MIT
#include <bzlib.h>
#include <errno.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "base/text.h"
#include "image/image.h"

#define PIECE ((size_t)64 << 10) /* of input a step gets at most */

/* Levels for reading a medium back: they keep up with it. xz: blocks for the threaded decoders. */
#define GZIP_LEVEL  6
#define XZ_PRESET   2
#define XZ_MEMORY   ((uint64_t)128 << 20)
#define ZSTD_LEVEL  3
#define BZIP2_LEVEL 9

struct encoder_kind {
	const char *suffix;
	void (*open)(struct encoder *encoder);
	/* Takes some of data[0..*size), sets *size to how much, and returns the bytes it has put
	   into `out`. With `finish`: *done when everything has come out. -1: the library failed. */
	ssize_t (*step)(struct encoder *encoder, const uint8_t *data, size_t *size, bool finish,
			bool *done);
	void (*free)(struct encoder *encoder);
};

struct encoder {
	const struct encoder_kind *kind;
	int fd;
	uint8_t *out;
	size_t space;
	union {
		z_stream gzip;
		lzma_stream xz;
		ZSTD_CCtx *zstd;
		bz_stream bzip2;
		LZ4F_cctx *lz4;
	};
	bool begun; /* lz4: the frame header is out */
};

static void gzip_begin(struct encoder *encoder)
{
	if (deflateInit2(&encoder->gzip, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		abort();
}

static ssize_t gzip_step(struct encoder *encoder, const uint8_t *data, size_t *size, bool finish,
			 bool *done)
{
	z_stream *z = &encoder->gzip;
	int rc;

	z->next_in = (Bytef *)(uintptr_t)data; /* zlib does not write to it */
	z->avail_in = (uInt)*size;
	z->next_out = encoder->out;
	z->avail_out = (uInt)encoder->space;
	rc = deflate(z, finish ? Z_FINISH : Z_NO_FLUSH);
	*size -= z->avail_in;
	*done = rc == Z_STREAM_END;
	return rc == Z_STREAM_ERROR ? -1 : (ssize_t)(encoder->space - z->avail_out);
}

static void gzip_end(struct encoder *encoder)
{
	deflateEnd(&encoder->gzip);
}

/* As many threads as processors, fewer where they would need more than XZ_MEMORY. */
static void xz_begin(struct encoder *encoder)
{
	lzma_mt options = {
		.threads = lzma_cputhreads() ? lzma_cputhreads() : 1,
		.preset = XZ_PRESET,
		.check = LZMA_CHECK_CRC64,
	};

	while (options.threads > 1 && lzma_stream_encoder_mt_memusage(&options) > XZ_MEMORY)
		options.threads--;
	if (lzma_stream_encoder_mt(&encoder->xz, &options) != LZMA_OK)
		abort();
}

static ssize_t xz_step(struct encoder *encoder, const uint8_t *data, size_t *size, bool finish,
		       bool *done)
{
	lzma_stream *xz = &encoder->xz;
	lzma_ret rc;

	xz->next_in = data;
	xz->avail_in = *size;
	xz->next_out = encoder->out;
	xz->avail_out = encoder->space;
	rc = lzma_code(xz, finish ? LZMA_FINISH : LZMA_RUN);
	*size -= xz->avail_in;
	*done = rc == LZMA_STREAM_END;
	return rc == LZMA_OK || *done ? (ssize_t)(encoder->space - xz->avail_out) : -1;
}

static void xz_end(struct encoder *encoder)
{
	lzma_end(&encoder->xz);
}

static void zstd_begin(struct encoder *encoder)
{
	encoder->zstd = ZSTD_createCCtx();
	if (!encoder->zstd)
		abort();
	ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_checksumFlag, 1);
}

static ssize_t zstd_step(struct encoder *encoder, const uint8_t *data, size_t *size, bool finish,
			 bool *done)
{
	ZSTD_inBuffer in = {data, *size, 0};
	ZSTD_outBuffer out = {encoder->out, encoder->space, 0};
	size_t rc = ZSTD_compressStream2(encoder->zstd, &out, &in,
					 finish ? ZSTD_e_end : ZSTD_e_continue);

	*size = in.pos;
	*done = finish && rc == 0;
	return ZSTD_isError(rc) ? -1 : (ssize_t)out.pos;
}

static void zstd_end(struct encoder *encoder)
{
	ZSTD_freeCCtx(encoder->zstd);
}

static void bzip2_begin(struct encoder *encoder)
{
	if (BZ2_bzCompressInit(&encoder->bzip2, BZIP2_LEVEL, 0, 0) != BZ_OK)
		abort();
}

static ssize_t bzip2_step(struct encoder *encoder, const uint8_t *data, size_t *size, bool finish,
			  bool *done)
{
	bz_stream *bz = &encoder->bzip2;
	int rc = BZ_RUN_OK;

	bz->next_in = (char *)(uintptr_t)data; /* libbz2 does not write to it */
	bz->avail_in = (unsigned int)*size;
	bz->next_out = (char *)encoder->out;
	bz->avail_out = (unsigned int)encoder->space;
	if (finish || *size > 0)
		rc = BZ2_bzCompress(bz, finish ? BZ_FINISH : BZ_RUN);
	*size -= bz->avail_in;
	*done = rc == BZ_STREAM_END;
	return rc < 0 ? -1 : (ssize_t)(encoder->space - bz->avail_out);
}

static void bzip2_end(struct encoder *encoder)
{
	BZ2_bzCompressEnd(&encoder->bzip2);
}

static void lz4_begin(struct encoder *encoder)
{
	LZ4F_preferences_t preferences = {
		.frameInfo = {.contentChecksumFlag = LZ4F_contentChecksumEnabled}};

	if (LZ4F_isError(LZ4F_createCompressionContext(&encoder->lz4, LZ4F_VERSION)))
		abort();
	encoder->space = LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(PIECE, &preferences);
}

static ssize_t lz4_step(struct encoder *encoder, const uint8_t *data, size_t *size, bool finish,
			bool *done)
{
	LZ4F_preferences_t preferences = {
		.frameInfo = {.contentChecksumFlag = LZ4F_contentChecksumEnabled}};
	size_t head = 0, rc;

	if (!encoder->begun) {
		head = LZ4F_compressBegin(encoder->lz4, encoder->out, encoder->space, &preferences);
		if (LZ4F_isError(head))
			return -1;
	}
	encoder->begun = true;
	if (finish)
		rc = LZ4F_compressEnd(encoder->lz4, encoder->out + head, encoder->space - head,
				      NULL);
	else
		rc = LZ4F_compressUpdate(encoder->lz4, encoder->out + head, encoder->space - head,
					 data, *size, NULL);
	*done = finish;
	return LZ4F_isError(rc) ? -1 : (ssize_t)(head + rc);
}

static void lz4_end(struct encoder *encoder)
{
	LZ4F_freeCompressionContext(encoder->lz4);
}

static void plain_begin(struct encoder *encoder)
{
	(void)encoder;
}

static ssize_t plain_step(struct encoder *encoder, const uint8_t *data, size_t *size, bool finish,
			  bool *done)
{
	if (*size > 0)
		memcpy(encoder->out, data, *size);
	*done = finish;
	return (ssize_t)*size;
}

static const struct encoder_kind kinds[] = {
	{".gz", gzip_begin, gzip_step, gzip_end},  {".xz", xz_begin, xz_step, xz_end},
	{".zst", zstd_begin, zstd_step, zstd_end}, {".bz2", bzip2_begin, bzip2_step, bzip2_end},
	{".lz4", lz4_begin, lz4_step, lz4_end},    {"", plain_begin, plain_step, plain_begin},
};

int encoder_open(struct encoder **encoder, const char *name, int fd, struct err *err)
{
	struct encoder *opened = xcalloc(1, sizeof(*opened));
	size_t i;

	(void)err;
	for (i = 0; !text_ends(name, kinds[i].suffix); i++)
		;
	opened->kind = &kinds[i];
	opened->fd = fd;
	opened->space = PIECE;
	opened->kind->open(opened);
	opened->out = xmalloc(opened->space);
	*encoder = opened;
	return 0;
}

static int write_out(const struct encoder *encoder, size_t size, struct err *err)
{
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = write(encoder->fd, encoder->out + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_HOST, "writing");
		done += (size_t)n;
	}
	return 0;
}

/* One step and its output. */
static int step(struct encoder *encoder, const uint8_t *data, size_t *size, bool finish, bool *done,
		struct err *err)
{
	ssize_t made;

	if (*size > PIECE)
		*size = PIECE;
	made = encoder->kind->step(encoder, data, size, finish, done);
	if (made < 0)
		return err_set(err, ERR_INTERNAL, "compressing (%s)", encoder->kind->suffix);
	return write_out(encoder, (size_t)made, err);
}

int encoder_write(struct encoder *encoder, const void *data, size_t size, struct err *err)
{
	const uint8_t *at = data;
	bool done;
	size_t taken;
	int rc = 0;

	for (; rc == 0 && size > 0; at += taken, size -= taken) {
		taken = size;
		rc = step(encoder, at, &taken, false, &done, err);
	}
	return rc;
}

int encoder_finish(struct encoder *encoder, struct err *err)
{
	bool done = false;
	size_t none = 0;
	int rc = 0;

	while (rc == 0 && !done)
		rc = step(encoder, NULL, &none, true, &done, err);
	return rc;
}

void encoder_free(struct encoder *encoder)
{
	if (!encoder)
		return;
	encoder->kind->free(encoder);
	free(encoder->out);
	free(encoder);
}
