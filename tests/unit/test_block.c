// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "io/block.h"
#include "rig/stream_rig.h"

/* A sysfs, a procfs and a /dev in a folder. */
struct tree {
	char *folder, *sys, *proc, *dev;
	struct block_roots roots;
};

static void put(const char *folder, const char *name, const char *text)
{
	_cleanup_(freep) char *path = path_join(folder, name);
	_cleanup_(freep) char *above = path_folder(path);
	struct err err;

	if (path_make_folder(above, &err) < 0 ||
	    path_write(path, text, strlen(text), 0644, &err) < 0)
		fail_msg("%s", err.text);
}

static int tree_setup(void **state)
{
	struct tree *tree = xcalloc(1, sizeof(*tree));
	void *folder;

	if (folder_setup(&folder) < 0)
		return -1;
	tree->folder = folder;
	tree->sys = path_join(folder, "sys");
	tree->proc = path_join(folder, "proc");
	tree->dev = path_join(folder, "dev");
	tree->roots = (struct block_roots){tree->sys, tree->proc, tree->dev};
	put(tree->proc, "self/mountinfo", "21 1 253:0 / / rw - ext4 /dev/vda rw\n");
	put(tree->proc, "swaps", "Filename\tType\tSize\n/dev/vdb partition 100\n");
	*state = tree;
	return 0;
}

static int tree_teardown(void **state)
{
	struct tree *tree = *state;
	void *folder = tree->folder;
	int rc = folder_teardown(&folder);

	free(tree->sys);
	free(tree->proc);
	free(tree->dev);
	free(tree);
	return rc;
}

#define PORT_A "bus/usb/devices/1-2.3/"
#define PORT_B "bus/usb/devices/1-2.4/"

static void put_at(const struct tree *tree, const char *where, const char *name, const char *text)
{
	_cleanup_(freep) char *path = path_join(where, name);

	put(tree->sys, path, text);
}

/* One logical unit of an interface: a disk with one partition. */
static void plug(const struct tree *tree, const char *interface, const char *scsi, const char *disk,
		 const char *sectors)
{
	_cleanup_(freep) char *unit = xasprintf("%s/host6/target6:0:0/%s", interface, scsi);
	_cleanup_(freep) char *block = xasprintf("%s/block/%s", unit, disk);
	_cleanup_(freep) char *dev = xasprintf("8:%d\n", 16 * (disk[2] - 'a'));
	_cleanup_(freep) char *part = xasprintf("%s/%s1", block, disk);
	_cleanup_(freep) char *part_dev = xasprintf("8:%d\n", 16 * (disk[2] - 'a') + 1);

	put_at(tree, interface, "bInterfaceClass", "08\n");
	put_at(tree, interface, "bInterfaceSubClass", "06\n");
	put_at(tree, interface, "bInterfaceProtocol", "50\n");
	put_at(tree, unit, "vendor", "Linux   \n");
	put_at(tree, unit, "model", "UMS disk 0      \n");
	put_at(tree, block, "size", sectors);
	put_at(tree, block, "ro", "0\n");
	put_at(tree, block, "dev", dev);
	put_at(tree, block, "queue/logical_block_size", "512\n");
	put_at(tree, part, "dev", part_dev);
	put_at(tree, part, "partition", "1\n");
}

static struct block_info find_one(const struct tree *tree, const char *port)
{
	struct block_info list[BLOCK_LUNS];
	struct err err;
	size_t count;

