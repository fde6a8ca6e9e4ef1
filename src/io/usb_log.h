// SPDX-License-Identifier: MIT
/*
 * The log of what passes to and from a USB device: what its lines have in common for who writes and
 * who reads them. For the files of src/io, and their tests.
 *
 *   session                                    a device is opened
 *   path usb:1-2.3                             what it is; see struct usb_info
 *   id 0483:df11 0200
 *   bus 4 3 ef/02/01                           address, speed, class
 *   interface fe/01/02
 *   manufacturer TEXT, product TEXT, serial TEXT
 *   0.012 control 80/06 0100 0000 18 - = ok 18 1201...    seconds, request, size, data out
 *   0.013 bulk 01 4 4f4b4159 = ok 4 -                     = how it ended, bytes moved, data in
 *   0.014 claim 0 = ok
 *
 * Data is in hexadecimal, "-" when there is none; more than USB_LOG_WHOLE bytes that go out are
 * told by their digest. Transfers are in the order in which they ended.
 */
#ifndef ABOARD_IO_USB_LOG_H
#define ABOARD_IO_USB_LOG_H

#include "base/buf.h"
#include "io/usb.h"

#define USB_LOG_WHOLE 4096

/* "control 80/06 0100 0000 18 -": what a transfer asks, with what goes out. */
void usb_log_request(const struct usb_transfer *transfer, struct buf *out);

/* Whether its data comes in. */
bool usb_is_in(const struct usb_transfer *transfer);

/* Bytes in hexadecimal, "-" for none. */
void usb_log_bytes(const uint8_t *bytes, size_t size, struct buf *out);

/* One line of a session. */
struct usb_log_entry {
	char *request; /* owned */
	int status;    /* 0 or -enum err_kind */
	bool ended;    /* it is a transfer that was submitted and came to an end */
	size_t got;
	uint8_t *data; /* owned; what came in, `size` bytes */
	size_t size;

	/* For the one who replays it. */
	struct usb_transfer *transfer; /* in flight */
	bool cancelled, used;
};

struct usb_log {
	struct usb_info info;
	struct usb_log_entry *entries; /* owned */
	size_t count;
};

/* Reads a session, counted from 0, of a log. ERR_CONFIG names the line that makes no sense; what
   was read until then is freed by the caller all the same. */
int usb_log_read(struct usb_log *log, const char *text, size_t session, struct err *err);
void usb_log_free(struct usb_log *log);

/* usb_replay() from memory. */
int usb_replay_text(struct usb_device **usb, const char *text, size_t session, struct err *err);

#endif
