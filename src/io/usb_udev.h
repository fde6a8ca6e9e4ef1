// SPDX-License-Identifier: MIT
/*
 * The udev rules that let the person at the machine open a device: one line, for a rules file or
 * for an error's remedy.
 */
#ifndef ABOARD_IO_USB_UDEV_H
#define ABOARD_IO_USB_UDEV_H

#include "base/buf.h"
#include "io/usb.h"

/* uaccess is given by 73-seat-late.rules, so the file must sort before it. */
#define USB_UDEV_FILE "/etc/udev/rules.d/70-aboard.rules"

/* Adds the rule, without a line end. vid 0: any device that has an interface of this class (as
   udev's usb_id tells interfaces); pid 0: any of this vendor. */
void usb_udev_rule(struct buf *out, uint16_t vid, uint16_t pid, struct usb_class interface);

#endif
