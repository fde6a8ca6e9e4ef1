// SPDX-License-Identifier: MIT
#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "image/codecs.h"
#include "image/decoder.h"

struct lz4 {
	struct decoder decoder;
	LZ4F_dctx *context;
};

static int lz4_step(struct decoder *decoder, void *data, size_t size, size_t *got, struct err *err)
{
	struct lz4 *lz4 = container_of(decoder, struct lz4, decoder);
	size_t taken = decoder->size - decoder->at, rc;

	*got = size;
	rc = LZ4F_decompress(lz4->context, data, got, decoder->input + decoder->at, &taken, NULL);
	if (LZ4F_isError(rc)) {
		*got = 0;
		if (text_equal(LZ4F_getErrorName(rc), "ERROR_allocation_failed"))
			abort();
		if (text_equal(LZ4F_getErrorName(rc), "ERROR_frameType_unknown"))
			return decoder_garbage(decoder, err);
		return decoder_damaged(decoder, LZ4F_getErrorName(rc), err);
	}
	decoder->at += taken;
	decoder->between = rc == 0;
	return 0;
}

static void lz4_free(struct decoder *decoder)
{
	struct lz4 *lz4 = container_of(decoder, struct lz4, decoder);

	LZ4F_freeDecompressionContext(lz4->context);
	free(lz4);
}

static const struct decoder_kind lz4_kind = {"lz4", lz4_step, lz4_free};

struct reader *lz4_open(struct reader *below)
{
	struct lz4 *lz4 = xcalloc(1, sizeof(*lz4));

	if (LZ4F_isError(LZ4F_createDecompressionContext(&lz4->context, LZ4F_VERSION)))
		abort();
	return decoder_init(&lz4->decoder, &lz4_kind, below);
}
