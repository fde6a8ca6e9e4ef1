// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "engine/board.h"
#include "engine/driver.h"
#include "engine/job_usb.h"
#include "engine/usb_match.h"
#include "rig/usbip_rig.h"

#define WAIT deadline_in(DEADLINE_NEVER, 20000)
#define SOON deadline_in(DEADLINE_NEVER, 150)

static const struct usb_mode rom[] = {
	{.vid = 0x0483, .pid = 0xdf11, .product = "@Device ID", .family = "STM32", .mode = "ROM"},
	{0},
};
static const struct usb_mode loader[] = {
	{.vid = 0x0483, .pid = 0x5720, .family = "STM32", .mode = "loader"},
	{.interface = {0xff, 0x42, 3}, .family = "any", .mode = "fastboot"},
	{0},
};

static const struct driver usb_driver = {.name = "usb", .summary = "by USB", .usb_modes = loader};
static const struct driver *const drivers[] = {&usb_driver, NULL};

static const struct rig_device in_rom = {
	.busid = "1-2",
	.address = 4,
	.vid = 0x0483,
	.pid = 0xdf11,
	.product = "DFU @Device ID /0x500",
	.serial = "0039",
	.interface = {0xfe, 1, 2},
	.unconfigured = true,
};
static const struct rig_device in_loader = {
	.busid = "1-2",
	.address = 5,
	.vid = 0x0483,
	.pid = 0x5720,
	.product = "USB download gadget",
	.interface = {8, 6, 0x50},
};

struct bench {
	struct usbip_rig *rig;
	struct boards boards;
	struct job job;
};

static void load(struct boards *boards, const char *text)
{
	struct err err;

	if (boards_load_text(boards, "lab/b.yaml", text, strlen(text), drivers, &err) < 0)
		fail_msg("%s", err.text);
}

/* A board on port 1-2 of the rig, with more keys of `usb` in `more`. */
static void begin(struct bench *bench, const char *more)
{
	_cleanup_(freep) char *text = xasprintf("{name: b, driver: usb, usb: {path: '%s/1-2'%s}}",
						usbip_rig_address(bench->rig), more);

	load(&bench->boards, text);
	bench->job.board = bench->boards.items;
}

static int set_up(void **state)
{
	struct bench *bench = xcalloc(1, sizeof(*bench));

	bench->rig = usbip_rig_new();
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	job_usb_free(&bench->job);
	boards_free(&bench->boards);
	usbip_rig_free(bench->rig);
	free(bench);
	return 0;
}

static void follows_its_port(void **state)
{
	struct bench *bench = *state;
	struct rig_device devices[2] = {in_rom, in_rom};
	struct usb_info info;
	struct err err;

	/* Another board of the same kind is beside it. */
	devices[0].busid = "1-1";
	devices[0].serial = "0040";
	usbip_rig_plug(bench->rig, devices, 2);
	begin(bench, "");
	assert_int_equal(job_usb_look(&bench->job, rom, &info, WAIT, &err), 0);
	assert_string_equal(info.serial, "0039");
	assert_null(bench->job.usb);
	assert_int_equal(job_usb_open(&bench->job, rom, WAIT, &err), 0);
	assert_string_equal(bench->job.usb->info.serial, "0039");
	/* The next stage has other ids and no serial number. */
	devices[1] = in_loader;
	usbip_rig_plug(bench->rig, devices, 2);
	assert_int_equal(job_usb_reopen(&bench->job, loader, WAIT, &err), 0);
	assert_int_equal(bench->job.usb->info.address, 5);
	/* And the one after that another serial number. */
	devices[1] = in_rom;
	devices[1].address = 6;
	devices[1].serial = "0000";
	usbip_rig_plug(bench->rig, devices, 2);
	assert_int_equal(job_usb_reopen(&bench->job, rom, WAIT, &err), 0);
	assert_string_equal(bench->job.usb->info.serial, "0000");
}

