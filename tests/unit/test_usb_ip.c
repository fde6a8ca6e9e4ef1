// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "io/usb_descriptors.h"
#include "io/usbip_wire.h"
#include "rig/usbip_rig.h"

#define WAIT deadline_in(DEADLINE_NEVER, 20000)
#define SOON deadline_in(DEADLINE_NEVER, 50)

static const struct rig_device board = {
	.busid = "1-2",
	.address = 4,
	.vid = 0x0483,
	.pid = 0xdf11,
	.manufacturer = "Maker",
	.product = "DFU in HS Mode @Device ID /0x500",
	.serial = "0039",
	.interface = {0xfe, 1, 2},
	.unconfigured = true,
};

struct bench {
	struct usbip_rig *rig;
	struct usb_bus *bus;
	struct usb_device *usb;
};

static int set_up(void **state)
{
	struct bench *bench = xcalloc(1, sizeof(*bench));
	struct usb_info *list;
	struct err err;
	size_t count;

	*state = bench;
	bench->rig = usbip_rig_new();
	usbip_rig_plug(bench->rig, &board, 1);
	if (usb_bus_open(&bench->bus, usbip_rig_address(bench->rig), WAIT, &err) < 0 ||
	    usb_bus_list(bench->bus, false, &list, &count, WAIT, &err) < 0 || count != 1 ||
	    usb_open(&bench->usb, bench->bus, &list[0], WAIT, &err) < 0)
		return -1;
	free(list);
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	usb_close(bench->usb);
	usb_bus_close(bench->bus);
	usbip_rig_free(bench->rig);
	free(bench);
	return 0;
}

static void paths(void **state)
{
	static const struct {
		const char *path, *bus, *own;
	} rows[] = {
		{"usb:1-2.3", "usb:", "usb:1-2.3"},
		{"usb:10-1.2.3.4.5.6.7", "usb:", "usb:10-1.2.3.4.5.6.7"},
		{"usbip://lab/1-2", "usbip://lab:3240", "usbip://lab:3240/1-2"},
		{"usbip://lab:99/1-2.4", "usbip://lab:99", "usbip://lab:99/1-2.4"},
		{"usbip://[::1]/1-2", "usbip://[::1]:3240", "usbip://[::1]:3240/1-2"},
		{"usbip://[::1]:5/usbip-vudc.0", "usbip://[::1]:5", "usbip://[::1]:5/usbip-vudc.0"},
	};
	static const char *const bad[] = {
		"",
		"1-2",
		"usb:",
		"usb:1",
		"usb:1-",
		"usb:-1",
		"usb:1-2.",
		"usb:1-2-3",
		"usb:1-0",
		"usb:01-2",
		"usb:1-2.3.4.5.6.7.8.9",
		"usb:1-256",
		"usb:1-2 ",
		"usb1",
		"usbip://",
		"usbip://lab",
		"usbip://lab/",
		"usbip:///1-2",
		"usbip://lab:0/1-2",
		"usbip://lab/1-2/3",
		"usbip://lab/1 2",
		"usbip://::1/1-2",
		"usbip://lab/12345678901234567890123456789012",
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *bus = NULL;
		char own[USB_PATH];

		assert_int_equal(usb_path_check(rows[i].path, &bus, own, &err), 0);
		assert_string_equal(bus, rows[i].bus);
		assert_string_equal(own, rows[i].own);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(usb_path_check(bad[i], NULL, NULL, &err), -ERR_CONFIG);
		assert_non_null(strstr(err.remedy, "usbip://HOST"));
	}
}

