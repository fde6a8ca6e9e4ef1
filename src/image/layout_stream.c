// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/layout.h"

#define STREAM_BUFFER ((size_t)256 << 10)

struct stream_layout {
	struct layout layout;
	struct reader *below;
	uint64_t offset;
	size_t size, at;
	bool ended;
	uint8_t buffer[STREAM_BUFFER];
};

/* How long a stream is shows at its end only, so it is a row of data extents, a full buffer each.
 */
static int stream_next(struct layout *layout, struct extent *extent, bool *more, struct err *err)
{
	struct stream_layout *stream = container_of(layout, struct stream_layout, layout);
	int rc;

	*more = false;
	if (stream->ended)
		return 0;
	stream->at = 0;
	rc = reader_fill(stream->below, stream->buffer, sizeof(stream->buffer), &stream->size, err);
	if (rc < 0)
		return rc;
	stream->ended = stream->size < sizeof(stream->buffer);
	*more = stream->size > 0;
	*extent = (struct extent){EXTENT_DATA, stream->offset, stream->size};
	stream->offset += stream->size;
	return 0;
}

static int stream_read(struct layout *layout, void *data, size_t size, size_t *got, struct err *err)
{
	struct stream_layout *stream = container_of(layout, struct stream_layout, layout);

	(void)err;
	*got = stream->size - stream->at;
	if (*got > size)
		*got = size;
	memcpy(data, stream->buffer + stream->at, *got);
	stream->at += *got;
	return 0;
}

static void stream_close(struct layout *layout)
{
	struct stream_layout *stream = container_of(layout, struct stream_layout, layout);

	stream->below->close(stream->below);
	free(stream);
}

struct layout *layout_stream(struct reader *below)
{
	struct stream_layout *stream = xcalloc(1, sizeof(*stream));

	stream->layout = (struct layout){stream_next, stream_read, stream_close};
	stream->below = below;
	return &stream->layout;
}
