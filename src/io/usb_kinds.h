// SPDX-License-Identifier: MIT
/*
 * What the kinds of buses of io/usb.h share: the openers that the table of schemes names, and lists
 * of devices. For the files of src/io, and for tests that play a bus.
 */
#ifndef ABOARD_IO_USB_KINDS_H
#define ABOARD_IO_USB_KINDS_H

#include "io/usb.h"

struct usb_list;

struct usb_bus_ops {
	/* Adds what is attached to `list`, in any order; see usb_bus_list(). */
	int (*list)(struct usb_bus *bus, bool strings, struct usb_list *list,
		    struct deadline deadline, struct err *err);
	int (*wait)(struct usb_bus *bus, struct deadline deadline, struct err *err);
	/* Opens and configures the device; what `info` does not tell yet is read by the caller. */
	int (*open)(struct usb_device **usb, struct usb_bus *bus, const struct usb_info *info,
		    struct deadline deadline, struct err *err);
	void (*close)(struct usb_bus *bus); /* frees it */
};

struct usb_bus {
	const struct usb_bus_ops *ops;
};

struct usb_list {
	struct usb_info *items; /* owned */
	size_t count, space;
};

void usb_list_free(struct usb_list *list);

/* One more, zeroed; valid until the next is added. */
struct usb_info *usb_list_add(struct usb_list *list);

/* `rest` is the address behind its scheme. */
int usb_bus_open_local(struct usb_bus **bus, const char *rest, struct deadline deadline,
		       struct err *err);
int usb_bus_open_ip(struct usb_bus **bus, const char *rest, struct deadline deadline,
		    struct err *err);

#endif
