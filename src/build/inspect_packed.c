// SPDX-License-Identifier: MIT
/* Packed files, by the codecs of the image layer: unpacked to their end, which proves that they are
   whole, and what is inside is looked at in turn. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/reader.h"
#include "build/inspect.h"
#include "build/inspect_rows.h"
#include "image/codec.h"

#define INSIDE_MAX ((size_t)64 << 20) /* looked at whole; of larger things only the start */
#define PIECE      ((size_t)64 << 10)
#define PART_MAX   ((size_t)1 << 20)
#define DEPTH_MAX  2

bool packed_match(const struct input *input)
{
	return input->head_size && codec_of(input->head, input->head_size) != NULL;
}

/* An input as a stream from its start. */
struct input_reader {
	struct reader reader;
	const struct input *input;
	uint64_t offset;
};

static int read_input(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct input_reader *own = container_of(reader, struct input_reader, reader);
	uint64_t left = own->input->size - own->offset;

	*got = left < size ? (size_t)left : size;
	if (!input_read(own->input, own->offset, data, *got))
		return err_set(err, ERR_HOST, "it cannot be read");
	own->offset += *got;
	return 0;
}

static void close_input(struct reader *reader)
{
	free(container_of(reader, struct input_reader, reader));
}

static struct reader *open_input(const struct input *input)
{
	struct input_reader *own = xcalloc(1, sizeof(*own));

	*own = (struct input_reader){{read_input, close_input}, input, 0};
	return &own->reader;
}

/* Unpacks; keeps the first INSIDE_MAX bytes. */
static int unpack(const struct input *input, struct reader *reader, struct buf *inside,
		  uint64_t *size, struct err *err)
{
	_cleanup_(freep) char *piece = xmalloc(PIECE);
	size_t got = 1, room;
	int rc = 0;

	/* of a part, as much as tells what it is: there may be many, and each a bomb */
	while (rc == 0 && got && !(input->part && *size >= PART_MAX)) {
		rc = reader->read(reader, piece, PIECE, &got, err);
		if (rc == 0 && input->deadline)
			rc = deadline_check(*input->deadline, err);
		if (rc < 0)
			break;
		*size += got;
		room = INSIDE_MAX - inside->size;
		buf_add(inside, piece, got < room ? got : room);
	}
	return rc;
}

static void look_inside(const struct input *input, const struct buf *bytes, bool whole,
			struct finding *finding)
{
	_cleanup_(freep) struct input *inside = xmalloc(sizeof(*inside));
	struct finding found;

	if (!bytes->size || input->depth >= DEPTH_MAX)
		return;
	input_of_memory(inside, bytes->data, bytes->size);
	inside->whole = whole;
	inside->depth = input->depth + 1;
	inside->deadline = input->deadline;
	inspect_input(inside, &found);
	if (found.state != FINDING_UNKNOWN)
		json_object_set_new(finding->facts, "holds", finding_json(&found));
	if (found.state == FINDING_DAMAGED)
		finding_check(finding, "what is inside", false, "it is damaged");
	finding_free(&found);
}

void packed_explain(const struct input *input, struct finding *finding)
{
	const struct codec *codec = codec_of(input->head, input->head_size);
	_cleanup_(reader_closep) struct reader *reader = codec->open(open_input(input));
	_cleanup_(buf_free) struct buf inside = {.max = INSIDE_MAX + 1};
	struct err err = {0};
	uint64_t size = 0;
	int rc;

	fact_text(finding->facts, "packing", codec->name);
	rc = unpack(input, reader, &inside, &size, &err);
	fact_number(finding->facts, "unpacked", size);
	if (input->whole && !input->part)
		finding_check(finding, "packing", rc == 0, "%s", err.text);
	look_inside(input, &inside, !input->part && rc == 0 && size == inside.size, finding);
}
