// SPDX-License-Identifier: MIT
#include "image/peek.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct peek {
	struct reader reader;
	struct reader *below;
	uint8_t head[PEEK_SIZE];
	size_t size, at;
};

static int peek_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct peek *peek = container_of(reader, struct peek, reader);

	if (peek->at == peek->size && peek->size == PEEK_SIZE)
		return peek->below->read(peek->below, data, size, got, err);
	*got = peek->size - peek->at;
	if (*got > size)
		*got = size;
	memcpy(data, peek->head + peek->at, *got);
	peek->at += *got;
	return 0;
}

static void peek_close(struct reader *reader)
{
	struct peek *peek = container_of(reader, struct peek, reader);

	peek->below->close(peek->below);
	free(peek);
}

int peek_open(struct reader **reader, struct reader *below, const uint8_t **head, size_t *size,
	      struct err *err)
{
	_cleanup_(reader_closep) struct reader *owned = NULL;
	struct peek *peek = xcalloc(1, sizeof(*peek));
	int rc;

	peek->reader = (struct reader){.read = peek_read, .close = peek_close};
	peek->below = below;
	owned = &peek->reader;
	rc = reader_fill(below, peek->head, PEEK_SIZE, &peek->size, err);
	if (rc < 0)
		return rc;
	*head = peek->head;
	*size = peek->size;
	*reader = steal(owned);
	return 0;
}
