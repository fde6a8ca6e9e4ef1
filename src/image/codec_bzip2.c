// SPDX-License-Identifier: MIT
#include <bzlib.h>
#include <stdlib.h>

#include "base/mem.h"
#include "image/codecs.h"
#include "image/decoder.h"

struct bzip2 {
	struct decoder decoder;
	bz_stream bz;
};

/* libbz2 has no reset. */
static void begin(struct bzip2 *bzip2)
{
	BZ2_bzDecompressEnd(&bzip2->bz);
	bzip2->bz = (bz_stream){0};
	if (BZ2_bzDecompressInit(&bzip2->bz, 0, 0) != BZ_OK)
		abort();
}

static int failed(const struct decoder *decoder, int rc, struct err *err)
{
	if (rc == BZ_MEM_ERROR)
		abort();
	if (rc == BZ_DATA_ERROR_MAGIC)
		return decoder_garbage(decoder, err);
	return decoder_damaged(decoder, "the data is damaged", err);
}

static int bzip2_step(struct decoder *decoder, void *data, size_t size, size_t *got,
		      struct err *err)
{
	struct bzip2 *bzip2 = container_of(decoder, struct bzip2, decoder);
	unsigned int room = size < (1u << 30) ? (unsigned int)size : 1u << 30;
	int rc;

	if (decoder->between)
		begin(bzip2);
	bzip2->bz.next_in = (char *)decoder->input + decoder->at;
	bzip2->bz.avail_in = (unsigned int)(decoder->size - decoder->at);
	bzip2->bz.next_out = data;
	bzip2->bz.avail_out = room;
	rc = BZ2_bzDecompress(&bzip2->bz);
	decoder->at = decoder->size - bzip2->bz.avail_in;
	*got = room - bzip2->bz.avail_out;
	decoder->between = rc == BZ_STREAM_END;
	if (rc == BZ_OK || rc == BZ_STREAM_END)
		return 0;
	return failed(decoder, rc, err);
}

static void bzip2_free(struct decoder *decoder)
{
	struct bzip2 *bzip2 = container_of(decoder, struct bzip2, decoder);

	BZ2_bzDecompressEnd(&bzip2->bz);
	free(bzip2);
}

static const struct decoder_kind bzip2_kind = {"bzip2", bzip2_step, bzip2_free};

struct reader *bzip2_open(struct reader *below)
{
	struct bzip2 *bzip2 = xcalloc(1, sizeof(*bzip2));

	begin(bzip2);
	return decoder_init(&bzip2->decoder, &bzip2_kind, below);
}
