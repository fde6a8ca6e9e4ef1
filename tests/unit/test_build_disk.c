// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "build/disk_table.h"
#include "build/ident.h"
#include "build/load_cmd.h"
#include "build/rootfs.h"
#include "build/spans.h"
#include "build/xen_disk_model.h"

#define MIB  ((uint64_t)1 << 20)
#define DISK "c0798b59-102e-8a09-986f-b67686085aab"

static void test_spans(void **state)
{
	_cleanup_(spans_free) struct spans spans = {0};

	(void)state;
	spans_add(&spans, 10, 20);
	spans_add(&spans, 30, 40);
	spans_add(&spans, 0, 5);
	spans_add(&spans, 7, 7);
	assert_int_equal(spans.count, 3);
	spans_add(&spans, 20, 30); /* touches both */
	assert_int_equal(spans.count, 2);
	assert_int_equal(spans.items[1].start, 10);
	assert_int_equal(spans.items[1].end, 40);
	assert_true(spans_has(&spans, 10, 40));
	assert_false(spans_has(&spans, 4, 11));
	assert_false(spans_has(&spans, 40, 41));
	spans_remove(&spans, 15, 16);
	assert_int_equal(spans.count, 3);
	assert_false(spans_has(&spans, 14, 17));
	assert_true(spans_has(&spans, 16, 40));
	spans_remove(&spans, 0, 100);
	assert_int_equal(spans.count, 0);
	spans_remove(&spans, 0, 100);
}

static void test_ident(void **state)
{
	uint8_t a[UUID_SIZE], b[UUID_SIZE];
	char text[UUID_TEXT];

	(void)state;
	ident_uuid(a, IDENT("x", "y"));
	ident_uuid(b, IDENT("x", "y"));
	assert_memory_equal(a, b, UUID_SIZE);
	ident_uuid(b, IDENT("xy", ""));
	assert_memory_not_equal(a, b, UUID_SIZE);
	uuid_text(a, text);
	assert_int_equal(text[14], '8'); /* version, RFC 9562 */
	assert_non_null(strchr("89ab", text[19]));
	assert_true(uuid_read(text, b));
	assert_memory_equal(a, b, UUID_SIZE);
	assert_true(uuid_read("C0798B59-102E-8A09-986F-B67686085AAB", b));
	assert_int_equal(b[0], 0xc0);
	assert_false(uuid_read("c0798b59102e8a09986fb67686085aab", b));
	assert_false(uuid_read("c0798b59-102e-8a09-986f-b67686085aag", b));
	assert_false(uuid_read("", b));
	assert_int_not_equal(ident_number(IDENT("x")), 0);
}

/* Tables that cannot be, and one word of why. */
static const struct {
	struct disk_table table;
	struct disk_part parts[5];
	const char *text; /* NULL: it is a good one */
} table_cases[] = {
	{{.kind = TABLE_GPT, .size = 8 * MIB, .disk_uuid = DISK, .count = 2},
	 {{.name = "a", .start = 34 * 512, .size = MIB},
	  {.name = "b", .start = 2 * MIB, .size = MIB}},
	 NULL},
	{{.kind = TABLE_GPT, .size = 8 * MIB, .disk_uuid = DISK, .count = 1},
	 {{.name = "a", .start = 33 * 512, .size = MIB}},
	 "inside the partition table"},
	{{.kind = TABLE_GPT, .size = 8 * MIB, .disk_uuid = DISK, .count = 1},
	 {{.name = "a", .start = MIB, .size = 7 * MIB}},
	 "there is room only"},
	{{.kind = TABLE_GPT, .size = 8 * MIB, .gpt_no_backup = true, .disk_uuid = DISK, .count = 1},
	 {{.name = "a", .start = MIB, .size = 7 * MIB}},
	 NULL},
	{{.kind = TABLE_GPT, .size = 8 * MIB, .disk_uuid = DISK, .count = 2},
	 {{.name = "a", .start = MIB, .size = 2 * MIB},
	  {.name = "b", .start = 3 * MIB - 512, .size = MIB}},
	 "a and b overlap"},
	{{.kind = TABLE_GPT, .size = 8 * MIB, .disk_uuid = DISK, .count = 1},
	 {{.name = "a", .start = MIB + 1, .size = MIB}},
	 "whole sectors"},
	{{.kind = TABLE_GPT, .size = 8 * MIB, .disk_uuid = DISK, .count = 1},
	 {{.name = "a", .start = MIB, .size = 0}},
	 "at least one"},
	{{.kind = TABLE_GPT, .size = 8 * MIB, .disk_uuid = DISK, .count = 1},
	 {{.name = "a", .start = MIB, .size = UINT64_MAX - 511}},
	 "there is room only"},
	{{.kind = TABLE_GPT, .size = 8 * MIB, .disk_uuid = "x", .count = 0}, {{0}}, "UUID"},
	{{.kind = TABLE_GPT, .size = 16384, .disk_uuid = DISK, .count = 0}, {{0}}, "too few"},
	{{.kind = TABLE_GPT, .size = 8 * MIB, .disk_uuid = DISK, .count = 1},
	 {{.name = "0123456789012345678901234567890123456", .start = MIB, .size = MIB}},
	 "36"},
	{{.kind = TABLE_MBR, .size = 16 * MIB, .count = 5},
	 {{.name = "a", .start = MIB, .size = MIB},
	  {.name = "b", .start = 2 * MIB, .size = MIB},
	  {.name = "c", .start = 3 * MIB, .size = MIB},
	  {.name = "d", .start = 4 * MIB, .size = MIB},
	  {.name = "e", .start = 5 * MIB, .size = MIB}},
	 "an MBR has four"},
	{{.kind = TABLE_MBR,
	  .size = 16 * MIB,
	  .count = 2,
	  .extended_start = 2 * MIB,
	  .extended_size = 4 * MIB},
	 {{.name = "a", .start = MIB, .size = MIB},
	  {.name = "b", .start = 3 * MIB, .size = MIB, .logical = true, .ebr = 2 * MIB}},
	 NULL},
	{{.kind = TABLE_MBR,
	  .size = 16 * MIB,
	  .count = 1,
	  .extended_start = 2 * MIB,
	  .extended_size = 4 * MIB},
	 {{.name = "b", .start = 7 * MIB, .size = MIB, .logical = true, .ebr = 6 * MIB}},
	 "not inside"},
	{{.kind = TABLE_MBR,
	  .size = 16 * MIB,
	  .count = 1,
	  .extended_start = 2 * MIB,
	  .extended_size = 4 * MIB},
	 {{.name = "a", .start = 3 * MIB, .size = MIB}},
	 "overlaps the extended"},
	{{.kind = TABLE_MBR, .size = 16 * MIB, .count = 1},
	 {{.name = "a", .start = 3 * MIB, .size = MIB, .logical = true, .ebr = 2 * MIB}},
	 "without an extended"},
};

