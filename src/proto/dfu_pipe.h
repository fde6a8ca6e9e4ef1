// SPDX-License-Identifier: MIT
/*
 * Blocks under way: control transfers that were submitted and not reaped yet, each DNLOAD with its
 * GETSTATUS right behind it. A high-speed control transfer costs more in turnaround than in data,
 * so the next one must be there when the last one ends.
 */
#ifndef ABOARD_PROTO_DFU_PIPE_H
#define ABOARD_PROTO_DFU_PIPE_H

#include "proto/dfu_request.h"

#define DFU_PIPE_MAX 2

struct dfu_move {
	struct usb_transfer transfer;
	bool pending; /* submitted and not reaped */
};

struct dfu_block {
	uint64_t number; /* counts on where the wire's 16 bits wrap */
	size_t size;     /* bytes of `data` to move */
	struct dfu_move move, ask;
	bool asked; /* GETSTATUS was submitted along with it */
	uint8_t data[USB_CONTROL_SIZE];
	uint8_t status[DFU_STATUS_SIZE];
};

struct dfu_pipe {
	struct dfu *dfu;
	struct dfu_block blocks[DFU_PIPE_MAX]; /* a ring */
	size_t first, count;                   /* the oldest one under way, and how many are */
	uint64_t next;                         /* number of the next block */
};

struct dfu_pipe *dfu_pipe_new(struct dfu *dfu);

/* Takes back what is still under way, unless the device answers it by itself (`wait`), and frees
   the pipe. */
void dfu_pipe_end(struct dfu_pipe *pipe, bool wait);

/* The block to be filled and submitted next; there is room for it when count < DFU_PIPE_MAX. */
struct dfu_block *dfu_pipe_room(struct dfu_pipe *pipe);
/* DNLOAD or UPLOAD of block->size bytes; with `ask` and a GETSTATUS behind it. */
int dfu_pipe_submit(struct dfu_pipe *pipe, enum dfu_request request, bool ask, struct err *err);

/* The oldest block under way. */
struct dfu_block *dfu_pipe_oldest(struct dfu_pipe *pipe);
/* Waits for one of its transfers; the error is that of the transfer, as usb_control() has them. */
int dfu_pipe_reap(struct dfu_pipe *pipe, struct dfu_move *move, struct deadline deadline,
		  struct err *err);
/* The oldest one is done with; all of its transfers have been reaped. */
void dfu_pipe_drop(struct dfu_pipe *pipe);

#endif