static void does_not_leave(void **state)
{
	struct bench *bench = *state;
	struct err err;

	usbip_rig_plug(bench->rig, &in_rom, 1);
	begin(bench, "");
	assert_int_equal(job_usb_open(&bench->job, rom, WAIT, &err), 0);
	assert_int_equal(job_usb_reopen(&bench->job, rom, SOON, &err), -ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "does not leave the bus"));
	/* Closed before: then what has the same address is still what was to go. */
	job_usb_close(&bench->job);
	assert_int_equal(job_usb_reopen(&bench->job, rom, SOON, &err), -ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "not attached as STM32 ROM"));
	assert_non_null(strstr(err.text, "0483:df11"));
}

static void does_not_come_back(void **state)
{
	struct bench *bench = *state;
	struct rig_device other = in_rom;
	struct err err;

	usbip_rig_plug(bench->rig, &in_rom, 1);
	begin(bench, "");
	assert_int_equal(job_usb_open(&bench->job, rom, WAIT, &err), 0);
	/* What is there instead is told. */
	other.busid = "1-3";
	other.vid = 0x1234;
	usbip_rig_plug(bench->rig, &other, 1);
	assert_int_equal(job_usb_reopen(&bench->job, loader, SOON, &err), -ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "STM32 loader or any fastboot"));
	assert_non_null(strstr(err.text, "/1-3 1234:df11"));
	assert_non_null(strstr(err.remedy, "boot switches"));
}

static void is_not_there(void **state)
{
	struct bench *bench = *state;
	struct usb_info info;
	struct err err;

	usbip_rig_plug(bench->rig, &in_loader, 1);
	begin(bench, "");
	assert_int_equal(job_usb_look(&bench->job, rom, &info, WAIT, &err), -ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "0483:5720"));
	usbip_rig_plug(bench->rig, NULL, 0);
	assert_int_equal(job_usb_look(&bench->job, rom, &info, WAIT, &err), -ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "attached are: nothing"));
	assert_int_equal(job_usb_open(&bench->job, rom, SOON, &err), -ERR_TIMEOUT);
}

static void wrong_board_on_its_port(void **state)
{
	struct bench *bench = *state;
	struct usb_info info;
	unsigned int imports;
	struct err err;

	usbip_rig_plug(bench->rig, &in_rom, 1);
	begin(bench, ", serial: '0041'");
	assert_int_equal(job_usb_look(&bench->job, rom, &info, WAIT, &err), -ERR_NOT_FOUND);
	imports = usbip_rig_imports(bench->rig);
	assert_int_equal(job_usb_open(&bench->job, rom, SOON, &err), -ERR_TIMEOUT);
	/* It was asked once, not again and again. */
	assert_int_equal(usbip_rig_imports(bench->rig), imports + 1);
}

static void strings_come_late(void **state)
{
	struct bench *bench = *state;
	struct rig_device device = in_rom;
	struct err err;

	device.bad_strings = 3;
	usbip_rig_plug(bench->rig, &device, 1);
	begin(bench, "");
	assert_int_equal(job_usb_open(&bench->job, rom, WAIT, &err), 0);
	assert_string_equal(bench->job.usb->info.product, in_rom.product);
	/* Never: then it is not what is looked for. */
	job_usb_close(&bench->job);
	device.product = NULL;
	device.address = 9;
	usbip_rig_plug(bench->rig, &device, 1);
	assert_int_equal(job_usb_open(&bench->job, rom, deadline_in(DEADLINE_NEVER, 1500), &err),
			 -ERR_TIMEOUT);
}

static void is_busy_for_a_moment(void **state)
{
	struct bench *bench = *state;
	struct rig_device device = in_rom;
	struct usb_info info;
	struct err err;

	device.busy = true;
	usbip_rig_plug(bench->rig, &device, 1);
	begin(bench, "");
	assert_int_equal(job_usb_look(&bench->job, rom, &info, WAIT, &err), -ERR_BUSY);
	assert_non_null(strstr(err.text, "another client"));
	assert_int_equal(job_usb_open(&bench->job, rom, SOON, &err), -ERR_TIMEOUT);
	usbip_rig_plug(bench->rig, &in_rom, 1);
	assert_int_equal(job_usb_open(&bench->job, rom, WAIT, &err), 0);
}

