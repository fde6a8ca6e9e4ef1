// SPDX-License-Identifier: MIT
/* Power by USB: YKUSH and hubs, against models behind a real USB/IP connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "power/usb_hub.h"
#include "rig/usbip_rig.h"

#define WAIT deadline_in(DEADLINE_NEVER, 20000)

/* A switch with its settings. */
struct set {
	struct yaml **tree;
	size_t count;
	struct power *power;
};

static int set_open(struct set *set, const char *text, struct err *err)
{
	*set = (struct set){0};
	if (yaml_parse("b.yaml", text, strlen(text), &set->tree, &set->count, err) < 0)
		fail_msg("%s", err->text);
	return power_open(&set->power, "b", set->tree[0], NULL, err);
}

static void set_close(struct set *set)
{
	power_close(set->power);
	yaml_free_all(set->tree, set->count);
}

static enum power_state state_of(struct set *set)
{
	enum power_state state;
	struct err err;

	if (power_get(set->power, &state, WAIT, &err) < 0)
		fail_msg("%s", err.text);
	return state;
}

/* A YKUSH: ports whose power is a bit. */
struct ykush {
	unsigned int powered; /* bit 1: port 1 ... */
	unsigned int ports;
	bool refuses;
};

static void report(void *context, uint8_t *data)
{
	struct ykush *ykush = context;
	unsigned int command = data[0], port = command & 0x0f, bit = 1U << port;
	unsigned int all = ykush->ports == 3 ? 0x0e : 0;

	memset(data, 0, 64);
	if (ykush->refuses || ((command & 0x0f) == 0x0a ? !all : !port || port > ykush->ports))
		return;
	data[0] = 1;
	data[1] = (uint8_t)command;
	if (port == 0x0a)
		bit = all;
	if (command >> 4 == 1)
		ykush->powered |= bit;
	else if (command >> 4 == 0)
		ykush->powered &= ~bit;
	else
		data[1] = (uint8_t)((ykush->powered & bit ? 0x10 : 0) | port);
}

static const struct rig_device ykush_device = {
	.busid = "3-1",
	.address = 2,
	.vid = 0x04d8,
	.pid = 0xf2f7,
	.serial = "YK21990",
	.interface = {3, 0, 0},
	.report = report,
};

static char *ykush_text(struct usbip_rig *rig, const char *keys)
{
	return xasprintf("{type: ykush, path: '%s/3-1', %s}", usbip_rig_address(rig), keys);
}

static void ykush_ports(void **state)
{
	_cleanup_(usbip_rig_freep) struct usbip_rig *rig = usbip_rig_new();
	struct ykush model = {.powered = 0x0e, .ports = 3};
	struct rig_device device = ykush_device;
	_cleanup_(freep) char *one = ykush_text(rig, "port: 2"),
			      *all = ykush_text(rig, "port: all");
	struct set two, whole;
	struct err err;

	(void)state;
	device.context = &model;
	usbip_rig_plug(rig, &device, 1);
	assert_int_equal(set_open(&two, one, &err), 0);
	assert_int_equal(set_open(&whole, all, &err), 0);
	assert_int_equal(state_of(&two), POWER_ON);
	assert_int_equal(state_of(&whole), POWER_ON);
	assert_int_equal(power_set(two.power, false, WAIT, &err), 0);
	assert_int_equal(model.powered, 0x0a);
	assert_int_equal(state_of(&two), POWER_OFF);
	assert_int_equal(state_of(&whole), POWER_UNKNOWN);
	assert_int_equal(power_set(whole.power, false, WAIT, &err), 0);
	assert_int_equal(model.powered, 0);
	assert_int_equal(state_of(&whole), POWER_OFF);
	assert_int_equal(power_set(two.power, true, WAIT, &err), 0);
	assert_int_equal(model.powered, 0x04);
	model.refuses = true;
	assert_int_equal(power_set(two.power, false, WAIT, &err), -ERR_POWER);
	assert_non_null(strstr(err.text, "refuses the command 0x02"));
	usbip_rig_plug(rig, NULL, 0);
	assert_int_equal(power_set(two.power, false, WAIT, &err), -ERR_NOT_FOUND);
	set_close(&two);
	set_close(&whole);
}

