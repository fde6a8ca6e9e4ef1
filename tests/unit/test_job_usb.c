// SPDX-License-Identifier: MIT
/* Telling boards apart: modes of drivers' tables, and the `usb` of board files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "engine/board.h"
#include "engine/job_usb.h"

static const struct usb_mode modes[] = {
	{.vid = 0x0483, .pid = 0xdf11, .product = "@Device ID", .family = "MP", .mode = "ROM"},
	{.vid = 0x0483, .family = "ST", .mode = "anything"},
	{.interface = {0xff, 0x42, 0x03}, .family = "any", .mode = "fastboot"},
	{0},
};

static const struct usb_info rom = {
	.path = "usb:1-2.3",
	.vid = 0x0483,
	.pid = 0xdf11,
	.product = "DFU in HS Mode @Device ID /0x500",
	.serial = "003200203338510634383330",
};
static const struct usb_info microcontroller = {
	.path = "usb:1-3", .vid = 0x0483, .pid = 0xdf11, .product = "STM32  BOOTLOADER"};
static const struct usb_info loader = {
	.path = "usbip://lab:3240/1-1",
	.vid = 0x18d1,
	.pid = 0x0d02,
	.interfaces = {{0x08, 0x06, 0x50}, {0xff, 0x42, 0x03}},
	.interface_count = 2,
};
static const struct usb_info mouse = {.path = "usb:2-1",
				      .vid = 0x046d,
				      .pid = 0xc077,
				      .interfaces = {{0x03, 0x01, 0x02}},
				      .interface_count = 1};

static void test_modes(void **state)
{
	(void)state;
	assert_string_equal(usb_mode_find(modes, &rom)->mode, "ROM");
	assert_string_equal(usb_mode_find(modes, &microcontroller)->mode, "anything");
	assert_string_equal(usb_mode_find(modes, &loader)->mode, "fastboot");
	assert_null(usb_mode_find(modes, &mouse));
}

static const struct key no_keys[] = {{0}};
static const struct work no_works[] = {{0}};
static const struct driver driver = {
	.name = "toy", .summary = "", .keys = no_keys, .works = no_works, .usb_modes = modes};
static const struct driver *const drivers_of_test[] = {&driver, NULL};

static bool matches(const char *usb, const struct usb_info *info)
{
	_cleanup_(freep) char *text = xasprintf("name: one\ndriver: toy\n%s\n", usb);
	struct boards boards;
	struct err err = {0};
	bool is;

	assert_int_equal(
		boards_load_text(&boards, "t.yaml", text, strlen(text), drivers_of_test, &err), 0);
	is = board_usb_match(&boards.items[0], info);
	boards_free(&boards);
	return is;
}

static void test_boards(void **state)
{
	(void)state;
	assert_true(matches("usb: usb:1-2.3", &rom));
	assert_false(matches("usb: usb:1-2.30", &rom));
	assert_false(matches("usb: usb:1-2", &rom));
	assert_true(matches("usb: {serial: '003200203338510634383330'}", &rom));
	assert_false(matches("usb: {serial: '0032'}", &rom));
	assert_true(matches("usb: {id: '0483:DF11'}", &rom));
	assert_false(matches("usb: {path: 'usb:1-2.3', id: '0483:5720'}", &rom));
	/* the standard port need not be given */
	assert_true(matches("usb: usbip://lab/1-1", &loader));
	assert_false(matches("usb: usbip://lab:3241/1-1", &loader));
	/* without a word on USB it is whatever the driver knows */
	assert_true(matches("", &rom));
	assert_false(matches("", &mouse));
}

static void check_refused(const char *usb, const char *text)
{
	_cleanup_(freep) char *file = xasprintf("name: one\ndriver: toy\nusb: %s\n", usb);
	struct boards boards;
	struct err err = {0};

	assert_int_equal(
		boards_load_text(&boards, "t.yaml", file, strlen(file), drivers_of_test, &err),
		-ERR_CONFIG);
	assert_non_null(strstr(err.text, text));
	assert_non_null(strstr(err.text, "t.yaml:3:"));
	assert_true(err.remedy[0]);
}

static void test_wrong_boards(void **state)
{
	(void)state;
	check_refused("1-2", "'1-2' is not the path of a USB device");
	check_refused("{path: usbip://lab}", "names no device of the server");
	check_refused("{id: 483:df11}", "'483:df11' is no USB id");
	check_refused("{paht: 1-2}", "paht");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_boards),
		cmocka_unit_test(test_wrong_boards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
