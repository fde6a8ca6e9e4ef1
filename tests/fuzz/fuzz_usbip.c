// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "io/usbip_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void header(const uint8_t *data)
{
	uint8_t once[USBIP_HEADER_SIZE], twice[USBIP_HEADER_SIZE];
	struct usbip_header one, two;
	struct usb_setup setup;
	uint16_t length;

	if (!usbip_get_header(data, &one))
		return;
	usbip_put_header(once, &one);
	if (!usbip_get_header(once, &two))
		abort();
	usbip_put_header(twice, &two);
	if (memcmp(once, twice, sizeof(once)) != 0)
		abort();
	usb_get_setup(one.setup, &setup, &length);
	usb_put_setup(once, &setup, length);
	if (memcmp(once, one.setup, sizeof(one.setup)) != 0)
		abort();
}

static void device(const uint8_t *data)
{
	uint8_t once[USBIP_DEVICE_SIZE], twice[USBIP_DEVICE_SIZE];
	struct usbip_device one;

	usbip_get_device(data, &one);
	usbip_put_device(once, &one);
	usbip_get_device(once, &one);
	usbip_put_device(twice, &one);
	if (memcmp(once, twice, sizeof(once)) != 0)
		abort();
}

/* What was understood is written so that it is understood the same way again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[USBIP_OP_SIZE];
	struct usbip_op op;

	if (size >= USBIP_OP_SIZE) {
		usbip_get_op(data, &op);
		usbip_put_op(out, &op);
		if (memcmp(data, out, sizeof(out)) != 0)
			abort();
	}
	if (size >= USBIP_HEADER_SIZE)
		header(data);
	if (size >= USBIP_DEVICE_SIZE)
		device(data);
	return 0;
}
