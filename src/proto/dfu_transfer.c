// SPDX-License-Identifier: MIT
/* Sections 6.1 and 6.2: blocks to the device, and from it. */
#include <inttypes.h>

#include "base/mem.h"
#include "proto/dfu_pipe.h"

#define RESTORE_MS 2000 /* bringing the device back to dfuIDLE after an error */

struct sending {
	struct dfu *dfu;
	struct dfu_pipe *pipe;
	struct reader *from;
	const struct dfu_progress *progress;
	uint64_t done;             /* bytes the device has taken */
	uint32_t wait_ms;          /* between the next DNLOAD and its GETSTATUS (section 6.1.2) */
	bool ended;                /* the reader has */
	bool unread;               /* the reader has failed */
	bool whole;                /* the device has taken all blocks */
	bool known;                /* the device takes a block without asking for time */
	struct dfu_status refusal; /* what it said when it refused; status 0: it did not */
};

/* The device's own words, where it has some (section 6.1.2, iString). */
static int refused(struct sending *sending, struct err *err)
{
	const struct dfu_status *status = &sending->refusal;
	char text[USB_TEXT] = "";
	struct err ignored;

	if (status->string)
		usb_string(sending->dfu->usb, status->string, text,
			   deadline_of_cancel(-1, RESTORE_MS), &ignored);
	err_set(err, status->status == DFU_STATUS_ADDRESS ? ERR_TARGET : ERR_BOARD,
		"the device refused: %s%s%s%s", dfu_status_name(status->status),
		text[0] ? " (" : "", text, text[0] ? ")" : "");
	if (status->status != DFU_STATUS_ADDRESS)
		return -(int)err->kind;
	return err_remedy(err, "the image is larger than the room there, by what the device says: "
			       "choose another target or a smaller image");
}

static int judge(struct sending *sending, const struct dfu_status *status, struct err *err)
{
	if (status->status != 0) {
		sending->refusal = *status;
		return err_set(err, ERR_BOARD, "refused");
	}
	if (status->state == DFU_ERROR)
		return err_set(err, ERR_BOARD, "the device is in dfuERROR and says status OK");
	return 0;
}

/* A second block is put under way only when a first one went through at once; and where the wait
 * that was asked for lies between a block and its status, the two are not sent together. */
static int send_next(struct sending *sending, struct err *err)
{
	struct dfu_block *block = dfu_pipe_room(sending->pipe);
	int rc = reader_fill(sending->from, block->data, sending->dfu->block_size, &block->size,
			     err);

	sending->unread = rc < 0;
	if (rc < 0)
		return rc;
	sending->ended = block->size < sending->dfu->block_size;
	if (block->size > 0)
		return dfu_pipe_submit(sending->pipe, DFU_DNLOAD, sending->wait_ms == 0, err);
	if (sending->pipe->next > 0)
		return 0;
	sending->unread = true;
	err_set(err, ERR_IMAGE, "it is empty, and DFU cannot send an empty file");
	return err_remedy(err, "nothing was sent; give a file with at least one byte");
}

static int get_answer(struct sending *sending, struct dfu_block *block, struct dfu_status *status,
		      struct deadline deadline, struct err *err)
{
	int rc;

	if (block->asked) {
		rc = dfu_pipe_reap(sending->pipe, &block->ask, deadline, err);
		if (rc == 0)
			dfu_status_parse(block->status, status);
		return rc;
	}
	rc = dfu_wait(sending->wait_ms, 0, deadline, err);
	return rc < 0 ? rc : dfu_get_status(sending->dfu, status, deadline, err);
}

/* What the device says to a block. Why it stalled one is in its status. */
static int ask_about(struct sending *sending, struct dfu_block *block, struct dfu_status *status,
		     struct deadline deadline, struct err *err)
{
	int moved = dfu_pipe_reap(sending->pipe, &block->move, deadline, err), rc;
	struct err ignored;

	if (moved == 0) {
		rc = get_answer(sending, block, status, deadline, err);
		return rc < 0 ? rc : judge(sending, status, err);
	}
	if (moved == -ERR_BOARD && get_answer(sending, block, status, deadline, &ignored) == 0)
		judge(sending, status, &ignored);
	return moved;
}

/* The device wants time for a block. With the next one under way already it cannot be known whether
 * that one was taken. */
static int wait_for_block(struct sending *sending, struct dfu_status *status,
			  struct deadline deadline, struct err *err)
{
	unsigned int round;
	int rc = 0;

