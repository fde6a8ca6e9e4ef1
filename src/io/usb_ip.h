// SPDX-License-Identifier: MIT
/*
 * A device that a USB/IP server has given to us: transfers over the connection that it came with.
 * For the files of src/io only.
 */
#ifndef ABOARD_IO_USB_IP_H
#define ABOARD_IO_USB_IP_H

#include "io/usb.h"
#include "io/usbip_wire.h"

/* Takes over `fd`, a non-blocking connection on which the import was just answered with `device`.
   Talks to nobody yet. */
struct usb_device *usb_ip_link_new(int fd, const struct usbip_device *device,
				   const struct usb_info *info);

#endif