static void ykush_xs(void **state)
{
	_cleanup_(usbip_rig_freep) struct usbip_rig *rig = usbip_rig_new();
	struct ykush model = {.powered = 0x02, .ports = 1};
	struct rig_device device = ykush_device;
	_cleanup_(freep) char *all = ykush_text(rig, "port: all, serial: YK21990"),
			      *two = ykush_text(rig, "port: 2");
	struct set set;
	struct err err;

	(void)state;
	device.pid = 0xf0cd;
	device.context = &model;
	usbip_rig_plug(rig, &device, 1);
	assert_int_equal(set_open(&set, all, &err), 0);
	assert_int_equal(power_set(set.power, false, WAIT, &err), 0);
	assert_int_equal(model.powered, 0);
	set_close(&set);
	assert_int_equal(set_open(&set, two, &err), 0);
	assert_int_equal(power_set(set.power, false, WAIT, &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "only 1 port"));
	set_close(&set);
}

/* A hub. */
struct hub {
	unsigned int powered;  /* bit 1: port 1 ... */
	unsigned int stubborn; /* so many requests to switch off do nothing */
	uint8_t characteristics;
	bool super, container;
};

static int hub_control(void *context, struct usb_setup setup, uint8_t *out)
{
	struct hub *hub = context;
	unsigned int bit = 1U << setup.index;
	uint8_t descriptor[] = {9, hub->super ? 0x2a : 0x29, 4, hub->characteristics, 0, 50, 0, 0,
				0};
	uint8_t bos[] = {5,   15,  25,  0,   1,   20,  16,  4,   0,   'c', 'o', 'n', 't',
			 'a', 'i', 'n', 'e', 'r', '-', 'o', 'f', '-', 'i', 't', 's'};

	if (setup.request_type == 0xa0 && setup.value == descriptor[1] << 8) {
		memcpy(out, descriptor, sizeof(descriptor));
		return sizeof(descriptor);
	}
	if (setup.request_type == 0x80 && setup.value == 0x0f00 && hub->container) {
		memcpy(out, bos, sizeof(bos));
		return sizeof(bos);
	}
	if (setup.request_type == 0xa3) {
		memset(out, 0, 4);
		if (hub->powered & bit)
			out[1] = hub->super ? 2 : 1;
		return 4;
	}
	if (setup.request_type != 0x23 || setup.value != 8)
		return RIG_STANDARD;
	if (setup.request == 3)
		hub->powered |= bit;
	else if (hub->stubborn > 0)
		hub->stubborn--;
	else
		hub->powered &= ~bit;
	return 0;
}

static struct rig_device hub_device(const char *busid, struct hub *hub)
{
	return (struct rig_device){
		.busid = busid,
		.address = 2,
		.vid = 0x2109,
		.pid = 0x2817,
		.class = {9, 0, 1},
		.interface = {9, 0, 1},
		.speed = hub->super ? USB_SPEED_SUPER : USB_SPEED_HIGH,
		.control = hub_control,
		.context = hub,
	};
}

static void hubs_and_their_twins(void **state)
{
	_cleanup_(usbip_rig_freep) struct usbip_rig *rig = usbip_rig_new();
	struct hub high = {.powered = 0x1e, .characteristics = 1, .container = true, .stubborn = 2};
	struct hub super = {
		.powered = 0x1e, .characteristics = 1, .container = true, .super = true};
	struct hub other = {.powered = 0x1e, .characteristics = 1, .super = true};
	const struct rig_device devices[] = {hub_device("1-2", &high), hub_device("2-4", &other),
					     hub_device("2-2", &super)};
	_cleanup_(freep) char *text =
		xasprintf("{type: usb-hub, hub: '%s/1-2', port: 3}", usbip_rig_address(rig));
	struct set set;
	struct err err;

	(void)state;
	usbip_rig_plug(rig, devices, 3);
	assert_int_equal(set_open(&set, text, &err), 0);
	assert_int_equal(state_of(&set), POWER_ON);
	assert_int_equal(power_set(set.power, false, WAIT, &err), 0);
	assert_int_equal(high.powered, 0x16);
	assert_int_equal(super.powered, 0x16);
	assert_int_equal(other.powered, 0x1e);
	assert_int_equal(state_of(&set), POWER_OFF);
	super.powered = 0x1e;
	assert_int_equal(state_of(&set), POWER_ON);
	assert_int_equal(power_set(set.power, true, WAIT, &err), 0);
	assert_int_equal(high.powered, 0x1e);
	set_close(&set);
}

