// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "io/usb_descriptors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fewer are filled when there is less room, but the count and what is filled stay the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct usb_alt few[2], many[32];
	struct usb_descriptor one;
	char text[USB_TEXT];
	size_t at = 0, total = 0, count;

	while (usb_descriptor_next(data, size, &at, &one)) {
		if (one.bytes != data + total || one.size < 2)
			abort();
		total += one.size;
		if (total > size || total != at)
			abort();
	}
	memset(few, 0, sizeof(few));
	memset(many, 0, sizeof(many));
	count = usb_alts(data, size, many, 32);
	if (count != usb_alts(data, size, few, 2) || count != usb_alts(data, size, NULL, 0) ||
	    count > size / 9)
		abort();
	if (memcmp(few, many, sizeof(few)) != 0)
		abort();
	usb_text(data, size, text);
	if (strnlen(text, sizeof(text)) == sizeof(text))
		abort();
	return 0;
}
