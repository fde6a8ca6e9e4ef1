// SPDX-License-Identifier: MIT
#include "io/usb_udev.h"

/* Group plugdev serves those who are not at the machine's own seat (ssh, a CI runner). */
void usb_udev_rule(struct buf *out, uint16_t vid, uint16_t pid, struct usb_class interface)
{
	buf_add_text(out, "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", ");
	if (vid)
		buf_addf(out, "ATTR{idVendor}==\"%04x\", ", vid);
	else
		buf_addf(out, "ENV{ID_USB_INTERFACES}==\"*:%02x%02x%02x:*\", ", interface.class,
			 interface.subclass, interface.protocol);
	if (vid && pid)
		buf_addf(out, "ATTR{idProduct}==\"%04x\", ", pid);
	buf_add_text(out, "MODE=\"0660\", GROUP=\"plugdev\", TAG+=\"uaccess\"");
}
