// SPDX-License-Identifier: MIT
#include "drivers/fastboot/send.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define SILENCE_MS    30000 /* of a device that has little to do */
#define RATE          ((uint64_t)1000000)
#define LINK_RATE     ((uint64_t)100000) /* bytes a second: the slowest link there is */
#define BUFFER_MIN    ((uint64_t)SPARSE_LIMIT_MIN)
#define MS_PER_SECOND 1000

void fastboot_proof_free(struct fastboot_proof *proof)
{
	free(proof->ranges);
	*proof = (struct fastboot_proof){0};
}

static void add_proof(struct fastboot_proof *proof, const struct sparse_range *ranges, size_t count)
{
	if (!proof || count == 0)
		return;
	if (proof->space - proof->count < count) {
		proof->space = 2 * proof->space + count;
		proof->ranges = xrealloc(proof->ranges, proof->space, sizeof(*ranges));
	}
	memcpy(proof->ranges + proof->count, ranges, count * sizeof(*ranges));
	proof->count += count;
}

int fastboot_buffer(struct fastboot *fastboot, uint64_t *bytes, struct deadline deadline,
		    struct err *err)
{
	bool known;
	int rc =
		fastboot_getvar_number(fastboot, "max-download-size", bytes, &known, deadline, err);

	if (rc < 0)
		return rc;
	if (!known)
		*bytes = FASTBOOT_BUFFER;
	if (*bytes >= BUFFER_MIN)
		return 0;
	return err_set(err, ERR_BOARD, "the device's buffer has only %" PRIu64 " bytes", *bytes);
}

bool fastboot_is_raw(const struct fastboot_send *how)
{
	if (how->form == FASTBOOT_FORM_AUTO)
		return how->size <= FASTBOOT_RAW_MAX && how->size <= how->buffer;
	return how->form == FASTBOOT_FORM_RAW;
}

/* One image on its way. */
struct sending {
	struct fastboot *fastboot;
	const struct fastboot_send *how;
	uint64_t base, part; /* bytes of the image: done before, and in the download at hand */
	uint64_t download;   /* bytes of that */
};

static void moved(void *context, uint64_t bytes)
{
	const struct sending *sending = context;
	double share = (double)bytes / (double)sending->download;

	if (sending->how->progress)
		sending->how->progress(sending->how->context,
				       sending->base + (uint64_t)(share * (double)sending->part));
}

static struct deadline link_deadline(struct deadline deadline, uint64_t bytes)
{
	return deadline_in(deadline, SILENCE_MS + (int64_t)(bytes / (LINK_RATE / MS_PER_SECOND)));
}

/* Writes what was downloaded; the device may be silent as long as the medium needs. */
static int flash(const struct sending *sending, uint64_t writes, struct deadline deadline,
		 struct err *err)
{
	const struct fastboot_send *how = sending->how;
	uint64_t rate = how->rate ? how->rate : RATE;
	int64_t ms = SILENCE_MS + (int64_t)(writes * MS_PER_SECOND / rate);

	return fastboot_command(sending->fastboot, NULL, deadline_in(deadline, ms), err, "flash:%s",
				how->partition);
}

static int send_piece(struct sending *sending, const struct sparse_piece *piece,
		      struct deadline deadline, struct err *err)
{
	int rc;

	sending->download = piece->size;
	sending->part = piece->done - sending->base;
	rc = fastboot_download_bytes(sending->fastboot, piece->bytes, (uint32_t)piece->size,
				     link_deadline(deadline, piece->size), err);
	if (rc == 0)
		rc = flash(sending, piece->writes, deadline, err);
	if (rc < 0)
		return rc;
	add_proof(sending->how->proof, piece->ranges, piece->range_count);
	sending->base = piece->done;
	return 0;
}

