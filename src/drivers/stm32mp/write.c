// SPDX-License-Identifier: MIT
/* Partitions by DFU, in the order in which U-Boot asks for them. */
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/stm32mp/stm32mp.h"
#include "engine/job_usb.h"

#define TRIES_MAX 3

/* U-Boot gathers 8 MiB before it writes (CONFIG_SYS_DFU_DATA_BUF_SIZE, `dfu_bufsiz`), and forgets
   what it has gathered when a download breaks. Two such buffers back all is on the medium; should a
   board's be larger still, reading back finds it out. */
#define RESUME_BACK ((uint64_t)16 << 20)
#define RESUME_STEP ((uint64_t)1 << 20)
#define RESUME_MAX  UINT32_MAX /* bytes: SETPHASE has 32 bits */

/* A part of a stream is skipped by reading it: only what has been sent is that far in. */
static int skip(struct reader *from, uint64_t bytes, struct err *err)
{
	_cleanup_(freep) void *piece = xmalloc(RESUME_STEP);
	size_t got;
	int rc = 0;

	for (; rc == 0 && bytes > 0; bytes -= got) {
		rc = reader_fill(from, piece, bytes < RESUME_STEP ? (size_t)bytes : RESUME_STEP,
				 &got, err);
		if (rc == 0 && got == 0)
			return err_set(err, ERR_IMAGE, "the image ends too early");
	}
	return rc;
}

struct
try {
	struct part *part;
	uint64_t base, total; /* progress of the stage */
	uint64_t from;        /* bytes of the image that are on the medium already */
	uint64_t done;        /* that the board has taken, in all */
};

/* Counts what goes by, so that a broken download can go on. */
struct counting {
	struct reader reader;
	struct reader *below;
	uint64_t count;
};

static int counting_read(struct reader *reader, void *data, size_t size, size_t *got,
			 struct err *err)
{
	struct counting *counting = container_of(reader, struct counting, reader);
	int rc = counting->below->read(counting->below, data, size, got, err);

	counting->count += rc == 0 ? *got : 0;
	return rc;
}

static int send_image(struct job *job, struct try *try, struct deadline deadline, struct err *err)
{
	struct counting counting = {.reader = {.read = counting_read}};
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(reader_closep) struct reader *stream = NULL;
	int rc = job_image_take(job, &try->part->image, &image, deadline, err);

	if (rc < 0)
		return rc;
	stream = image_stream(image);
	rc = skip(stream, try->from, err);
	counting.below = stream;
	if (rc == 0)
		rc = stm32mp_send(job, try->part->line->id, &counting.reader, try->base + try->from,
				  try->total, deadline, err);
	try->done = try->from + counting.count;
	return rc < 0 ? rc : job_image_read(&try->part->image, image, err);
}

/* Where a broken download may go on: only where bytes have a fixed place (not on NAND, which skips
   bad blocks), and only when reading back will prove it. */
static uint64_t resume_at(struct job *job, const struct try *try)
{
	const struct tsv_line *line = try->part->line;
	uint64_t at = try->done > RESUME_BACK ? try->done - RESUME_BACK : 0;

	if ((line->medium != TSV_MMC && line->medium != TSV_NOR) ||
	    !(stm32mp_of(job)->dfu->function.attributes & DFU_CAN_UPLOAD) || at > RESUME_MAX)
		return 0;
	return at - at % RESUME_STEP;
}

/* Whether U-Boot is still there, and still in this partition. The board's own complaint ends it:
   with an error told U-Boot takes nothing any more. */
static int still_there(struct job *job, const struct try *try, struct deadline deadline,
		       struct err *err)
{
	struct getphase getphase;
	int rc = stm32mp_connect(job, deadline, err);

	if (rc == 0)
		rc = stm32mp_getphase(job, &getphase, deadline, err);
	if (rc < 0)
		return rc;
	if (getphase.phase == PHASE_ERROR)
		return stm32mp_board_error(job, &getphase, err);
	if (getphase.phase != try->part->line->id || !stm32mp_in_uboot(job))
		return err_set(err, ERR_USB, "the board has started anew in the middle");
	return 0;
}

/* Goes on after a download broke with `why`: the same session, from a place that is on the medium
   for sure. What cannot be helped here is the first error again. */