static void is_traced(void **state)
{
	struct bench *bench = *state;
	char name[] = "/tmp/aboard-test-XXXXXX";
	_cleanup_(freep) char *more = NULL;
	_cleanup_(buf_free) struct buf log = {0};
	uint8_t data[8] = "ping";
	struct err err;

	close(mkstemp(name));
	more = xasprintf(", trace: '%s'", name);
	usbip_rig_plug(bench->rig, &in_rom, 1);
	begin(bench, more);
	assert_int_equal(job_usb_open(&bench->job, rom, WAIT, &err), 0);
	assert_int_equal(usb_bulk(bench->job.usb, RIG_DATA, data, 4, NULL, WAIT, &err), 0);
	job_usb_close(&bench->job);
	assert_int_equal(path_read(name, 4096, &log, &err), 0);
	unlink(name);
	assert_non_null(strstr(buf_text(&log), "id 0483:df11 0100\n"));
	assert_non_null(strstr(buf_text(&log), "serial 0039\n"));
	assert_non_null(strstr(buf_text(&log), " bulk 01 4 70696e67 = ok 4 -\n"));
}

/* Which of a list is the board: pure. */

static struct usb_info attached(const char *path, unsigned int address, uint16_t pid,
				const char *serial)
{
	struct usb_info info = {.address = address, .vid = 0x0483, .pid = pid, .described = true};

	snprintf(info.path, sizeof(info.path), "%s", path);
	snprintf(info.serial, sizeof(info.serial), "%s", serial);
	return info;
}

static void modes(void **state)
{
	struct usb_info info = attached("usb:1-1", 3, 0xdf11, "");

	(void)state;
	assert_false(usb_mode_match(&rom[0], &info));
	assert_int_equal(usb_modes_fit(rom, &info), USB_FIT_MAYBE);
	snprintf(info.product, sizeof(info.product), "STM32 BOOTLOADER");
	assert_int_equal(usb_modes_fit(rom, &info), USB_FIT_NO);
	snprintf(info.product, sizeof(info.product), "DFU @Device ID /0x501");
	assert_ptr_equal(usb_mode_find(rom, &info), &rom[0]);
	assert_null(usb_mode_find(loader, &info));
	info.interfaces[1] = (struct usb_class){0xff, 0x42, 3};
	info.interface_count = 2;
	assert_ptr_equal(usb_mode_find(loader, &info), &loader[1]);
	info.interfaces[1].protocol = 2;
	assert_null(usb_mode_find(loader, &info));
	info.interface_count = 0;
	info.described = false;
	assert_int_equal(usb_modes_fit(loader, &info), USB_FIT_MAYBE);
}

static void first_sight(void **state)
{
	static const struct {
		const char *usb;
		int rc;
		int chosen; /* -1: none */
	} rows[] = {
		{"", -ERR_CONFIG, -1},
		{"usb: {trace: log}", -ERR_CONFIG, -1},
		{"usb: {serial: A}", 0, 0},
		{"usb: {serial: C}", 0, -1},
		{"usb: {path: 'usb:1-2'}", 0, 1},
		{"usb: 'usb:1-3'", 0, 2},
		{"usb: {path: 'usb:1-3', serial: Z}", 0, 2}, /* a stage without serial number */
		{"usb: {path: 'usb:1-2', serial: A}", 0, -1},
		{"usb: {id: '0483:5720'}", -ERR_CONFIG, -1},
		{"usb: {id: '0483:5721'}", 0, -1},
		{"usb: {id: '0483:5720', serial: B}", 0, 1},
		{"usb: {path: 'usb:2-1'}", 0, -1},
	};
	const struct usb_info list[] = {
		attached("usb:1-1", 3, 0x5720, "A"),
		attached("usb:1-2", 4, 0x5720, "B"),
		attached("usb:1-3", 5, 0x5720, ""),
		attached("usb:2-1", 2, 0x0001, "A"),
	};
	const struct usb_info *chosen;
	struct usb_known known = {0};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *text = xasprintf("name: b\ndriver: usb\n%s\n", rows[i].usb);
		struct boards boards;
		int rc;

		load(&boards, text);
		rc = usb_known_choose(&known, boards.items, loader, list, 4, &chosen, &err);
		assert_int_equal(rc, rows[i].rc);
		assert_ptr_equal(chosen, rows[i].chosen < 0 ? NULL : &list[rows[i].chosen]);
		assert_true(rc == 0 || strstr(err.remedy, "usb:1-1"));
		boards_free(&boards);
	}
}

