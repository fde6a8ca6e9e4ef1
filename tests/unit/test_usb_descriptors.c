// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "io/usb_descriptors.h"

#define CONFIGURATION(total) 9, USB_DESCRIPTOR_CONFIGURATION, total, 0, 1, 1, 0, 0xc0, 50
#define INTERFACE(number, alt, class, subclass, protocol, string) \
	9, USB_DESCRIPTOR_INTERFACE, number, alt, 0, class, subclass, protocol, string
#define ENDPOINT(address, kind, packet) \
	7, USB_DESCRIPTOR_ENDPOINT, address, kind, (packet)&0xff, (packet) >> 8, 0

static const uint8_t dfu[] = {
	CONFIGURATION(36),
	INTERFACE(0, 0, 0xfe, 1, 2, 4),
	INTERFACE(0, 1, 0xfe, 1, 2, 5),
	9,
	USB_DESCRIPTOR_DFU,
	0x0b,
	0xff,
	0,
	0,
	4,
	0x10,
	1,
};

static const uint8_t composite[] = {
	CONFIGURATION(90),      INTERFACE(0, 0, 3, 0, 0, 0),
	ENDPOINT(0x83, 3, 64),  INTERFACE(1, 0, 0xff, 0x42, 3, 5),
	ENDPOINT(0x82, 3, 8),   ENDPOINT(0x81, 2, 512),
	ENDPOINT(0x01, 2, 512), ENDPOINT(0x02, 2, 64),
	ENDPOINT(0x84, 2, 64),
};

static void alternate_settings(void **state)
{
	struct usb_alt alts[4];

	(void)state;
	assert_int_equal(usb_alts(dfu, sizeof(dfu), alts, ARRAY_SIZE(alts)), 2);
	assert_int_equal(alts[1].alt, 1);
	assert_int_equal(alts[1].class.class, 0xfe);
	assert_int_equal(alts[1].class.subclass, 1);
	assert_int_equal(alts[1].class.protocol, 2);
	assert_int_equal(alts[1].string, 5);
	assert_int_equal(alts[1].bulk_in | alts[1].bulk_out, 0);
}

static void first_bulk_endpoints(void **state)
{
	struct usb_alt alts[4];

	(void)state;
	assert_int_equal(usb_alts(composite, sizeof(composite), alts, ARRAY_SIZE(alts)), 2);
	assert_int_equal(alts[0].bulk_in | alts[0].bulk_out, 0);
	assert_int_equal(alts[0].interrupt_in, 0x83);
	assert_int_equal(alts[0].interrupt_out, 0);
	assert_int_equal(alts[1].interface, 1);
	assert_int_equal(alts[1].interrupt_in, 0x82);
	assert_int_equal(alts[1].bulk_in, 0x81);
	assert_int_equal(alts[1].bulk_out, 0x01);
	assert_int_equal(alts[1].bulk_out_packet, 512);
}

/* What has no room is counted, and its endpoints are nobody's. */
static void no_room(void **state)
{
	struct usb_alt alts[1];

	(void)state;
	assert_int_equal(usb_alts(composite, sizeof(composite), alts, 1), 2);
	assert_int_equal(alts[0].class.class, 3);
	assert_int_equal(alts[0].bulk_in, 0);
	assert_int_equal(usb_alts(composite, sizeof(composite), NULL, 0), 2);
}

static void damaged(void **state)
{
	uint8_t bytes[sizeof(dfu)];
	struct usb_alt alts[4];
	size_t size, i;

	(void)state;
	for (size = 0; size < 18; size++)
		assert_int_equal(usb_alts(dfu, size, alts, ARRAY_SIZE(alts)), 0);
	for (i = 0; i < sizeof(dfu); i++)
		bytes[i] = dfu[i];
	bytes[18] = 0; /* the second interface: no length */
	assert_int_equal(usb_alts(bytes, sizeof(bytes), alts, ARRAY_SIZE(alts)), 1);
	bytes[18] = 200; /* past the end */
	assert_int_equal(usb_alts(bytes, sizeof(bytes), alts, ARRAY_SIZE(alts)), 1);
	bytes[18] = 4; /* too short for an interface; what is behind makes no sense then */
	assert_int_equal(usb_alts(bytes, sizeof(bytes), alts, ARRAY_SIZE(alts)), 1);
}

static void strings(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *text; /* NULL: none */
	} rows[] = {
#define ROW(bytes, text) {bytes, sizeof(bytes) - 1, text}
		ROW("\6\3D\0F\0", "DF"),
		ROW("\2\3", ""),
		ROW("\10\3\344\0\254\040\75\330", "\303\244\342\202\254?"), /* half a pair */
		ROW("\6\3\75\330\0\336", "\360\237\230\200"),
		ROW("\10\3A\0\12\0\33\0", "A??"),
		ROW("\40\3A\0B\0", "AB"), /* shorter than it says */
		ROW("\7\3A\0B\0C", "AB"),
		ROW("\6\2A\0B\0", NULL),
		ROW("\1\3A\0", NULL),
		ROW("\2", NULL),
		ROW("", NULL),
	};
	char out[USB_TEXT];
	uint8_t longest[255];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		bool good = usb_text((const uint8_t *)rows[i].bytes, rows[i].size, out);

		assert_int_equal(good, rows[i].text != NULL);
		assert_string_equal(out, rows[i].text ? rows[i].text : "");
	}
	for (i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 ? 0x20 : 0xac;
	longest[0] = 255;
	longest[1] = 3;
	assert_true(usb_text(longest, sizeof(longest), out));
	assert_int_equal(strlen(out), 126); /* whole characters of 3 bytes */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alternate_settings),
		cmocka_unit_test(first_bulk_endpoints),
		cmocka_unit_test(no_room),
		cmocka_unit_test(damaged),
		cmocka_unit_test(strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
