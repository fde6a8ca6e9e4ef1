// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/usbip_wire.h"

/* A header as the protocol's own document prints it: words of 32 bits. */
static void words(const char *hex, uint8_t out[USBIP_HEADER_SIZE])
{
	assert_true(text_bytes(hex, out, USBIP_HEADER_SIZE));
}

/* From the example at the end of Linux's usbip_protocol.rst. */
#define CMD_INTERRUPT \
	"00000001"    \
	"00000d05"    \
	"0001000f"    \
	"00000001"    \
	"00000001"    \
	"00000200"    \
	"00000040"    \
	"00000000"    \
	"ffffffff"    \
	"00000004"    \
	"0000000000000000"
#define RET_INTERRUPT \
	"00000003"    \
	"00000d05"    \
	"00000000"    \
	"00000000"    \
	"00000000"    \
	"00000000"    \
	"00000040"    \
	"ffffffff"    \
	"00000000"    \
	"00000000"    \
	"0000000000000000"

static void reads_the_documents_example(void **state)
{
	uint8_t bytes[USBIP_HEADER_SIZE];
	struct usbip_header header;

	(void)state;
	words(CMD_INTERRUPT, bytes);
	assert_true(usbip_get_header(bytes, &header));
	assert_int_equal(header.command, USBIP_CMD_SUBMIT);
	assert_int_equal(header.sequence, 0xd05);
	assert_int_equal(header.devid, 0x1000f);
	assert_true(header.in);
	assert_int_equal(header.endpoint, 1);
	assert_int_equal(header.flags, 0x200);
	assert_int_equal(header.length, 64);
	assert_int_equal(header.interval, 4);
	words(RET_INTERRUPT, bytes);
	assert_true(usbip_get_header(bytes, &header));
	assert_int_equal(header.command, USBIP_RET_SUBMIT);
	assert_int_equal(header.actual, 64);
	assert_int_equal(header.status, 0);
}

static void writes_what_linux_writes(void **state)
{
	struct usbip_header header = {
		.command = USBIP_CMD_SUBMIT,
		.sequence = 3,
		.devid = 0x10002,
		.in = true,
		.length = 18,
	};
	uint8_t bytes[USBIP_HEADER_SIZE], wanted[USBIP_HEADER_SIZE];

	(void)state;
	usb_put_setup(header.setup, &(struct usb_setup){0x80, 6, 0x0100, 0}, 18);
	usbip_put_header(bytes, &header);
	words("00000001"
	      "00000003"
	      "00010002"
	      "00000001"
	      "00000000"
	      "00000000"
	      "00000012"
	      "00000000"
	      "00000000"
	      "00000000"
	      "8006000100001200",
	      wanted);
	assert_memory_equal(bytes, wanted, sizeof(wanted));
	header = (struct usbip_header){.command = USBIP_RET_SUBMIT, .sequence = 3, .status = -32};
	usbip_put_header(bytes, &header);
	words("00000003"
	      "00000003"
	      "00000000"
	      "00000000"
	      "00000000"
	      "ffffffe0"
	      "00000000"
	      "00000000"
	      "00000000"
	      "00000000"
	      "0000000000000000",
	      wanted);
	assert_memory_equal(bytes, wanted, sizeof(wanted));
	header = (struct usbip_header){.command = USBIP_CMD_UNLINK, .sequence = 4, .unlink = 3};
	usbip_put_header(bytes, &header);
	assert_true(usbip_get_header(bytes, &header));
	assert_int_equal(header.unlink, 3);
}

static void refuses(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
		{3, 0},     {3, 5},     {0, 1}, /* no such command */
		{19, 16},                       /* no such endpoint */
		{24, 0x40}, {25, 0x41},         /* too long */
		{35, 1},                        /* isochronous */
	};
	uint8_t bytes[USBIP_HEADER_SIZE];
	struct usbip_header header;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		words("00000001"
		      "00000d05"
		      "0001000f"
		      "00000001"
		      "00000001"
		      "00000200"
		      "00000040"
		      "00000000"
		      "00000000"
		      "00000004"
		      "0000000000000000",
		      bytes);
		assert_true(usbip_get_header(bytes, &header));
		bytes[rows[i].at] = rows[i].value;
		assert_false(usbip_get_header(bytes, &header));
	}
}

static void devices(void **state)
{
	struct usbip_device device =
				    {
					    .path = "/sys/devices/pci0000:00/0000:00:1d.1/usb3/3-2",
					    .busid = "3-2",
					    .bus = 3,
					    .device = 2,
					    .speed = 2,
					    .vid = 0x0483,
					    .pid = 0xdf11,
					    .release = 0x0200,
					    .class = {0xef, 2, 1},
					    .configuration = 1,
					    .configuration_count = 2,
					    .interface_count = 3,
				    },
			    back;
	uint8_t bytes[USBIP_DEVICE_SIZE];

	(void)state;
	usbip_put_device(bytes, &device);
	assert_memory_equal(bytes + 256, "3-2\0", 4);
	assert_memory_equal(bytes + 288, "\0\0\0\3\0\0\0\2\0\0\0\2\4\203\337\21\2\0\357\2\1\1\2\3",
			    24);
	usbip_get_device(bytes, &back);
	assert_string_equal(back.path, device.path);
	assert_string_equal(back.busid, "3-2");
	assert_int_equal(back.pid, 0xdf11);
	assert_int_equal(back.interface_count, 3);
	memset(bytes, 0xff, sizeof(bytes));
	usbip_get_device(bytes, &back);
	assert_int_equal(strlen(back.path), 255);
	assert_int_equal(strlen(back.busid), USBIP_BUSID);
	assert_int_equal(back.busid[0], '?');
}

static void speeds(void **state)
{
	uint32_t i;

	(void)state;
	assert_int_equal(usbip_speed(3), USB_SPEED_HIGH);
	assert_int_equal(usbip_speed(4), USB_SPEED_UNKNOWN);
	assert_int_equal(usbip_speed(7), USB_SPEED_UNKNOWN);
	for (i = 0; i < 7; i++)
		assert_int_equal(usbip_speed_of(usbip_speed(i)), i == 4 ? 0 : i);
}

static void setup_packets(void **state)
{
	struct usb_setup setup = {0xa1, 3, 0x1234, 0xff00}, back;
	uint8_t bytes[8];
	uint16_t length;

	(void)state;
	usb_put_setup(bytes, &setup, 6);
	assert_memory_equal(bytes, "\xa1\x03\x34\x12\x00\xff\x06\x00", 8);
	usb_get_setup(bytes, &back, &length);
	assert_int_equal(length, 6);
	assert_int_equal(back.value, setup.value);
	assert_int_equal(back.index, setup.index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_documents_example),
		cmocka_unit_test(writes_what_linux_writes),
		cmocka_unit_test(refuses),
		cmocka_unit_test(devices),
		cmocka_unit_test(speeds),
		cmocka_unit_test(setup_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