static void hubs_that_cannot(void **state)
{
	_cleanup_(usbip_rig_freep) struct usbip_rig *rig = usbip_rig_new();
	struct hub ganged = {.powered = 0x1e}, single = {.powered = 0x1e, .characteristics = 1};
	struct hub stuck = {.powered = 0x1e, .characteristics = 1, .stubborn = 1000};
	const struct rig_device devices[] = {hub_device("1-1", &ganged), hub_device("1-2", &single),
					     hub_device("1-3", &stuck)};
	static const struct {
		const char *hub;
		int rc;
		const char *error;
	} rows[] = {
		{"1-1', port: 1", -ERR_POWER, "single ports"},
		{"1-2', port: 5", -ERR_CONFIG, "has 4 ports"},
		{"1-4', port: 1", -ERR_NOT_FOUND, "not attached"},
		{"1-3', timeout: 1s, port: 1", -ERR_POWER, "still reads as on"},
	};
	struct set set;
	struct err err;
	size_t i;

	(void)state;
	usbip_rig_plug(rig, devices, 3);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *text = xasprintf("{type: usb-hub, hub: '%s/%s}",
							usbip_rig_address(rig), rows[i].hub);

		assert_int_equal(set_open(&set, text, &err), 0);
		assert_int_equal(power_set(set.power, false, WAIT, &err), rows[i].rc);
		if (!strstr(err.text, rows[i].error))
			fail_msg("%s", err.text);
		set_close(&set);
	}
	assert_int_equal(ganged.powered & single.powered, 0x1e);
}

static void settings(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"{type: ykush, port: 4}", "b.yaml:1:21: 'port' must be 1, 2, 3 or all"},
		{"{type: ykush, port: 0}", "'port' must be"},
		{"{type: ykush}", "port"},
		{"{type: ykush, port: 1, path: x}", "b.yaml:1:30: 'x' is not the path"},
		{"{type: usb-hub, port: 1}", "hub"},
		{"{type: usb-hub, hub: 1-2, port: 0}", "'port' must be 1 to 31"},
		{"{type: usb-hub, hub: 1-, port: 1}", "b.yaml:1:22: 'usb:1-' is not the path"},
		{"{type: usb-hub, hub: usb0, port: 1}", "is not the path"},
	};
	struct set set;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(set_open(&set, rows[i].text, &err), -ERR_CONFIG);
		if (!strstr(err.text, rows[i].error))
			fail_msg("%s: %s", rows[i].text, err.text);
		set_close(&set);
	}
}

/* The kernel's own files, in a folder of the test. */

static void put(const char *folder, const char *name)
{
	_cleanup_(freep) char *path = path_join(folder, name), *below = path_folder(path);
	struct err err;

	assert_int_equal(path_make_folder(below, &err), 0);
	assert_int_equal(path_write(path, "0\n", 2, 0600, &err), 0);
}

static void files_of_the_kernel(void **state)
{
	char folder[] = "/tmp/aboard-test-XXXXXX";
	_cleanup_(freep) char *file = NULL, *root = NULL, *twin = NULL, *link = NULL;
	enum power_state power;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	put(folder, "1-2:1.0/1-2-port3/disable");
	put(folder, "1-0:1.0/usb1-port4/disable");
	put(folder, "2-2:1.0/2-2-port3/disable");
	file = hub_port_file(folder, "1-2", 3);
	root = hub_port_file(folder, "usb1", 4);
	assert_true(file && root);
	assert_null(hub_port_file(folder, "1-2", 4));
	assert_null(hub_twin_file(folder, "1-2", 3));
	link = path_join(folder, "1-2:1.0/1-2-port3/peer");
	assert_int_equal(symlink("../../2-2:1.0/2-2-port3", link), 0);
	twin = hub_twin_file(folder, "1-2", 3);
	assert_non_null(twin);
	assert_int_equal(hub_file_get(file, &power, &err), 0);
	assert_int_equal(power, POWER_ON);
	assert_int_equal(hub_file_set(file, false, &err), 0);
	assert_int_equal(hub_file_get(file, &power, &err), 0);
	assert_int_equal(power, POWER_OFF);
	assert_int_equal(hub_file_set(file, true, &err), 0);
	assert_int_equal(hub_file_get(file, &power, &err), 0);
	assert_int_equal(power, POWER_ON);
	assert_int_equal(hub_file_set(folder, true, &err), -ERR_POWER);
	assert_int_equal(path_write(file, "?\n", 2, 0600, &err), 0);
	assert_int_equal(hub_file_get(file, &power, &err), -ERR_POWER);
	assert_int_equal(path_remove_tree(folder, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ykush_ports),
		cmocka_unit_test(ykush_xs),
		cmocka_unit_test(hubs_and_their_twins),
		cmocka_unit_test(hubs_that_cannot),
		cmocka_unit_test(settings),
		cmocka_unit_test(files_of_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