static int send_sparse(struct sending *sending, struct image *image, struct deadline deadline,
		       struct err *err)
{
	const struct fastboot_send *how = sending->how;
	struct sparse_out_options options = {
		.size = how->size,
		.limit = how->buffer > SPARSE_LIMIT_MAX ? SPARSE_LIMIT_MAX : (uint32_t)how->buffer,
		.erased = how->erased,
		.no_ranges = !how->proof,
	};
	_cleanup_(sparse_out_freep) struct sparse_out *out = sparse_out_new(image, &options);
	struct sparse_piece piece;
	unsigned int number;
	bool more;
	int rc;

	for (number = 1;; number++) {
		rc = sparse_out_next(out, &piece, &more, err);
		if (rc < 0 || !more)
			return rc;
		rc = send_piece(sending, &piece, deadline, err);
		if (rc < 0)
			return err_prefix(err, "piece %u of the image, up to byte %" PRIu64, number,
					  piece.done);
	}
}

/* Counts what goes by into ranges. */
struct tap {
	struct reader reader;
	struct reader *below; /* owned */
	struct sparse_range range;
	struct fastboot_proof *proof;
};

static void end_range(struct tap *tap)
{
	struct sparse_range next = {.offset = tap->range.offset + tap->range.length};

	if (tap->range.length > 0)
		add_proof(tap->proof, &tap->range, 1);
	tap->range = next;
}

static int tap_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct tap *tap = container_of(reader, struct tap, reader);
	uint64_t room = SPARSE_RANGE_MAX - tap->range.length;
	int rc = tap->below->read(tap->below, data, size < room ? size : (size_t)room, got, err);

	if (rc < 0)
		return rc;
	tap->range.crc = crc32_add(tap->range.crc, data, *got);
	tap->range.length += *got;
	if (*got == 0 || tap->range.length == SPARSE_RANGE_MAX)
		end_range(tap);
	return 0;
}

static void tap_close(struct reader *reader)
{
	struct tap *tap = container_of(reader, struct tap, reader);

	reader_closep(&tap->below);
}

/* The end of a stream is where its digests are checked. */
static int expect_end(struct reader *reader, uint64_t size, struct err *err)
{
	uint8_t byte;
	size_t got;
	int rc = reader->read(reader, &byte, 1, &got, err);

	if (rc == 0 && got > 0)
		rc = err_set(err, ERR_IMAGE, "the image has more than %" PRIu64 " bytes", size);
	return rc;
}

static int send_raw(struct sending *sending, struct image *image, struct deadline deadline,
		    struct err *err)
{
	const struct fastboot_send *how = sending->how;
	struct tap tap = {.reader = {tap_read, tap_close}, .proof = how->proof};
	_cleanup_(reader_closep) struct reader *reader = &tap.reader;
	char size[TEXT_SIZE], room[TEXT_SIZE];
	int rc;

	if (how->size > how->buffer || how->size > UINT32_MAX) {
		err_set(err, ERR_TARGET,
			"the image (%s) does not fit the device's buffer (%s), and '%s' is "
			"written in one piece",
			text_of_size(how->size, size), text_of_size(how->buffer, room),
			how->partition);
		return err_remedy(err, "give the board's loader a larger buffer");
	}
	tap.below = image_stream(image);
	sending->download = sending->part = how->size;
	rc = fastboot_download(sending->fastboot, reader, (uint32_t)how->size,
			       link_deadline(deadline, how->size), err);
	if (rc == 0)
		rc = expect_end(reader, how->size, err);
	return rc == 0 ? flash(sending, how->size, deadline, err) : rc;
}

int fastboot_send_image(struct fastboot *fastboot, const struct fastboot_send *how,
			struct image *image, struct deadline deadline, struct err *err)
{
	struct fastboot own = *fastboot;
	struct sending sending = {.fastboot = &own, .how = how};
	int rc;

	own.moved = moved;
	own.moved_context = &sending;
	rc = fastboot_is_raw(how) ? send_raw(&sending, image, deadline, err)
				  : send_sparse(&sending, image, deadline, err);
	return rc < 0 ? err_prefix(err, "writing '%s'", how->partition) : 0;
}
