// SPDX-License-Identifier: MIT
/*
 * Power of one port of a USB hub, the two ways there are to switch it: the kernel's own file, and
 * requests to the hub (USB 2.0 section 11.24, USB 3.1 section 10.16; mvp/uhubctl). For the files of
 * this folder and their tests.
 */
#ifndef ABOARD_POWER_USB_HUB_H
#define ABOARD_POWER_USB_HUB_H

#include "io/usb.h"
#include "power/power.h"

#define USB_HUB_CLASS 9

/* Ports that are one plug: a USB 3 hub is two hubs, one for each speed. */
#define HUB_TWINS 2

/* The file `disable` of a port (Linux since 6.0) below a folder as /sys/bus/usb/devices; `hub` is
   "1-2", or "usb1" for a root hub. Owned by the caller; NULL: this kernel, or this hub, has none.
 */
char *hub_port_file(const char *folder, const char *hub, unsigned int port);

/* The same of the port's twin, which the kernel tells by a link. */
char *hub_twin_file(const char *folder, const char *hub, unsigned int port);

int hub_file_set(const char *file, bool on, struct err *err);
int hub_file_get(const char *file, enum power_state *state, struct err *err);

/* Requests to an open hub. ERR_POWER: it has no such port, or does not switch ports one by one. */
int hub_check(struct usb_device *hub, unsigned int port, struct deadline deadline, struct err *err);
int hub_set(struct usb_device *hub, unsigned int port, bool on, struct deadline deadline,
	    struct err *err);
int hub_get(struct usb_device *hub, unsigned int port, enum power_state *state,
	    struct deadline deadline, struct err *err);

/* The hub's container id; *known false (and success): it has none. Twins have the same. */
#define HUB_CONTAINER 16
int hub_container(struct usb_device *hub, uint8_t id[HUB_CONTAINER], bool *known,
		  struct deadline deadline, struct err *err);

#endif
