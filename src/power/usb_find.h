// SPDX-License-Identifier: MIT
/*
 * Switches that are USB devices: finding the one that a board file tells of. For the files of this
 * folder.
 */
#ifndef ABOARD_POWER_USB_FIND_H
#define ABOARD_POWER_USB_FIND_H

#include "io/usb.h"

/* What the switch is known by. */
struct usb_find {
	const char *path;   /* of its port; NULL: any on this machine */
	const char *serial; /* NULL: any */
	const char *what;   /* "YKUSH": for messages */
	bool (*is_kind)(const struct usb_info *info);
};

/* Opens the bus, and what is attached to it. All are the caller's, also after an error. */
struct usb_found {
	struct usb_bus *bus;
	struct usb_info *list;
	size_t count;
	const struct usb_info *info; /* of the list: the one; NULL until it is found */
};

/* ERR_NOT_FOUND names what is there; ERR_CONFIG: several could be it. */
int usb_find(const struct usb_find *find, struct usb_found *found, struct deadline deadline,
	     struct err *err);
void usb_found_free(struct usb_found *found);

#endif
