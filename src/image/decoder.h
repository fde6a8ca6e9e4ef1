// SPDX-License-Identifier: MIT
/*
 * What all decoders share: the input buffer, the loop, and the judgement on how a stream may end.
 */
#ifndef ABOARD_IMAGE_DECODER_H
#define ABOARD_IMAGE_DECODER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reader.h"

#define DECODER_INPUT ((size_t)256 << 10)

struct decoder;

struct decoder_kind {
	const char *name;
	/* Decodes from input[at..size) into `data`, moves `at`, sets *got, and `between`. Called
	   with no input only when input_end is set, or to get what the library still holds. */
	int (*step)(struct decoder *decoder, void *data, size_t size, size_t *got, struct err *err);
	void (*free)(struct decoder *decoder); /* of the whole struct that holds it */
};

/* The head of every decoder's own struct. */
struct decoder {
	struct reader reader;
	const struct decoder_kind *kind;
	struct reader *below;
	uint8_t *input;
	size_t at, size;
	bool input_end; /* the stream below has ended */
	bool between;   /* a member is complete and no other has begun: the stream may end here */
	uint64_t consumed; /* of the input buffers before this one */
	int idle;          /* steps since anything moved */
};

/* Fills the head in; `below` is taken over. Returns the reader. */
struct reader *decoder_init(struct decoder *decoder, const struct decoder_kind *kind,
			    struct reader *below);

/* ERR_IMAGE "KIND: WHAT near byte N of the stream", with a remedy. */
int decoder_damaged(const struct decoder *decoder, const char *what, struct err *err);

/* ERR_IMAGE for what follows the last member. */
int decoder_garbage(const struct decoder *decoder, struct err *err);

#endif