static void lists(void **state)
{
	struct bench *bench = *state;
	struct rig_device devices[3] = {board, board, board};
	struct usb_info *list;
	struct err err;
	size_t count;
	unsigned int imports;

	devices[0].busid = "1-10";
	devices[1].busid = "1-9";
	devices[1].unconfigured = false;
	devices[2].busy = true;
	usb_close(steal(bench->usb));
	usbip_rig_plug(bench->rig, devices, 3);
	assert_int_equal(usb_bus_list(bench->bus, true, &list, &count, WAIT, &err), 0);
	assert_int_equal(count, 3);
	if (!list)
		return; /* for the compiler, which does not know that the assertion has ended it */
	assert_non_null(strstr(list[0].path, "/1-2"));
	assert_non_null(strstr(list[1].path, "/1-9"));
	assert_non_null(strstr(list[2].path, "/1-10"));
	assert_int_equal(list[1].vid, 0x0483);
	assert_int_equal(list[1].release, 0x0100);
	assert_int_equal(list[1].speed, USB_SPEED_HIGH);
	assert_int_equal(list[1].address, 4);
	assert_int_equal(list[1].interface_count, 1);
	assert_int_equal(list[1].interfaces[0].class, 0xfe);
	assert_string_equal(list[1].serial, "0039");
	assert_string_equal(list[1].product, board.product);
	assert_string_equal(list[2].manufacturer, "Maker");
	assert_int_equal(list[2].interface_count, 1);
	assert_true(list[2].described);
	/* The one that another client has. */
	assert_string_equal(list[0].product, "");
	assert_false(list[0].described);
	free(list);
	/* What is known is not asked for again. */
	imports = usbip_rig_imports(bench->rig);
	assert_int_equal(usb_bus_list(bench->bus, true, &list, &count, WAIT, &err), 0);
	assert_int_equal(usbip_rig_imports(bench->rig), imports);
	assert_string_equal(list[1].serial, "0039");
	free(list);
	/* But it is of a device that enumerated anew. */
	devices[1].address = 5;
	devices[1].serial = "0040";
	usbip_rig_plug(bench->rig, devices, 2);
	assert_int_equal(usb_bus_list(bench->bus, true, &list, &count, WAIT, &err), 0);
	assert_int_equal(count, 2);
	assert_string_equal(list[0].serial, "0040");
	free(list);
}

static void opens(void **state)
{
	struct bench *bench = *state;
	struct usb_info info = bench->usb->info;
	struct usb_setup last = usbip_rig_last(bench->rig);
	struct rig_device device = board;
	struct usb_device *usb;
	struct err err;

	/* Strings, interfaces and configuration 7, for a server that lists none of them. */
	assert_string_equal(info.serial, "0039");
	assert_int_equal(info.interfaces[0].subclass, 1);
	assert_true(info.described);
	assert_int_equal(last.request, 9);
	assert_int_equal(last.value, 7);
	device.busy = true;
	usbip_rig_plug(bench->rig, &device, 1);
	assert_int_equal(usb_open(&usb, bench->bus, &info, WAIT, &err), -ERR_BUSY);
	assert_non_null(strstr(err.text, "another client"));
	device.busy = false;
	device.address = 5;
	usbip_rig_plug(bench->rig, &device, 1);
	assert_int_equal(usb_open(&usb, bench->bus, &info, WAIT, &err), -ERR_USB);
	usbip_rig_plug(bench->rig, NULL, 0);
	assert_int_equal(usb_open(&usb, bench->bus, &info, WAIT, &err), -ERR_USB);
	assert_non_null(strstr(err.remedy, "usbip bind"));
}

static void strings_that_stall(void **state)
{
	struct bench *bench = *state;
	struct rig_device device = board;
	struct usb_info info = bench->usb->info;
	_cleanup_(usb_closep) struct usb_device *usb = NULL;
	char text[USB_TEXT];
	struct err err;

	info.serial[0] = info.product[0] = info.manufacturer[0] = '\0';
	device.bad_strings = 2;
	usb_close(steal(bench->usb));
	usbip_rig_plug(bench->rig, &device, 1);
	assert_int_equal(usb_open(&usb, bench->bus, &info, WAIT, &err), 0);
	assert_string_equal(usb->info.manufacturer, "");
	assert_string_equal(usb->info.product, board.product);
	assert_int_equal(usb_string(usb, 1, text, WAIT, &err), 0);
	assert_string_equal(text, "Maker");
	assert_int_equal(usb_string(usb, 0, text, WAIT, &err), 0);
	assert_string_equal(text, "");
	assert_int_equal(usb_string(usb, 9, text, WAIT, &err), -ERR_BOARD);
}

static void control_transfers(void **state)
{
	struct bench *bench = *state;
	static uint8_t data[USB_CONTROL_SIZE];
	struct err err;
	size_t got;

	assert_int_equal(usb_control(bench->usb, (struct usb_setup){0xc0, 1, 0, 0}, data,
				     sizeof(data), NULL, WAIT, &err),
			 0);
	assert_int_equal(usb_control(bench->usb, (struct usb_setup){0xc0, 2, 3, 0}, data, 10, &got,
				     WAIT, &err),
			 0);
	assert_int_equal(got, 7);
	assert_int_equal(usb_control(bench->usb, (struct usb_setup){0xc0, 2, 3, 0}, data, 10, NULL,
				     WAIT, &err),
			 -ERR_BOARD);
	assert_int_equal(usb_control(bench->usb, (struct usb_setup){0xc0, 9, 3, 0}, data, 10, &got,
				     WAIT, &err),
			 -ERR_BOARD);
	assert_non_null(strstr(err.text, "control request c0/09"));
	assert_int_equal(usb_control(bench->usb, (struct usb_setup){0xc0, 1, 0, 0}, data,
				     sizeof(data) + 1, &got, WAIT, &err),
			 -ERR_INTERNAL);
}

