// SPDX-License-Identifier: MIT
#include <lzma.h>
#include <stdlib.h>

#include "base/mem.h"
#include "image/codec.h"
#include "image/codecs.h"
#include "image/decoder.h"

struct xz {
	struct decoder decoder;
	lzma_stream lzma;
};

static const struct {
	lzma_ret rc;
	const char *what;
} troubles[] = {
	{LZMA_FORMAT_ERROR, "what follows is not xz"},
	{LZMA_DATA_ERROR, "the data is damaged"},
	{LZMA_OPTIONS_ERROR, "filters or options that liblzma does not know"},
	{LZMA_UNSUPPORTED_CHECK, "a kind of check that liblzma cannot verify"},
	{LZMA_PROG_ERROR, "liblzma gave up"},
};

static int failed(const struct xz *xz, lzma_ret rc, struct err *err)
{
	size_t i;

	if (rc == LZMA_MEM_ERROR)
		abort();
	if (rc == LZMA_MEMLIMIT_ERROR) {
		err_set(err, ERR_IMAGE,
			"xz: the stream needs %llu MiB to decode, the limit is %llu MiB",
			(unsigned long long)(lzma_memusage(&xz->lzma) >> 20),
			(unsigned long long)(CODEC_XZ_MEMORY_MAX >> 20));
		return err_remedy(err,
				  "compress it again with a smaller dictionary: xz -9 or less");
	}
	for (i = 0; i < ARRAY_SIZE(troubles); i++)
		if (troubles[i].rc == rc)
			return decoder_damaged(&xz->decoder, troubles[i].what, err);
	return decoder_damaged(&xz->decoder, "damaged", err);
}

static int xz_step(struct decoder *decoder, void *data, size_t size, size_t *got, struct err *err)
{
	struct xz *xz = container_of(decoder, struct xz, decoder);
	lzma_ret rc;

	xz->lzma.next_in = decoder->input + decoder->at;
	xz->lzma.avail_in = decoder->size - decoder->at;
	xz->lzma.next_out = data;
	xz->lzma.avail_out = size;
	rc = lzma_code(&xz->lzma, decoder->input_end ? LZMA_FINISH : LZMA_RUN);
	decoder->at = decoder->size - xz->lzma.avail_in;
	*got = size - xz->lzma.avail_out;
	decoder->between = rc == LZMA_STREAM_END;
	if (rc == LZMA_OK || rc == LZMA_STREAM_END || rc == LZMA_BUF_ERROR)
		return 0;
	return failed(xz, rc, err);
}

static void xz_free(struct decoder *decoder)
{
	struct xz *xz = container_of(decoder, struct xz, decoder);

	lzma_end(&xz->lzma);
	free(xz);
}

static const struct decoder_kind xz_kind = {"xz", xz_step, xz_free};

struct reader *xz_open(struct reader *below)
{
	struct xz *xz = xcalloc(1, sizeof(*xz));
	lzma_mt options = {
		.flags = LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK,
		.threads = lzma_cputhreads(),
		.memlimit_threading = CODEC_XZ_THREADS,
		.memlimit_stop = CODEC_XZ_MEMORY_MAX,
	};

	if (options.threads == 0)
		options.threads = 1;
	if (lzma_stream_decoder_mt(&xz->lzma, &options) != LZMA_OK)
		abort();
	return decoder_init(&xz->decoder, &xz_kind, below);
}
