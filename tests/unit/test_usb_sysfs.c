// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "io/usb_local.h"

static int set_up(void **state)
{
	char name[] = "/tmp/aboard-test-XXXXXX";

	*state = mkdtemp(name) ? xstrdup(name) : NULL;
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	struct err err;
	int rc = path_remove_tree(*state, &err);

	free(*state);
	return rc;
}

static void put(const char *folder, const char *device, const char *name, const void *data,
		size_t size)
{
	_cleanup_(freep) char *below = path_join(folder, device), *path = path_join(below, name);
	struct err err;

	assert_int_equal(path_make_folder(below, &err), 0);
	assert_int_equal(path_write(path, data, size, 0600, &err), 0);
}

static void put_text(const char *folder, const char *device, const char *name, const char *text)
{
	put(folder, device, name, text, strlen(text));
}

static const uint8_t descriptors[] = {
	18,
	1,
	0,
	2,
	0xef,
	2,
	1,
	64,
	0x83,
	0x04,
	0x11,
	0xdf,
	0,
	2,
	1,
	2,
	3,
	2,
	/* configuration 1, not the active one */
	9,
	2,
	18,
	0,
	1,
	1,
	0,
	0xc0,
	50,
	9,
	4,
	0,
	0,
	0,
	3,
	0,
	0,
	0,
	/* configuration 2: two alternate settings, and another interface */
	9,
	2,
	36,
	0,
	2,
	2,
	0,
	0xc0,
	50,
	9,
	4,
	0,
	0,
	0,
	0xfe,
	1,
	2,
	4,
	9,
	4,
	0,
	1,
	0,
	0xfe,
	1,
	2,
	5,
	9,
	4,
	1,
	0,
	0,
	0xff,
	0x42,
	3,
	0,
};

static void put_device(const char *folder, const char *name, const char *number)
{
	put(folder, name, "descriptors", descriptors, sizeof(descriptors));
	put_text(folder, name, "busnum", "1\n");
	put_text(folder, name, "devnum", number);
	put_text(folder, name, "bConfigurationValue", "2\n");
	put_text(folder, name, "speed", "480\n");
}

static void reads_a_device(void **state)
{
	_cleanup_(usb_list_free) struct usb_list list = {0};
	const char *folder = *state;
	const struct usb_info *info;
	struct err err;

	put_device(folder, "1-2.3", "14\n");
	put_text(folder, "1-2.3", "product", "DFU \xc3\xa4\x1b mode\n");
	put_text(folder, "1-2.3", "serial", "0039\n");
	put_device(folder, "usb1", "1\n");
	put_device(folder, "1-2.3:2.0", "1\n");
	put_text(folder, "1-4", "busnum", "1\n"); /* half gone */
	assert_int_equal(usb_sysfs_list(folder, &list, &err), 0);
	assert_int_equal(list.count, 1);
	info = list.items;
	assert_string_equal(info->path, "usb:1-2.3");
	assert_string_equal(info->node, "/dev/bus/usb/001/014");
	assert_int_equal(info->address, 14);
	assert_int_equal(info->vid, 0x0483);
	assert_int_equal(info->pid, 0xdf11);
	assert_int_equal(info->release, 0x0200);
	assert_int_equal(info->speed, USB_SPEED_HIGH);
	assert_int_equal(info->device.class, 0xef);
	assert_int_equal(info->interface_count, 2);
	assert_int_equal(info->interfaces[0].class, 0xfe);
	assert_int_equal(info->interfaces[1].subclass, 0x42);
	assert_string_equal(info->product, "DFU \xc3\xa4? mode");
	assert_string_equal(info->serial, "0039");
	assert_string_equal(info->manufacturer, "");
	assert_true(info->described);
	assert_false(info->denied);
}

static void reads_what_is_damaged(void **state)
{
	const char *folder = *state;
	char text[200];
	struct err err;
	size_t size;

	put_device(folder, "2-1", "3\n");
	memset(text, 'x', 126);
	memcpy(text + 126, "\xe2\x82\xac more\n", 10); /* a character that has no room */
	put_text(folder, "2-1", "serial", text);
	put_text(folder, "2-1", "speed", "12 parsecs\n");
	for (size = 0; size < sizeof(descriptors); size++) {
		_cleanup_(usb_list_free) struct usb_list list = {0};

		put(folder, "2-1", "descriptors", descriptors, size);
		assert_int_equal(usb_sysfs_list(folder, &list, &err), 0);
		assert_int_equal(list.count, size >= 18);
		assert_true(size < 18 || list.items[0].interface_count == 0);
		assert_true(size < 18 || strlen(list.items[0].serial) == 126);
		assert_true(size < 18 || list.items[0].speed == USB_SPEED_UNKNOWN);
	}
}

static void no_usb_at_all(void **state)
{
	_cleanup_(freep) char *missing = path_join(*state, "missing");
	_cleanup_(usb_list_free) struct usb_list list = {0};
	struct err err;

	assert_int_equal(usb_sysfs_list(missing, &list, &err), 0);
	assert_int_equal(list.count, 0);
}

/* On whatever machine this runs: a list, and waits that end. */
static void this_machine(void **state)
{
	_cleanup_(usb_bus_closep) struct usb_bus *bus = NULL;
	struct usb_info gone = {.path = "usb:1-1", .node = "/dev/bus/usb/999/999"}, *list;
	struct usb_device *usb;
	struct usb_bus *other;
	struct err err;
	size_t count;

	(void)state;
	assert_int_equal(usb_bus_open(&bus, NULL, DEADLINE_NEVER, &err), 0);
	assert_int_equal(usb_bus_list(bus, true, &list, &count, DEADLINE_NEVER, &err), 0);
	free(list);
	assert_int_equal(
		usb_bus_list(bus, true, &list, &count, deadline_in(DEADLINE_NEVER, 0), &err),
		-ERR_TIMEOUT);
	assert_int_equal(usb_open(&usb, bus, &gone, DEADLINE_NEVER, &err), -ERR_USB);
	assert_null(usb);
	assert_int_equal(usb_bus_open(&other, "usb:1", DEADLINE_NEVER, &err), -ERR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_a_device, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reads_what_is_damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_usb_at_all, set_up, tear_down),
		cmocka_unit_test(this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
