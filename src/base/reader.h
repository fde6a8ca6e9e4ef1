// SPDX-License-Identifier: MIT
/*
 * A reader gives bytes once, in order. Sources, decoders, digests and read-ahead queues are all
 * readers stacked on each other; the topmost one owns the ones below.
 */
#ifndef ABOARD_BASE_READER_H
#define ABOARD_BASE_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct reader {
	/* Reads up to `size` bytes (> 0) into `data` and sets *got; *got == 0 with status 0 is the
	   end, and only a complete, undamaged stream ends so. After an error or the end it is not
	   called again. */
	int (*read)(struct reader *reader, void *data, size_t size, size_t *got, struct err *err);
	/* Frees the reader and what it owns, also in the middle of the stream. */
	void (*close)(struct reader *reader);
};

/* Reads until `size` bytes are there or the stream ends; *got tells which. */
int reader_fill(struct reader *reader, void *data, size_t size, size_t *got, struct err *err);

/* Gives the bytes of a piece of memory (borrowed); nothing is to be freed. */
struct bytes_reader {
	struct reader reader;
	const uint8_t *at;
	size_t left;
};

void reader_of_bytes(struct bytes_reader *bytes, const void *data, size_t size);

/* For `_cleanup_(reader_closep) struct reader *r = NULL`. */
void reader_closep(struct reader **reader);

#endif