	sending->dfu->in_flight = 1;
	if (sending->pipe->count > 1) {
		err_set(err, ERR_BOARD,
			"the device asked for time when the next block was under "
			"way already");
		return err_remedy(err, "try again: it is given one block at a time from now on");
	}
	for (round = 0; status->state == DFU_DNLOAD_SYNC || status->state == DFU_DNBUSY; round++) {
		rc = dfu_wait(status->poll_ms, round, deadline, err);
		if (rc == 0)
			rc = dfu_get_status(sending->dfu, status, deadline, err);
		if (rc == 0)
			rc = judge(sending, status, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int take_answer(struct sending *sending, struct deadline deadline, struct err *err)
{
	struct dfu_block *block = dfu_pipe_oldest(sending->pipe);
	struct dfu_status status = {0};
	int rc = ask_about(sending, block, &status, deadline, err);

	if (rc == 0 && (status.state == DFU_DNLOAD_SYNC || status.state == DFU_DNBUSY))
		rc = wait_for_block(sending, &status, deadline, err);
	if (rc < 0)
		return rc;
	if (status.state != DFU_DNLOAD_IDLE)
		return err_set(err, ERR_BOARD, "the device is in %s after a block",
			       dfu_state_name(status.state));
	sending->wait_ms = status.poll_ms;
	if (status.poll_ms > 0)
		sending->dfu->in_flight = 1;
	sending->known = true;
	sending->done += block->size;
	dfu_pipe_drop(sending->pipe);
	if (sending->progress && sending->progress->step)
		sending->progress->step(sending->progress->context, sending->done);
	return 0;
}

static int send_blocks(struct sending *sending, struct deadline deadline, struct err *err)
{
	struct dfu_pipe *pipe = sending->pipe;
	size_t depth;
	int rc = 0;

	while (rc == 0 && (!sending->ended || pipe->count > 0)) {
		depth = sending->known ? sending->dfu->in_flight : 1;
		if (depth > DFU_PIPE_MAX)
			depth = DFU_PIPE_MAX;
		if (!sending->ended && pipe->count < depth)
			rc = send_next(sending, err);
		else
			rc = take_answer(sending, deadline, err);
	}
	return rc;
}

/* The states from the end of the data on. A device that cannot be asked any more has gone its way
 * with what it was sent: what comes of it is judged by what comes back. */
static int follow_manifest(struct sending *sending, enum dfu_end *end, struct deadline deadline,
			   struct err *err)
{
	struct dfu_status status;
	unsigned int round;
	int rc;

	for (round = 0;; round++) {
		rc = dfu_get_status(sending->dfu, &status, deadline, err);
		*end = DFU_END_GONE;
		if (rc == -ERR_USB || rc == -ERR_BOARD)
			return 0;
		if (rc == 0)
			rc = judge(sending, &status, err);
		if (rc < 0)
			return rc;
		*end = status.state == DFU_IDLE ? DFU_END_IDLE : DFU_END_RESET;
		if (status.state == DFU_IDLE || status.state == DFU_MANIFEST_WAIT_RESET)
			return 0;
		if (status.state != DFU_MANIFEST_SYNC && status.state != DFU_MANIFEST)
			return err_set(err, ERR_BOARD, "the device is in %s after the last block",
				       dfu_state_name(status.state));
		rc = dfu_wait(status.poll_ms, round, deadline, err);
		if (rc < 0)
			return rc;
	}
}

static int manifest(struct sending *sending, enum dfu_end *end, struct deadline deadline,
		    struct err *err)
{
	uint16_t number = (uint16_t)sending->pipe->next;
	struct dfu_status status;
	int rc = dfu_request(sending->dfu, DFU_DNLOAD, number, deadline, err);
	struct err ignored;

	*end = DFU_END_GONE;
	if (rc == -ERR_USB)
		return 0;
	if (rc == -ERR_BOARD && dfu_get_status(sending->dfu, &status, deadline, &ignored) == 0)
		judge(sending, &status, &ignored);
	return rc < 0 ? rc : follow_manifest(sending, end, deadline, err);
}

/* Nothing may be left half done when a call has failed. */
static void restore(struct dfu *dfu)
{
	struct err ignored;

	dfu_make_idle(dfu, deadline_of_cancel(-1, RESTORE_MS), &ignored);
}

/* Says where it went wrong, and brings the device back to dfuIDLE. */
static int fail_sending(struct sending *sending, uint64_t number, int rc, struct err *err)
{
	if (sending->refusal.status)
		rc = refused(sending, err);
	if (rc != -ERR_USB)
		restore(sending->dfu);
	if (sending->unread)
		return rc;
	if (sending->whole)
		return err_prefix(err, "after the last block");
	return err_prefix(err, "block %" PRIu64 ", %" PRIu64 " bytes after the start", number,
			  sending->done);
}

int dfu_download(struct dfu *dfu, struct reader *from, const struct dfu_progress *progress,
		 enum dfu_end *end, struct deadline deadline, struct err *err)
{
	struct sending sending = {
		.dfu = dfu, .pipe = dfu_pipe_new(dfu), .from = from, .progress = progress};
	uint64_t number;
	int rc = send_blocks(&sending, deadline, err);

	number = dfu_pipe_oldest(sending.pipe)->number;
	sending.whole = rc == 0;
	if (rc == 0)
		rc = manifest(&sending, end, deadline, err);
	dfu_pipe_end(sending.pipe, rc == -ERR_BOARD);
	return rc < 0 ? fail_sending(&sending, number, rc, err) : 0;
}

struct receiving {
	struct dfu *dfu;
	struct dfu_pipe *pipe;
	const struct dfu_sink *sink;
	uint64_t limit, asked, done; /* bytes */
	bool ended;
};

static int ask_next(struct receiving *receiving, struct err *err)
{
	dfu_pipe_room(receiving->pipe)->size = receiving->dfu->block_size;
	receiving->asked += receiving->dfu->block_size;
	return dfu_pipe_submit(receiving->pipe, DFU_UPLOAD, false, err);
}

static int take_block(struct receiving *receiving, struct deadline deadline, struct err *err)
{
	struct dfu_block *block = dfu_pipe_oldest(receiving->pipe);
	uint64_t left = receiving->limit - receiving->done;
	size_t got;
	int rc = dfu_pipe_reap(receiving->pipe, &block->move, deadline, err);

	if (rc < 0)
		return rc;
	got = block->move.transfer.got;
	if (got > left)
		got = (size_t)left;
	if (got > 0)
		rc = receiving->sink->take(receiving->sink->context, block->data, got, err);
	receiving->done += got;
	receiving->ended = got < block->size || receiving->done == receiving->limit;
	dfu_pipe_drop(receiving->pipe);
	return rc;
}

/* Whole blocks are asked for to the end: some loaders count their place in blocks of the size that
 * is asked for. */
static int receive_blocks(struct receiving *receiving, struct deadline deadline, struct err *err)
{
	size_t depth =
		receiving->dfu->in_flight < DFU_PIPE_MAX ? receiving->dfu->in_flight : DFU_PIPE_MAX;
	int rc = 0;

	while (rc == 0 && !receiving->ended) {
		if (receiving->pipe->count < depth && receiving->asked < receiving->limit)
			rc = ask_next(receiving, err);
		else
			rc = take_block(receiving, deadline, err);
	}
	return rc;
}

/* Why an UPLOAD was stalled. */
static void explain_stall(struct dfu *dfu, uint64_t done, struct err *err)
{
	struct dfu_status status;
	struct err ignored;

	if (dfu_get_status(dfu, &status, deadline_of_cancel(-1, RESTORE_MS), &ignored) == 0 &&
	    status.status != 0)
		err_set(err, ERR_BOARD, "the device refused: %s", dfu_status_name(status.status));
	err_prefix(err, "reading, %" PRIu64 " bytes after the start", done);
}

int dfu_upload(struct dfu *dfu, uint64_t limit, const struct dfu_sink *sink, uint64_t *got,
	       struct deadline deadline, struct err *err)
{
	struct receiving receiving = {
		.dfu = dfu, .pipe = dfu_pipe_new(dfu), .sink = sink, .limit = limit};
	int rc;

	receiving.ended = limit == 0;
	rc = receive_blocks(&receiving, deadline, err);
	dfu_pipe_end(receiving.pipe, rc == 0 || rc == -ERR_BOARD);
	*got = receiving.done;
	if (rc == -ERR_BOARD)
		explain_stall(dfu, receiving.done, err);
	if (rc == 0)
		return dfu_make_idle(dfu, deadline, err);
	if (rc != -ERR_USB)
		restore(dfu);
	return rc;
}
