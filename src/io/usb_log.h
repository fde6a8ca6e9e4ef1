// SPDX-License-Identifier: MIT
/*
 * The log of what passes to and from a USB device: what its lines have in common for who writes and
 * who reads them. For the files of src/io only.
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

#endif
