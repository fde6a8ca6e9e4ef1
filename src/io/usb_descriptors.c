// SPDX-License-Identifier: MIT
#include "io/usb_descriptors.h"

#include "base/bytes.h"

bool usb_descriptor_next(const uint8_t *bytes, size_t size, size_t *at,
			 struct usb_descriptor *descriptor)
{
	const uint8_t *here = bytes + *at;

	if (*at > size || size - *at < 2 || here[0] < 2 || here[0] > size - *at)
		return false;
	*descriptor = (struct usb_descriptor){.bytes = here, .size = here[0], .type = here[1]};
	*at += here[0];
	return true;
}

#define INTERFACE_SIZE 9
#define ENDPOINT_SIZE  7
#define BULK           2 /* low bits of bmAttributes */

static void take_interface(struct usb_alt *alt, const uint8_t *bytes)
{
	*alt = (struct usb_alt){
		.interface = bytes[2],
		.alt = bytes[3],
		.class = {bytes[5], bytes[6], bytes[7]},
		.string = bytes[8],
	};
}

static void take_endpoint(struct usb_alt *alt, const uint8_t *bytes)
{
	uint8_t address = bytes[2];

	if ((bytes[3] & 3) != BULK)
		return;
	if (address & USB_IN) {
		if (!alt->bulk_in)
			alt->bulk_in = address;
		return;
	}
	if (alt->bulk_out)
		return;
	alt->bulk_out = address;
	alt->bulk_out_packet = le16(bytes + 4);
}

size_t usb_alts(const uint8_t *bytes, size_t size, struct usb_alt *alts, size_t max)
{
	struct usb_alt *alt = NULL;
	struct usb_descriptor one;
	size_t at = 0, count = 0;

	while (usb_descriptor_next(bytes, size, &at, &one)) {
		if (one.type == USB_DESCRIPTOR_INTERFACE && one.size >= INTERFACE_SIZE) {
			alt = count < max ? &alts[count] : NULL;
			count++;
			if (alt)
				take_interface(alt, one.bytes);
		}
		if (one.type == USB_DESCRIPTOR_ENDPOINT && one.size >= ENDPOINT_SIZE && alt)
			take_endpoint(alt, one.bytes);
	}
	return count;
}
