// SPDX-License-Identifier: MIT
/*
 * Readers over a fuzzer's input, and reading to the end or to a limit.
 */
#ifndef ABOARD_TESTS_FUZZ_MEMORY_H
#define ABOARD_TESTS_FUZZ_MEMORY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/reader.h"

struct fuzz_reader {
	struct reader reader;
	const uint8_t *data;
	size_t size;
};

static inline int fuzz_read(struct reader *reader, void *data, size_t size, size_t *got,
			    struct err *err)
{
	struct fuzz_reader *input = container_of(reader, struct fuzz_reader, reader);

	(void)err;
	*got = input->size < size ? input->size : size;
	if (*got > 0)
		memcpy(data, input->data, *got);
	input->data += *got;
	input->size -= *got;
	return 0;
}

static inline void fuzz_close(struct reader *reader)
{
	free(container_of(reader, struct fuzz_reader, reader));
}

static inline struct reader *fuzz_memory(const uint8_t *data, size_t size)
{
	struct fuzz_reader *input = xcalloc(1, sizeof(*input));

	*input = (struct fuzz_reader){{fuzz_read, fuzz_close}, data, size};
	return &input->reader;
}

/* Reads until the end, an error or `max` bytes. */
static inline void fuzz_drain(struct reader *reader, size_t max, struct err *err)
{
	uint8_t bytes[16384];
	size_t got = 1, total;

	for (total = 0; got > 0 && total < max; total += got)
		if (reader->read(reader, bytes, sizeof(bytes), &got, err) < 0)
			return;
}

#endif