static int resume(struct job *job, struct try *try, struct deadline deadline, struct err *err)
{
	struct err own, why = *err;
	char text[64], size[TEXT_SIZE];
	int rc;

	if (why.kind != ERR_BOARD || !try->part->image.repeatable)
		return -(int)why.kind;
	rc = still_there(job, try, deadline, &own);
	if (rc < 0 && stm32mp_of(job)->failed)
		*err = own;
	if (rc < 0)
		return -(int)err->kind;
	try->from = resume_at(job, try);
	stm32mp_part_text(try->part, text);
	events_log(job->events, "warning", "%s: %s; going on at %s", text, why.text,
		   text_of_size(try->from, size));
	stm32mp_of(job)->resumed = true;
	return stm32mp_setphase(job, try->part->line->id, (uint32_t)try->from, deadline, err);
}

static int write_part(struct job *job, struct try *try, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	char text[64], size[TEXT_SIZE], took[TEXT_SIZE];
	int64_t begun = clock_ms();
	unsigned int tries = 1;
	int rc = 0;

	/* U-Boot keeps the offset of an earlier SETPHASE for the next partition. */
	if (stm32mp->resumed)
		rc = stm32mp_setphase(job, try->part->line->id, 0, deadline, err);
	stm32mp->resumed = false;
	if (rc == 0)
		rc = send_image(job, try, deadline, err);
	for (; rc < 0 && tries < TRIES_MAX; tries++) {
		rc = resume(job, try, deadline, err);
		if (rc < 0)
			break;
		rc = send_image(job, try, deadline, err);
	}
	stm32mp_part_text(try->part, text);
	if (rc < 0)
		return err_prefix(err, "%s", text);
	try->part->sent = true;
	events_log(job->events, "info", "%s: %s in %s", text,
		   text_of_size(try->part->image.size, size),
		   text_of_duration(clock_ms() - begun, took));
	return 0;
}

/* After the last block U-Boot answers, and writes what it still holds: when that fails it tears USB
   down and resets, without a word. */
static int explain_gone(const struct part *part, struct err *err)
{
	char text[64];

	stm32mp_part_text(part, text);
	err_prefix(err, "the final write of %s failed, or the board was reset", text);
	return err_remedy(err,
			  "this is no matter of the cable: look at the board's console, and at "
			  "the medium");
}

static int next_phase(struct job *job, const struct part *last, struct getphase *getphase,
		      struct deadline deadline, struct err *err)
{
	int rc = stm32mp_getphase(job, getphase, deadline, err);

	if (rc < 0)
		return last && rc == -ERR_USB ? explain_gone(last, err) : rc;
	if (getphase->phase == PHASE_ERROR)
		return stm32mp_board_error(job, getphase, err);
	return 0;
}

static int find_wanted(struct job *job, const struct getphase *getphase, struct part **part,
		       struct err *err)
{
	*part = stm32mp_part(stm32mp_of(job), getphase->phase);
	if (!*part)
		return err_set(
			err, ERR_BOARD,
			"the board asks for partition 0x%02x, which the layout does not have",
			getphase->phase);
	if ((*part)->sent)
		return err_set(err, ERR_BOARD,
			       "the board asks again for partition 0x%02x, which "
			       "it was sent",
			       getphase->phase);
	return 0;
}

static int all_sent(const struct stm32mp *stm32mp, struct err *err)
{
	char text[64];
	size_t i;

	for (i = 0; i < stm32mp->part_count; i++) {
		if (stm32mp->parts[i].sent)
			continue;
		stm32mp_part_text(&stm32mp->parts[i], text);
		return err_set(err, ERR_BOARD, "the board is done, but never asked for %s", text);
	}
	return 0;
}

int stm32mp_write_parts(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	uint64_t base = 0, total = stm32mp_total(stm32mp);
	struct getphase getphase;
	struct part *part = NULL;
	size_t i;
	int rc;

	for (i = 0; i <= stm32mp->part_count; i++) {
		rc = next_phase(job, part, &getphase, deadline, err);
		if (rc == 0 && getphase.phase == PHASE_END)
			return all_sent(stm32mp, err);
		if (rc == 0)
			rc = find_wanted(job, &getphase, &part, err);
		if (rc < 0)
			return rc;

		struct try try = {.part = part, .base = base, .total = total};

		rc = write_part(job, &try, deadline, err);
		if (rc < 0)
			return rc;
		base += part->image.size;
	}
	return err_set(err, ERR_BOARD, "the board asks for more than the layout has");
}