static void test_tables(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table_cases); i++) {
		struct disk_table table = table_cases[i].table;
		struct err err = {0};
		int rc;

		table.parts = table_cases[i].parts;
		rc = disk_table_check(&table, &err);
		if (!table_cases[i].text) {
			assert_int_equal(rc, 0);
			continue;
		}
		assert_int_equal(rc, -ERR_CONFIG);
		if (!strstr(err.text, table_cases[i].text))
			fail_msg("case %zu: %s", i, err.text);
	}
}

static void test_partition_ids(void **state)
{
	struct disk_part parts[] = {{.name = "a"}, {.name = "a"}, {.name = "b", .uuid = DISK}};
	struct disk_table table = {
		.kind = TABLE_GPT, .disk_uuid = DISK, .parts = parts, .count = 3};
	char one[UUID_TEXT], two[UUID_TEXT], three[UUID_TEXT];

	(void)state;
	disk_part_uuid(&table, 1, one);
	disk_part_uuid(&table, 2, two);
	disk_part_uuid(&table, 3, three);
	assert_string_not_equal(one, two); /* the same name at another place */
	assert_string_equal(three, DISK);
	table.disk_uuid = "00000000-0000-0000-0000-000000000000";
	disk_part_uuid(&table, 1, two);
	assert_string_not_equal(one, two);
}

static void test_device_names(void **state)
{
	static const struct {
		const char *load;
		unsigned int behind; /* partitions behind the one that is loaded from */
		const char *name;    /* NULL: an error */
	} cases[] = {
		{"load mmc 0:1", 0, "/dev/mmcblk0p1"},
		{"load mmc 1:2 ", 2, "/dev/mmcblk1p4"},
		{"load scsi 0:1", 1, "/dev/sda2"},
		{"fatload scsi 2:1", 0, "/dev/sdc1"},
		{"tftpb", 1, NULL},
		{"load usb 0:1", 1, NULL},
		{"load mmc", 1, NULL},
		{"load mmc 0:x", 1, NULL},
		{"load scsi 99:1", 1, NULL},
		{"mmc:", 1, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *name = NULL;
		struct load_disk disk;
		struct err err = {0};
		int rc = load_cmd_disk(cases[i].load, &disk, &err);

		assert_int_equal(rc, cases[i].name ? 0 : -ERR_CONFIG);
		if (rc < 0)
			continue;
		name = load_disk_name(&disk, disk.partition + cases[i].behind);
		assert_string_equal(name, cases[i].name);
	}
}

static void test_tree(void **state)
{
	_cleanup_(rootfs_freep) struct rootfs *tree = rootfs_new(7);
	struct rootfs_inode *made;
	struct err err = {0};

	(void)state;
	assert_int_equal(rootfs_put_bytes(tree, "/a//./b", "xyz", 3, 0640, 9, &err), 0);
	assert_int_equal(rootfs_find(tree, "a/b")->size, 3);
	assert_int_equal(rootfs_find(tree, "a")->mtime.sec, 7);
	assert_int_equal(rootfs_put_bytes(tree, "a/../b", "", 0, 0640, 9, &err), -ERR_IMAGE);
	assert_int_equal(rootfs_put_bytes(tree, "a/b/c", "", 0, 0640, 9, &err), -ERR_IMAGE);
	assert_int_equal(rootfs_put_bytes(tree, "a", "", 0, 0640, 9, &err), -ERR_IMAGE);
	assert_int_equal(rootfs_put_bytes(tree, ".", "", 0, 0640, 9, &err), -ERR_IMAGE);
	assert_int_equal(rootfs_place(tree, "c", rootfs_find(tree, "a/b"), &made, &err), 0);
	rootfs_count_links(tree);
	assert_int_equal(rootfs_find(tree, "c")->links, 2);
	assert_int_equal(rootfs_apparent_size(tree), 4096 + 4096 + 3);
	assert_true(rootfs_empty_folder(tree, "a"));
	assert_false(rootfs_empty_folder(tree, "c"));
	rootfs_count_links(tree);
	assert_null(rootfs_find(tree, "a/b"));
	assert_int_equal(rootfs_find(tree, "c")->links, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spans),        cmocka_unit_test(test_ident),
		cmocka_unit_test(test_tables),       cmocka_unit_test(test_partition_ids),
		cmocka_unit_test(test_device_names), cmocka_unit_test(test_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
