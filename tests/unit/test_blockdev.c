// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "drivers/uboot/blockdev.h"

/* As a board with an eMMC, an SD card and a disk prints it; a kernel message has come in between.
 */
static const char listing[] =
	"@ loop0 /sys/devices/virtual/block/loop0 0 - 0 \n"
	"@ mmcblk0 /sys/devices/platform/bus/4f80000.mmc/mmc_host/mmc0/mmc0:0001/block/mmcblk0 "
	"61071360 - 0 \n"
	"@ mmcblk0boot0 "
	"/sys/devices/platform/bus/4f80000.mmc/mmc_host/mmc0/mmc0:0001/block/mmcblk0/mmcblk0boot0 "
	"8192 - 1 \n"
	"[   12.345678] random: crng init done\n"
	"@ mmcblk0p1 "
	"/sys/devices/platform/bus/4f80000.mmc/mmc_host/mmc0/mmc0:0001/block/mmcblk0/mmcblk0p1 "
	"2048 1 0 boot\n"
	"@ mmcblk0p2 "
	"/sys/devices/platform/bus/4f80000.mmc/mmc_host/mmc0/mmc0:0001/block/mmcblk0/mmcblk0p2 "
	"4096 2 0 root file system\n"
	"@ mmcblk1 /sys/devices/platform/bus/4fb0000.mmc/mmc_host/mmc1/mmc1:aaaa/block/mmcblk1 "
	"31116288 - 0 \n"
	"@ mmcblk1p1 "
	"/sys/devices/platform/bus/4fb0000.mmc/mmc_host/mmc1/mmc1:aaaa/block/mmcblk1/mmcblk1p1 "
	"2048 1 0 boot\n"
	"@ x;reboot /sys/devices/x 2048 - 0 \n"
	"@ vda /sys/devices/pci/virtio1/block/vda notanumber - 0 \n";

static void parses_only_devices(void **state)
{
	struct blockdevs devs;

	(void)state;
	blockdevs_parse(&devs, listing);
	assert_int_equal(devs.count, 7);
	assert_string_equal(devs.items[1].name, "mmcblk0");
	assert_int_equal(devs.items[1].bytes, 61071360ULL * 512);
	assert_true(devs.items[2].read_only);
	assert_string_equal(devs.items[4].label, "root file system");
}

static void selectors(void **state)
{
	static const struct {
		const char *selector, *name;
		int rc;
	} rows[] = {
		{"/sys/class/block#4fb0000", "mmcblk1", 0},
		{"/sys/class/block#4f80000", "mmcblk0", 0},
		{"/sys/class/block#mmc_host", NULL, -ERR_TARGET},
		{"/sys/class/block#nothing", NULL, -ERR_TARGET},
		{"/sys/class/block#virtual", NULL, -ERR_TARGET},
		{"/sys/class/block#", NULL, -ERR_CONFIG},
		{"/dev/mmcblk0", "mmcblk0", 0},
		{"/dev/mmcblk0boot0", "mmcblk0boot0", 0},
		{"/dev/mmcblk7", NULL, -ERR_TARGET},
		{"mmcblk0", NULL, -ERR_CONFIG},
		{"/dev/", NULL, -ERR_CONFIG},
	};
	const struct blockdev *dev;
	struct blockdevs devs;
	struct err err;
	size_t i;

	(void)state;
	blockdevs_parse(&devs, listing);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(blockdevs_select(&devs, rows[i].selector, &dev, &err), rows[i].rc);
		if (rows[i].name)
			assert_string_equal(dev->name, rows[i].name);
	}
}

static void an_unknown_target_lists_what_there_is(void **state)
{
	const struct blockdev *dev;
	struct blockdevs devs;
	struct err err;

	(void)state;
	blockdevs_parse(&devs, listing);
	assert_int_equal(blockdevs_select(&devs, "/dev/sda", &dev, &err), -ERR_TARGET);
	assert_string_equal(err.text, "the board has no /dev/sda");
	assert_non_null(strstr(err.remedy, "mmcblk0 (29.1 GiB, "));
	assert_null(strstr(err.remedy, "mmcblk0p1"));
}

static void labels_are_looked_up_on_one_device_only(void **state)
{
	const struct blockdev *whole, *part;
	struct blockdevs devs;
	struct err err;

	(void)state;
	blockdevs_parse(&devs, listing);
	assert_int_equal(blockdevs_select(&devs, "/dev/mmcblk1", &whole, &err), 0);
	assert_int_equal(blockdevs_partition(&devs, whole, "boot", &part, &err), 0);
	assert_string_equal(part->name, "mmcblk1p1");
	assert_int_equal(blockdevs_partition(&devs, whole, "root file system", &part, &err),
			 -ERR_TARGET);
	assert_string_equal(err.remedy, "it has: mmcblk1p1 'boot'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_only_devices),
		cmocka_unit_test(selectors),
		cmocka_unit_test(an_unknown_target_lists_what_there_is),
		cmocka_unit_test(labels_are_looked_up_on_one_device_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
