// SPDX-License-Identifier: MIT
#include "io/usb_descriptors.h"

#include <string.h>

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
#define INTERRUPT      3

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
	uint8_t address = bytes[2], type = bytes[3] & 3;
	bool in = address & USB_IN;
	uint8_t *first = in ? &alt->bulk_in : &alt->bulk_out;

	if (type == INTERRUPT)
		first = in ? &alt->interrupt_in : &alt->interrupt_out;
	if ((type != BULK && type != INTERRUPT) || *first)
		return;
	*first = address;
	if (first == &alt->bulk_out)
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

/* One character of UTF-16 from at most `units` of them; returns how many it took. */
static size_t take_unit(const uint8_t *bytes, size_t units, uint32_t *point)
{
	uint32_t high = le16(bytes), low = units > 1 ? le16(bytes + 2) : 0;

	*point = high;
	if ((high & 0xfc00) != 0xd800 || (low & 0xfc00) != 0xdc00)
		return 1;
	*point = 0x10000 + ((high & 0x3ff) << 10 | (low & 0x3ff));
	return 2;
}

static bool is_printable(uint32_t point)
{
	if (point < 0x20 || (point >= 0x7f && point < 0xa0))
		return false;
	if (point == 0x2028 || point == 0x2029 || (point & 0xfffe) == 0xfffe)
		return false;
	return (point & 0xfffff800) != 0xd800;
}

/* UTF-8 of one character; returns its bytes. */
static size_t put_point(char out[4], uint32_t point)
{
	static const struct {
		uint32_t below;
		uint8_t lead;
	} rows[] = {{0x80, 0}, {0x800, 0xc0}, {0x10000, 0xe0}, {0x110000, 0xf0}};
	size_t tail = 0, i;

	while (point >= rows[tail].below)
		tail++;
	out[0] = (char)(rows[tail].lead | point >> (6 * tail));
	for (i = 1; i <= tail; i++)
		out[i] = (char)(0x80 | (point >> (6 * (tail - i)) & 0x3f));
	return tail + 1;
}

bool usb_text(const uint8_t *bytes, size_t size, char out[USB_TEXT])
{
	size_t used = 0, units, at, length;
	uint32_t point;
	char text[4];

	out[0] = '\0';
	if (size < 2 || bytes[0] < 2 || bytes[1] != USB_DESCRIPTOR_STRING)
		return false;
	units = ((bytes[0] < size ? bytes[0] : size) - 2) / 2;
	for (at = 0; at < units;) {
		at += take_unit(bytes + 2 + 2 * at, units - at, &point);
		length = put_point(text, is_printable(point) ? point : '?');
		if (used + length >= USB_TEXT)
			break;
		memcpy(out + used, text, length);
		used += length;
	}
	out[used] = '\0';
	return true;
}
