// SPDX-License-Identifier: MIT
/*
 * DFU's requests (section 3) and waits, shared by its files.
 */
#ifndef ABOARD_PROTO_DFU_REQUEST_H
#define ABOARD_PROTO_DFU_REQUEST_H

#include "proto/dfu.h"

/* bmRequestType: class, recipient interface. */
#define DFU_OUT 0x21
#define DFU_IN  0xa1

enum dfu_request {
	DFU_DETACH,
	DFU_DNLOAD,
	DFU_UPLOAD,
	DFU_GETSTATUS,
	DFU_CLRSTATUS,
	DFU_GETSTATE,
	DFU_ABORT,
};

/* Devices ask for waits that make no sense. */
#define DFU_POLL_MAX 60000 /* ms */

/* A request without data. */
int dfu_request(struct dfu *dfu, enum dfu_request request, uint16_t value, struct deadline deadline,
		struct err *err);

/* Before the next GETSTATUS: as long as the device asks for, and a little longer from round to
   round for one that asks for nothing. */
int dfu_wait(uint32_t poll_ms, unsigned int round, struct deadline deadline, struct err *err);

#endif