static void followed(void **state)
{
	struct usb_info first[] = {
		attached("usb:1-1", 3, 0x5720, "A"),
		attached("usb:1-2", 4, 0x5720, "B"),
	};
	struct usb_info later[] = {
		attached("usb:1-2", 4, 0x5720, "B"),
		attached("usb:2-1", 2, 0x5720, "A"), /* the same plug, at another speed */
		attached("usb:1-1", 7, 0x5720, "X"),
	};
	const struct usb_info *chosen;
	struct usb_known known = {0};
	struct err err;

	(void)state;
	usb_known_set(&known, &first[0], xmemdup(first, sizeof(first)), 2);
	assert_true(known.unique);
	assert_int_equal(usb_known_choose(&known, NULL, loader, later, 2, &chosen, &err), 0);
	assert_ptr_equal(chosen, &later[1]);
	/* Its own port comes first, with whatever serial number. */
	assert_int_equal(usb_known_choose(&known, NULL, loader, later, 3, &chosen, &err), 0);
	assert_ptr_equal(chosen, &later[2]);
	/* What was beside it all the time never is it. */
	assert_int_equal(usb_known_choose(&known, NULL, loader, later, 1, &chosen, &err), 0);
	assert_null(chosen);
	/* A number that others have, too, tells nothing. */
	memcpy(first[1].serial, "A", 2);
	usb_known_set(&known, &first[0], xmemdup(first, sizeof(first)), 2);
	assert_false(known.unique);
	assert_int_equal(usb_known_choose(&known, NULL, loader, later, 2, &chosen, &err), 0);
	assert_null(chosen);
	usb_known_free(&known);
}

static void keys(void **state)
{
	static const struct {
		const char *usb, *error;
	} rows[] = {
		{"usb: 1-2", "lab/b.yaml:3:6: '1-2' is not the path of a USB device"},
		{"usb: {path: 'usb:x'}", "lab/b.yaml:3:13: "},
		{"usb: {id: 483:df11}", "lab/b.yaml:3:11: '483:df11' is no VID:PID"},
		{"usb: {id: '0483-df11'}", "no VID:PID"},
		{"usb: {serial: ''}", "lab/b.yaml:3:15: 'serial' is empty"},
		{"usb: {port: 3}", "port"},
		{"usb: {}", "does not say which device"},
	};
	struct boards boards;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *text = xasprintf("name: b\ndriver: usb\n%s\n", rows[i].usb);

		assert_int_equal(
			boards_load_text(&boards, "lab/b.yaml", text, strlen(text), drivers, &err),
			-ERR_CONFIG);
		if (!strstr(err.text, rows[i].error))
			fail_msg("%s: %s", rows[i].usb, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(follows_its_port, set_up, tear_down),
		cmocka_unit_test_setup_teardown(does_not_leave, set_up, tear_down),
		cmocka_unit_test_setup_teardown(does_not_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_board_on_its_port, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strings_come_late, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_busy_for_a_moment, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_traced, set_up, tear_down),
		cmocka_unit_test(modes),
		cmocka_unit_test(first_sight),
		cmocka_unit_test(followed),
		cmocka_unit_test(keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
