// SPDX-License-Identifier: MIT
#include "image/decoder.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

/* A library may take a call to turn around, but not many. */
#define IDLE_MAX 16

static int refill(struct decoder *decoder, struct err *err)
{
	int rc;

	if (decoder->at < decoder->size || decoder->input_end)
		return 0;
	decoder->consumed += decoder->size;
	decoder->at = 0;
	rc = decoder->below->read(decoder->below, decoder->input, DECODER_INPUT, &decoder->size,
				  err);
	if (rc < 0)
		return rc;
	decoder->input_end = decoder->size == 0;
	return 0;
}

static int truncated(const struct decoder *decoder, struct err *err)
{
	err_set(err, ERR_IMAGE, "%s: the stream is cut short: it stops after %" PRIu64 " bytes",
		decoder->kind->name, decoder->consumed);
	return err_remedy(err, "get the image again: it was not copied whole");
}

static int decoder_read(struct reader *reader, void *data, size_t size, size_t *got,
			struct err *err)
{
	struct decoder *decoder = container_of(reader, struct decoder, reader);
	size_t before;
	int rc;

	for (*got = 0; *got == 0;) {
		rc = refill(decoder, err);
		if (rc < 0)
			return rc;
		if (decoder->input_end && decoder->between)
			return 0;
		before = decoder->at;
		rc = decoder->kind->step(decoder, data, size, got, err);
		if (rc < 0)
			return rc;
		if (decoder->input_end && *got == 0 && !decoder->between)
			return truncated(decoder, err);
		decoder->idle = *got == 0 && decoder->at == before ? decoder->idle + 1 : 0;
		if (decoder->idle > IDLE_MAX)
			return decoder_damaged(decoder, "the decoder makes no progress", err);
	}
	return 0;
}

static void decoder_close(struct reader *reader)
{
	struct decoder *decoder = container_of(reader, struct decoder, reader);

	decoder->below->close(decoder->below);
	free(decoder->input);
	decoder->kind->free(decoder);
}

struct reader *decoder_init(struct decoder *decoder, const struct decoder_kind *kind,
			    struct reader *below)
{
	decoder->reader = (struct reader){.read = decoder_read, .close = decoder_close};
	decoder->kind = kind;
	decoder->below = below;
	decoder->input = xmalloc(DECODER_INPUT);
	return &decoder->reader;
}

int decoder_damaged(const struct decoder *decoder, const char *what, struct err *err)
{
	err_set(err, ERR_IMAGE, "%s: %s, near byte %" PRIu64 " of the stream", decoder->kind->name,
		what, decoder->consumed + decoder->at);
	return err_remedy(err, "get the image again: the stream is damaged");
}

int decoder_garbage(const struct decoder *decoder, struct err *err)
{
	err_set(err, ERR_IMAGE, "%s: the stream is followed by something else at byte %" PRIu64,
		decoder->kind->name, decoder->consumed + decoder->at);
	return err_remedy(err, "get the image again: the stream is damaged");
}
