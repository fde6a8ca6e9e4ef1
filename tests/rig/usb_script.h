// SPDX-License-Identifier: MIT
/*
 * A USB device that is a list of transfers: each that is submitted must be the next row, to the
 * byte, and gets that row's answer. "21 01 0002 0000 512 -> ok": bmRequestType, bRequest, wValue,
 * wIndex, wLength, and what comes of it: "ok", bytes in hexadecimal, "stall", "gone" (also for all
 * that follow), "hang" (until it is taken back). SET_INTERFACE is "alt INTERFACE ALT -> ok".
 */
#ifndef ABOARD_TESTS_USB_SCRIPT_H
#define ABOARD_TESTS_USB_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/usb.h"

#define USB_SCRIPT_QUEUE 8

struct usb_script {
	struct usb_device usb;
	const char *const *rows; /* ended by NULL */
	size_t at;               /* the next row */
	/* For long scripts: answers what the rows leave over, and returns its status. NULL: a
	   transfer too many is a failure. */
	int (*rest)(struct usb_script *script, struct usb_transfer *transfer);
	struct buf out; /* all data that went out in control transfers */
	struct usb_transfer *queue[USB_SCRIPT_QUEUE];
	size_t queued, most; /* under way now, and at most at any time */
	bool hangs, gone;
	unsigned int claimed;
};

static inline struct usb_script *script_of(struct usb_device *usb)
{
	return container_of(usb, struct usb_script, usb);
}

/* The answer of the next row, which must be for this request; NULL: the rows are over. */
static inline const char *script_next(struct usb_script *script, const char *request)
{
	const char *row = script->rows ? script->rows[script->at] : NULL;
	const char *arrow = row ? strstr(row, " -> ") : NULL;

	if (!row && script->rest)
		return NULL;
	if (!row)
		fail_msg("after the end of the script: %s", request);
	if (!arrow || strlen(request) != (size_t)(arrow - row) ||
	    strncmp(row, request, strlen(request)) != 0)
		fail_msg("row %zu of the script is '%s', the request is '%s'", script->at, row,
			 request);
	script->at++;
	return arrow + 4;
}

static inline int script_answer(struct usb_script *script, struct usb_transfer *transfer,
				const char *answer)
{
	size_t bytes = strlen(answer) / 2;

	if (strcmp(answer, "stall") == 0)
		return -ERR_BOARD;
	script->gone |= strcmp(answer, "gone") == 0;
	script->hangs |= strcmp(answer, "hang") == 0;
	if (script->gone)
		return -ERR_USB;
	if (strcmp(answer, "ok") == 0) {
		transfer->got = transfer->size;
		return 0;
	}
	if (script->hangs)
		return 0;
	assert_true(bytes <= transfer->size && text_bytes(answer, transfer->data, bytes));
	transfer->got = bytes;
	return 0;
}

static inline int script_submit(struct usb_device *usb, struct usb_transfer *transfer,
				struct err *err)
{
	struct usb_script *script = script_of(usb);
	const struct usb_setup *setup = &transfer->setup;
	const char *answer;
	char request[64];

	if (script->gone)
		return err_set(err, ERR_USB, "gone");
	assert_int_equal(transfer->type, USB_CONTROL);
	assert_true(script->queued < USB_SCRIPT_QUEUE);
	snprintf(request, sizeof(request), "%02x %02x %04x %04x %zu", setup->request_type,
		 setup->request, setup->value, setup->index, transfer->size);
	if (!(setup->request_type & USB_IN))
		buf_add(&script->out, transfer->data, transfer->size);
	answer = script_next(script, request);
	transfer->status =
		answer ? script_answer(script, transfer, answer) : script->rest(script, transfer);
	script->queue[script->queued++] = transfer;
	if (script->queued > script->most)
		script->most = script->queued;
	return 0;
}

static inline int script_reap(struct usb_device *usb, struct usb_transfer **transfer,
			      struct deadline deadline, struct err *err)
{
	struct usb_script *script = script_of(usb);

	assert_true(script->queued > 0);
	if (script->hangs)
		return deadline_pause(INT32_MAX, deadline, err);
	*transfer = script->queue[0];
	memmove(script->queue, script->queue + 1, --script->queued * sizeof(script->queue[0]));
	return 0;
}

static inline void script_cancel(struct usb_device *usb)
{
	struct usb_script *script = script_of(usb);
	size_t i;

	for (i = 0; script->hangs && i < script->queued; i++)
		script->queue[i]->status = -ERR_CANCELLED;
	script->hangs = false;
}

static inline int script_claim(struct usb_device *usb, uint8_t interface, struct err *err)
{
	(void)interface;
	(void)err;
	script_of(usb)->claimed++;
	return 0;
}

static inline void script_release(struct usb_device *usb, uint8_t interface)
{
	(void)interface;
	script_of(usb)->claimed--;
}

static inline int script_set_alt(struct usb_device *usb, uint8_t interface, uint8_t alt,
				 struct deadline deadline, struct err *err)
{
	char request[64];
	const char *answer;

	(void)deadline;
	snprintf(request, sizeof(request), "alt %u %u", interface, alt);
	answer = script_next(script_of(usb), request);
	if (!answer || strcmp(answer, "ok") == 0)
		return 0;
	return err_set(err, ERR_BOARD, "%s", answer);
}

static inline int script_no(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	(void)usb;
	(void)deadline;
	(void)err;
	fail_msg("the script knows no reset");
	return -1;
}

static const struct usb_ops script_ops = {
	.submit = script_submit,
	.reap = script_reap,
	.cancel = script_cancel,
	.claim = script_claim,
	.release = script_release,
	.set_alt = script_set_alt,
	.reset = script_no,
	.await_gone = script_no,
};

static inline void script_begin(struct usb_script *script, const char *const *rows)
{
	*script = (struct usb_script){.usb.ops = &script_ops, .rows = rows};
}

/* Every row was used, and nothing is under way. */
static inline void script_end(struct usb_script *script)
{
	if (script->rows && script->rows[script->at])
		fail_msg("row %zu of the script was not reached: %s", script->at,
			 script->rows[script->at]);
	assert_int_equal(script->queued, 0);
	buf_free(&script->out);
}

#endif
