// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/mem.h"
#include "image/codec.h"
#include "image/codecs.h"
#include "image/decoder.h"

struct zstd {
	struct decoder decoder;
	ZSTD_DStream *stream;
};

static int failed(const struct zstd *zstd, size_t rc, struct err *err)
{
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_memory_allocation:
		abort();
	case ZSTD_error_prefix_unknown:
		return decoder_garbage(&zstd->decoder, err);
	case ZSTD_error_frameParameter_windowTooLarge:
		err_set(err, ERR_IMAGE,
			"zstd: the stream needs a window over %u MiB, which is the limit",
			(1u << CODEC_ZSTD_WINDOW_LOG) >> 20);
		return err_remedy(err, "compress it again without --long");
	default:
		return decoder_damaged(&zstd->decoder, ZSTD_getErrorName(rc), err);
	}
}

static int zstd_step(struct decoder *decoder, void *data, size_t size, size_t *got, struct err *err)
{
	struct zstd *zstd = container_of(decoder, struct zstd, decoder);
	ZSTD_inBuffer in = {decoder->input, decoder->size, decoder->at};
	ZSTD_outBuffer out = {data, size, 0};
	size_t rc = ZSTD_decompressStream(zstd->stream, &out, &in);

	decoder->at = in.pos;
	*got = out.pos;
	decoder->between = rc == 0;
	return ZSTD_isError(rc) ? failed(zstd, rc, err) : 0;
}

static void zstd_free(struct decoder *decoder)
{
	struct zstd *zstd = container_of(decoder, struct zstd, decoder);

	ZSTD_freeDStream(zstd->stream);
	free(zstd);
}

static const struct decoder_kind zstd_kind = {"zstd", zstd_step, zstd_free};

struct reader *zstd_open(struct reader *below)
{
	struct zstd *zstd = xcalloc(1, sizeof(*zstd));

	zstd->stream = ZSTD_createDStream();
	if (!zstd->stream || ZSTD_isError(ZSTD_DCtx_setParameter(zstd->stream, ZSTD_d_windowLogMax,
								 CODEC_ZSTD_WINDOW_LOG)))
		abort();
	return decoder_init(&zstd->decoder, &zstd_kind, below);
}