static void other_operations(void **state)
{
	struct bench *bench = *state;
	struct usb_setup last;
	struct err err;

	assert_int_equal(usb_claim(bench->usb, 0, &err), 0);
	assert_int_equal(usb_set_alt(bench->usb, 1, 3, WAIT, &err), 0);
	last = usbip_rig_last(bench->rig);
	assert_int_equal(last.request_type << 8 | last.request, 0x010b);
	assert_int_equal(last.value << 8 | last.index, 0x0301);
	assert_int_equal(usb_clear_halt(bench->usb, 0x81, WAIT, &err), 0);
	last = usbip_rig_last(bench->rig);
	assert_int_equal(last.request_type << 8 | last.request, 0x0201);
	assert_int_equal(last.index, 0x81);
	assert_int_equal(usb_reset(bench->usb, WAIT, &err), 0);
	last = usbip_rig_last(bench->rig);
	assert_int_equal(last.request_type << 8 | last.request, 0x2303);
	assert_int_equal(last.value, USBIP_RESET.value);
	usb_release(bench->usb, 0);
}

static void bulk_transfers(void **state)
{
	struct bench *bench = *state;
	size_t size = 1 << 20, got, i;
	_cleanup_(freep) uint8_t *out = xmalloc(size), *in = xcalloc(1, size);
	struct err err;

	for (i = 0; i < size; i++)
		out[i] = (uint8_t)(i * 7 >> 3);
	assert_int_equal(usb_bulk(bench->usb, RIG_DATA, out, size, NULL, WAIT, &err), 0);
	assert_int_equal(usb_bulk(bench->usb, RIG_DATA | USB_IN, in, size, NULL, WAIT, &err), 0);
	assert_memory_equal(in, out, size);
	assert_int_equal(usb_bulk(bench->usb, RIG_DATA, out, 5, NULL, WAIT, &err), 0);
	assert_int_equal(usb_bulk(bench->usb, RIG_DATA | USB_IN, in, 64, &got, WAIT, &err), 0);
	assert_int_equal(got, 5);
	assert_int_equal(usb_bulk(bench->usb, RIG_STALL | USB_IN, in, 64, &got, WAIT, &err),
			 -ERR_BOARD);
	assert_non_null(strstr(err.text, "bulk endpoint 83"));
	assert_int_equal(usb_interrupt(bench->usb, RIG_DATA | USB_IN, in, 64, &got, WAIT, &err), 0);
	/* Nothing is asked of the device when there is no time. */
	assert_int_equal(usb_bulk(bench->usb, RIG_DATA | USB_IN, in, 64, &got,
				  deadline_in(DEADLINE_NEVER, 0), &err),
			 -ERR_TIMEOUT);
}

static void several_in_flight(void **state)
{
	struct bench *bench = *state;
	struct usb_transfer transfers[4] = {{0}}, *reaped;
	uint8_t data[4][64];
	struct err err;
	size_t i;

	for (i = 0; i < 4; i++) {
		transfers[i] = (struct usb_transfer){
			.type = USB_BULK,
			.endpoint = i == 0   ? RIG_SILENT | USB_IN
				    : i == 2 ? RIG_DATA | USB_IN
					     : RIG_DATA,
			.data = data[i],
			.size = 64,
		};
		memset(data[i], (int)i, sizeof(data[i]));
		assert_int_equal(usb_submit(bench->usb, &transfers[i], &err), 0);
	}
	for (i = 1; i < 4; i++) {
		assert_int_equal(usb_reap(bench->usb, &reaped, WAIT, &err), 0);
		assert_ptr_equal(reaped, &transfers[i]);
		assert_int_equal(reaped->status, 0);
		assert_int_equal(reaped->got, 64);
	}
	assert_int_equal(data[2][0], 1);
	assert_int_equal(usb_reap(bench->usb, &reaped, SOON, &err), -ERR_TIMEOUT);
	usb_cancel(bench->usb);
	assert_int_equal(usb_reap(bench->usb, &reaped, DEADLINE_NEVER, &err), 0);
	assert_ptr_equal(reaped, &transfers[0]);
	assert_int_equal(reaped->status, -ERR_CANCELLED);
	assert_int_equal(usb_reap(bench->usb, &reaped, WAIT, &err), -ERR_INTERNAL);
}

