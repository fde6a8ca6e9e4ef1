// SPDX-License-Identifier: MIT
#include "proto/dfu_pipe.h"

#include <stdlib.h>

#include "base/mem.h"

#define TAKE_BACK_MS 5000

struct dfu_pipe *dfu_pipe_new(struct dfu *dfu)
{
	struct dfu_pipe *pipe = xcalloc(1, sizeof(*pipe));

	pipe->dfu = dfu;
	return pipe;
}

struct dfu_block *dfu_pipe_room(struct dfu_pipe *pipe)
{
	return &pipe->blocks[(pipe->first + pipe->count) % DFU_PIPE_MAX];
}

struct dfu_block *dfu_pipe_oldest(struct dfu_pipe *pipe)
{
	return &pipe->blocks[pipe->first];
}

void dfu_pipe_drop(struct dfu_pipe *pipe)
{
	pipe->first = (pipe->first + 1) % DFU_PIPE_MAX;
	pipe->count--;
}

static int submit(struct dfu_pipe *pipe, struct dfu_move *move, struct err *err)
{
	int rc = usb_submit(pipe->dfu->usb, &move->transfer, err);

	move->pending = rc == 0;
	return rc;
}

int dfu_pipe_submit(struct dfu_pipe *pipe, enum dfu_request request, bool ask, struct err *err)
{
	struct dfu_block *block = dfu_pipe_room(pipe);
	uint8_t type = request == DFU_UPLOAD ? DFU_IN : DFU_OUT;
	int rc;

	block->number = pipe->next++;
	block->asked = ask;
	block->move.transfer = (struct usb_transfer){
		.type = USB_CONTROL,
		.setup = {type, (uint8_t)request, (uint16_t)block->number, pipe->dfu->interface},
		.data = block->data,
		.size = block->size,
	};
	block->ask.transfer = (struct usb_transfer){
		.type = USB_CONTROL,
		.setup = {DFU_IN, DFU_GETSTATUS, 0, pipe->dfu->interface},
		.data = block->status,
		.size = sizeof(block->status),
	};
	pipe->count++;
	rc = submit(pipe, &block->move, err);
	return rc == 0 && ask ? submit(pipe, &block->ask, err) : rc;
}

static int reap_any(struct dfu_pipe *pipe, struct deadline deadline, struct err *err)
{
	struct usb_transfer *transfer;
	int rc = usb_reap(pipe->dfu->usb, &transfer, deadline, err);

	if (rc == 0)
		container_of(transfer, struct dfu_move, transfer)->pending = false;
	return rc;
}

static int came_to(const struct usb_transfer *transfer, struct err *err)
{
	if (transfer->status == -ERR_BOARD)
		return err_set(err, ERR_BOARD, "the device stalled the request");
	if (transfer->status < 0)
		return err_set(err, (enum err_kind) - transfer->status,
			       "the device is gone, or the transfer broke");
	if (transfer->got < transfer->size && transfer->setup.request != DFU_UPLOAD)
		return err_set(err, ERR_BOARD, "only %zu of %zu bytes went through", transfer->got,
			       transfer->size);
	return 0;
}

int dfu_pipe_reap(struct dfu_pipe *pipe, struct dfu_move *move, struct deadline deadline,
		  struct err *err)
{
	struct deadline limit = deadline_in(deadline, pipe->dfu->transfer_ms);
	int rc = 0;

	while (rc == 0 && move->pending)
		rc = reap_any(pipe, limit, err);
	return rc < 0 ? rc : came_to(&move->transfer, err);
}

static bool is_pending(const struct dfu_pipe *pipe)
{
	size_t i;

	for (i = 0; i < DFU_PIPE_MAX; i++)
		if (pipe->blocks[i].move.pending || pipe->blocks[i].ask.pending)
			return true;
	return false;
}

static void reap_all(struct dfu_pipe *pipe)
{
	struct deadline limit = deadline_of_cancel(-1, TAKE_BACK_MS);
	struct err ignored;

	while (is_pending(pipe) && reap_any(pipe, limit, &ignored) == 0)
		;
}

void dfu_pipe_end(struct dfu_pipe *pipe, bool wait)
{
	if (wait)
		reap_all(pipe);
	if (is_pending(pipe)) {
		usb_cancel(pipe->dfu->usb);
		reap_all(pipe);
	}
	/* A transport that does not give a transfer back still has its bytes. */
	if (!is_pending(pipe))
		free(pipe);
}
