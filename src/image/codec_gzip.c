// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "image/codecs.h"
#include "image/decoder.h"

#define GZIP_ONLY (15 + 16) /* windowBits: largest window, gzip wrapper */

struct gzip {
	struct decoder decoder;
	z_stream z;
	bool padding; /* zeros have begun; nothing else may follow */
};

/* Between members: another one begins, or zeros up to the end. */
static int begin(struct gzip *gzip, struct err *err)
{
	struct decoder *decoder = &gzip->decoder;

	while (decoder->at < decoder->size && decoder->input[decoder->at] == 0) {
		gzip->padding = true;
		decoder->at++;
	}
	if (decoder->at == decoder->size)
		return 0;
	if (gzip->padding || decoder->input[decoder->at] != 0x1f)
		return decoder_garbage(decoder, err);
	decoder->between = false;
	if (inflateReset(&gzip->z) != Z_OK)
		return err_set(err, ERR_INTERNAL, "inflateReset");
	return 0;
}

static int inflate_step(struct gzip *gzip, void *data, size_t size, size_t *got, struct err *err)
{
	struct decoder *decoder = &gzip->decoder;
	uInt room = size < (1u << 30) ? (uInt)size : 1u << 30;
	int rc;

	gzip->z.next_in = decoder->input + decoder->at;
	gzip->z.avail_in = (uInt)(decoder->size - decoder->at);
	gzip->z.next_out = data;
	gzip->z.avail_out = room;
	rc = inflate(&gzip->z, Z_NO_FLUSH);
	decoder->at = decoder->size - gzip->z.avail_in;
	*got = room - gzip->z.avail_out;
	decoder->between = rc == Z_STREAM_END;
	if (rc == Z_MEM_ERROR)
		abort();
	if (rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR)
		return 0;
	return decoder_damaged(decoder, gzip->z.msg ? gzip->z.msg : "damaged", err);
}

static int gzip_step(struct decoder *decoder, void *data, size_t size, size_t *got, struct err *err)
{
	struct gzip *gzip = container_of(decoder, struct gzip, decoder);
	int rc;

	*got = 0;
	if (decoder->between) {
		rc = begin(gzip, err);
		if (rc < 0 || decoder->between)
			return rc;
	}
	return inflate_step(gzip, data, size, got, err);
}

static void gzip_free(struct decoder *decoder)
{
	struct gzip *gzip = container_of(decoder, struct gzip, decoder);

	inflateEnd(&gzip->z);
	free(gzip);
}

static const struct decoder_kind gzip_kind = {"gzip", gzip_step, gzip_free};

struct reader *gzip_open(struct reader *below)
{
	struct gzip *gzip = xcalloc(1, sizeof(*gzip));

	if (inflateInit2(&gzip->z, GZIP_ONLY) != Z_OK)
		abort();
	return decoder_init(&gzip->decoder, &gzip_kind, below);
}