static void time_is_up(void **state)
{
	struct bench *bench = *state;
	uint8_t data[64];
	struct err err;
	size_t got;

	assert_int_equal(usb_bulk(bench->usb, RIG_SILENT | USB_IN, data, 64, &got, SOON, &err),
			 -ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "timed out"));
	/* It came just then: that counts. */
	assert_int_equal(usb_bulk(bench->usb, RIG_LATE | USB_IN, data, 64, &got, SOON, &err), 0);
	assert_int_equal(got, 3);
	assert_memory_equal(data, "end", 3);
	/* The connection is as good as before. */
	assert_int_equal(usb_bulk(bench->usb, RIG_DATA, data, 3, NULL, WAIT, &err), 0);
	/* A server that does not even give it back has lost the device for us. */
	assert_int_equal(usb_bulk(bench->usb, RIG_DEAF | USB_IN, data, 64, &got, SOON, &err),
			 -ERR_USB);
	assert_int_equal(usb_bulk(bench->usb, RIG_DATA, data, 3, NULL, WAIT, &err), -ERR_USB);
	assert_non_null(strstr(err.text, "does not give transfers back"));
}

static void hostile_answers(void **state)
{
	static const uint8_t endpoints[] = {RIG_GONE, RIG_TOO_MUCH, RIG_UNKNOWN};
	struct bench *bench = *state;
	struct usb_info info = bench->usb->info;
	uint8_t data[64];
	struct err err;
	size_t i, got;

	for (i = 0; i < ARRAY_SIZE(endpoints); i++) {
		usb_close(steal(bench->usb));
		assert_int_equal(usb_open(&bench->usb, bench->bus, &info, WAIT, &err), 0);
		assert_int_equal(
			usb_bulk(bench->usb, endpoints[i] | USB_IN, data, 64, &got, WAIT, &err),
			-ERR_USB);
		assert_int_equal(usb_claim(bench->usb, 0, &err), -ERR_USB);
		assert_int_equal(usb_await_gone(bench->usb, WAIT, &err), 0);
	}
}

static void goes_and_comes(void **state)
{
	struct bench *bench = *state;
	struct rig_device device = board;
	struct usb_info *list;
	struct err err;
	size_t count = 0;

	assert_int_equal(usb_await_gone(bench->usb, SOON, &err), -ERR_TIMEOUT);
	usbip_rig_plug(bench->rig, NULL, 0);
	assert_int_equal(usb_await_gone(bench->usb, WAIT, &err), 0);
	assert_int_equal(usb_bus_list(bench->bus, false, &list, &count, WAIT, &err), 0);
	assert_int_equal(count, 0);
	free(list);
	device.address = 9;
	usbip_rig_plug(bench->rig, &device, 1);
	while (!count) {
		assert_int_equal(usb_bus_wait(bench->bus, WAIT, &err), 0);
		assert_int_equal(usb_bus_list(bench->bus, false, &list, &count, WAIT, &err), 0);
		assert_true(!count || list[0].address == 9);
		free(list);
	}
}

static void no_server(void **state)
{
	struct bench *bench = *state;
	_cleanup_(freep) char *address = xstrdup(usbip_rig_address(bench->rig));
	struct usb_bus *bus;
	struct err err;

	usb_close(steal(bench->usb));
	usbip_rig_free(bench->rig);
	assert_int_equal(usb_bus_open(&bus, address, WAIT, &err), -ERR_NETWORK);
	assert_int_equal(usb_bus_open(&bus, "usbip://", WAIT, &err), -ERR_CONFIG);
	assert_int_equal(usb_bus_open(&bus, "lab", WAIT, &err), -ERR_CONFIG);
	bench->rig = usbip_rig_new();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test_setup_teardown(lists, set_up, tear_down),
		cmocka_unit_test_setup_teardown(opens, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strings_that_stall, set_up, tear_down),
		cmocka_unit_test_setup_teardown(control_transfers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_operations, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bulk_transfers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(several_in_flight, set_up, tear_down),
		cmocka_unit_test_setup_teardown(time_is_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hostile_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(goes_and_comes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_server, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
