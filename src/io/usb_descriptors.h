// SPDX-License-Identifier: MIT
/*
 * Reading configuration descriptors (USB 2.0 section 9.6): pure, of bytes that are not trusted.
 */
#ifndef ABOARD_IO_USB_DESCRIPTORS_H
#define ABOARD_IO_USB_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/usb.h"

enum usb_descriptor_type {
	USB_DESCRIPTOR_DEVICE = 1,
	USB_DESCRIPTOR_CONFIGURATION = 2,
	USB_DESCRIPTOR_STRING = 3,
	USB_DESCRIPTOR_INTERFACE = 4,
	USB_DESCRIPTOR_ENDPOINT = 5,
	USB_DESCRIPTOR_DFU = 0x21, /* also HID: by the interface's class */
};

/* Walks the descriptors of a configuration. `at` starts as 0. */
struct usb_descriptor {
	const uint8_t *bytes; /* from bLength on; `size` of them are there */
	size_t size;          /* bLength, at least 2 */
	uint8_t type;
};

/* The next one; false at the end, and where the bytes are damaged (bLength too small, or past the
 * end). */
bool usb_descriptor_next(const uint8_t *bytes, size_t size, size_t *at,
			 struct usb_descriptor *descriptor);

/* One alternate setting of an interface. */
struct usb_alt {
	uint8_t interface, alt;
	struct usb_class class;
	uint8_t string;                      /* index of its name; 0: none */
	uint8_t bulk_in, bulk_out;           /* addresses of its first bulk endpoints; 0: none */
	uint8_t interrupt_in, interrupt_out; /* of its first interrupt endpoints */
	uint16_t bulk_out_packet;            /* wMaxPacketSize in bytes */
};

/* Fills at most `max` alternate settings in their order, returns how many there are of them. */
size_t usb_alts(const uint8_t *bytes, size_t size, struct usb_alt *alts, size_t max);

/* The text of a string descriptor (UTF-16, little endian) as UTF-8; what cannot be printed becomes
   '?', what has no room is cut. A descriptor that is shorter than it says is read as far as it
   goes. False: it is no string descriptor. */
bool usb_text(const uint8_t *bytes, size_t size, char out[USB_TEXT]);

#endif
