// SPDX-License-Identifier: MIT
/*
 * This machine's own USB: what sysfs tells of attached devices, and a device node as a device. For
 * the files of src/io, and their tests.
 */
#ifndef ABOARD_IO_USB_LOCAL_H
#define ABOARD_IO_USB_LOCAL_H

#include "io/usb_kinds.h"

/* Adds what a folder as /sys/bus/usb/devices tells, root hubs left out; reads only files, so it
   needs no permission for the devices. A missing folder is a machine without USB: nothing. */
int usb_sysfs_list(const char *folder, struct usb_list *list, struct err *err);

/* Takes over `fd`, an open node of /dev/bus/usb. */
int usb_local_new(struct usb_device **usb, int fd, const struct usb_info *info, struct err *err);

#endif