	if (block_find(&tree->roots, port, list, &count, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(count, 1);
	return list[0];
}

/* Two boards alike: each port has its own disk, and only that. */
static void ports(void **state)
{
	struct tree *tree = *state;
	struct block_info list[BLOCK_LUNS], info;
	struct err err;
	size_t count;

	plug(tree, PORT_A "1-2.3:1.0", "6:0:0:0", "sdc", "32768\n");
	plug(tree, PORT_B "1-2.4:1.0", "7:0:0:0", "sdb", "2048\n");
	info = find_one(tree, "1-2.3");
	assert_string_equal(info.name, "sdc");
	assert_string_equal(info.vendor, "Linux");
	assert_string_equal(info.model, "UMS disk 0");
	assert_int_equal(info.size, 32768 * 512);
	assert_int_equal(info.sector, 512);
	assert_int_equal(info.major, 8);
	assert_int_equal(info.minor, 32);
	assert_false(info.read_only);
	assert_true(text_ends(info.node, "/dev/sdc"));
	assert_string_equal(find_one(tree, "1-2.4").name, "sdb");
	/* A hub's port, a port without anything, and what is no port. */
	assert_int_equal(block_find(&tree->roots, "1-2", list, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(block_find(&tree->roots, "3-1", list, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(block_find(&tree->roots, "../1-2.3", list, &count, &err), -ERR_CONFIG);
	assert_int_equal(block_find(&tree->roots, "", list, &count, &err), -ERR_CONFIG);
}

/* Several units come in the order of their numbers; another class on the same port has none. */
static void units(void **state)
{
	struct tree *tree = *state;
	struct block_info list[BLOCK_LUNS];
	struct err err;
	size_t count;

	plug(tree, PORT_A "1-2.3:1.1", "6:0:0:10", "sdb", "2048\n");
	plug(tree, PORT_A "1-2.3:1.1", "6:0:0:2", "sdc", "2048\n");
	plug(tree, PORT_A "1-2.3:1.0", "5:0:0:0", "sdd", "2048\n");
	put_at(tree, PORT_A "1-2.3:1.0", "bInterfaceClass", "fe\n");
	assert_int_equal(block_find(&tree->roots, "1-2.3", list, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_int_equal(list[0].lun, 2);
	assert_string_equal(list[0].name, "sdc");
	assert_int_equal(list[1].lun, 10);
}

static void refused(const struct tree *tree, const struct block_info *info, uint64_t size,
		    const char *text)
{
	struct err err;

	assert_int_equal(block_check(&tree->roots, info, size, &err), -ERR_TARGET);
	if (!strstr(err.text, text))
		fail_msg("'%s' is not in '%s'", text, err.text);
}

static void checks(void **state)
{
	struct tree *tree = *state;
	struct block_info info;
	struct err err;

	plug(tree, PORT_A "1-2.3:1.0", "6:0:0:0", "sdc", "2048\n");
	info = find_one(tree, "1-2.3");
	assert_int_equal(block_check(&tree->roots, &info, 2048 * 512, &err), 0);
	refused(tree, &info, 2048 * 512 + 1, "does not fit");
	put(tree->proc, "self/mountinfo",
	    "21 1 253:0 / / rw - ext4 /dev/vda rw\n"
	    "30 21 8:33 / /media/user/boot rw - vfat /dev/sdc1 rw\n");
	refused(tree, &info, 1, "sdc1 is mounted at /media/user/boot");
	put(tree->proc, "self/mountinfo", "30 21 8:32 / /mnt rw - ext4 /dev/sdc rw\n");
	refused(tree, &info, 1, "sdc is mounted at /mnt");
	put(tree->proc, "self/mountinfo", "30 21 8:3 / /mnt rw - ext4 /dev/sda3 rw\n");
	assert_int_equal(block_check(&tree->roots, &info, 1, &err), 0);
}

static void holders(void **state)
{
	struct tree *tree = *state;
	_cleanup_(freep) char *swaps =
		xasprintf("Filename\tType\n%s/sdc1 partition 1\n", tree->dev);
	struct block_info info;

	plug(tree, PORT_A "1-2.3:1.0", "6:0:0:0", "sdc", "2048\n");
	info = find_one(tree, "1-2.3");
	put(tree->proc, "swaps", swaps);
	refused(tree, &info, 1, "sdc1 is used for swap");
	put(tree->proc, "swaps", "");
	put(info.sysfs, "sdc1/holders/dm-0", "");
	refused(tree, &info, 1, "sdc1 is held by dm-0");
	put(info.sysfs, "ro", "1\n");
	info = find_one(tree, "1-2.3");
	refused(tree, &info, 1, "write-protected");
	put(info.sysfs, "size", "0\n");
	info = find_one(tree, "1-2.3");
	refused(tree, &info, 1, "no medium");
}

#define MEDIUM ((size_t)5 << 20)

/* A regular file stands for the device: full of 0xa5. */
static struct block *open_medium(const struct tree *tree, size_t size, bool writable)
{
	_cleanup_(freep) char *old = xmalloc(size + 1);
	struct block_info info = {.size = size, .sector = 512};
	struct block *block;
	struct err err;

	memset(old, 0xa5, size);
	old[size] = '\0';
	snprintf(info.node, sizeof(info.node), "%s/medium", tree->folder);
	put(tree->folder, "medium", old);
	if (block_open(&block, &info, writable, &err) < 0)
		fail_msg("%s", err.text);
	return block;
}

static void fill(uint8_t *data, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		data[i] = (uint8_t)(i * 31 + i / 251 + seed);
}

/* Pieces of any place and size change their own bytes and no others. */
static void writes(void **state)
{
	static const struct {
		uint64_t offset;
		size_t size;
	} pieces[] = {
		{0, 1},
		{511, 2},
		{4096, 4096},
		{10000, 100},
		{MEDIUM - 1, 1},
		{(1 << 20) - 100, (2 << 20) + 333},
		{4 << 20, 1 << 20},
	};
	_cleanup_(freep) uint8_t *expected = xmalloc(MEDIUM), *came = xmalloc(MEDIUM);
	_cleanup_(block_closep) struct block *block = open_medium(*state, MEDIUM, true);
	struct err err;
	size_t i;

	memset(expected, 0xa5, MEDIUM);
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		fill(expected + pieces[i].offset, pieces[i].size, (unsigned int)i);
		assert_int_equal(block_write(block, pieces[i].offset, expected + pieces[i].offset,
					     pieces[i].size, &err),
				 0);
	}
	memset(expected + 5000, 0, 3000000);
	assert_int_equal(block_zero(block, 5000, 3000000, &err), 0);
	assert_int_equal(block_flush(block, &err), 0);
	assert_int_equal(block_read(block, 0, came, MEDIUM, &err), 0);
	assert_memory_equal(came, expected, MEDIUM);
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		assert_int_equal(block_read(block, pieces[i].offset, came, pieces[i].size, &err),
				 0);
		assert_memory_equal(came, expected + pieces[i].offset, pieces[i].size);
	}
}

static void ends(void **state)
{
	_cleanup_(block_closep) struct block *block = open_medium(*state, 1 << 20, true);
	uint8_t byte = 0;
	struct err err;

	assert_int_equal(block_write(block, 1 << 20, &byte, 1, &err), -ERR_TARGET);
	assert_int_equal(block_write(block, UINT64_MAX, &byte, 1, &err), -ERR_TARGET);
	assert_int_equal(block_zero(block, (1 << 20) - 1, 2, &err), -ERR_TARGET);
	assert_int_equal(block_read(block, 1 << 20, &byte, 1, &err), -ERR_TARGET);
}

static void cannot_open(void **state)
{
	struct tree *tree = *state;
	struct block_info info = {.size = 512, .sector = 512};
	struct block *block;
	struct err err;

	snprintf(info.node, sizeof(info.node), "%s/none", tree->folder);
	assert_int_equal(block_open(&block, &info, true, &err), -ERR_USB);
	assert_int_equal(mkdir(info.node, 0700), 0);
	assert_int_equal(block_open(&block, &info, true, &err), -ERR_HOST);
}

/* The kernel says no more than this; what may be done about it is said here. */
static void input_output_error(void **state)
{
	struct block_info info = {.node = "/proc/self/mem", .size = 4096, .sector = 512};
	_cleanup_(block_closep) struct block *block = NULL;
	uint8_t data[512];
	struct err err;

	(void)state;
	if (block_open(&block, &info, false, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(block_read(block, 0, data, sizeof(data), &err), -ERR_BOARD);
	assert_non_null(strstr(err.text, "0 bytes after the start"));
	assert_non_null(strstr(err.remedy, "dmesg"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ports, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(units, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(checks, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(holders, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(writes, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(ends, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(cannot_open, tree_setup, tree_teardown),
		cmocka_unit_test(input_output_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
