// SPDX-License-Identifier: MIT
/* Placement, quoting, legacy images, kinds of files, edits of trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "build/filetype.h"
#include "build/legacy.h"
#include "build/ops.h"
#include "build/placement.h"

#define MIB ((uint64_t)1 << 20)

static void addresses(void **state)
{
	static const struct {
		uint64_t start, script, sizes[4], expected[4], next;
	} rows[] = {
		{0,
		 0xC00000,
		 {3145745, 140, 0x200000, 0x200001},
		 {0xE00000, 0x1200000, 0x1400000, 0x1600000},
		 0x1A00000},
		{0xA00000,
		 0xC00000,
		 {1, 1, 1, 1},
		 {0xE00000, 0x1000000, 0x1200000, 0x1400000},
		 0x1600000},
		{0x40001000,
		 0x40201000,
		 {1, 0x1FF000, 0x200000, 1},
		 {0x40401000, 0x40600000, 0x40800000, 0x40A00000},
		 0x40C00000},
		{0x800000000,
		 0x800200000,
		 {1, 1, 1, 1},
		 {0x800400000, 0x800600000, 0x800800000, 0x800A00000},
		 0x800C00000},
	};
	struct placement placement;
	uint64_t address;
	struct err err;
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		placement = placement_begin(rows[i].start, NULL);
		assert_int_equal(placement.script, rows[i].script);
		for (j = 0; j < 4; j++) {
			assert_int_equal(
				placement_put(&placement, rows[i].sizes[j], &address, &err), 0);
			assert_int_equal(address, rows[i].expected[j]);
		}
		assert_int_equal(placement.next, rows[i].next);
	}
	placement = placement_begin(0, NULL);
	assert_int_equal(placement_put(&placement, UINT64_MAX, &address, &err), -ERR_CONFIG);
}

static void reserved_is_left_out(void **state)
{
	struct ranges ranges = {0};
	struct placement placement;
	uint64_t address;
	struct err err;

	(void)state;
	ranges_add(&ranges, 0x1400000, 0x300000, "fw");
	ranges.items[0].last = true;
	placement = placement_begin(0, &ranges);
	assert_int_equal(placement_put(&placement, 0x340000, &address, &err), 0);
	assert_int_equal(address, 0xE00000);
	/* From 0x1200000 a file as large as the last one would reach into the range. */
	assert_int_equal(placement_put(&placement, 1, &address, &err), 0);
	assert_int_equal(address, 0x1800000);
	ranges_free(&ranges);
	/* A range that is only touched, and whose end is on a step. */
	ranges_add(&ranges, 0x1200000, 0x200000, "fw");
	ranges.items[0].last = true;
	placement = placement_begin(0, &ranges);
	assert_int_equal(placement_put(&placement, 0x200000, &address, &err), 0);
	assert_int_equal(placement_put(&placement, 1, &address, &err), 0);
	assert_int_equal(address, 0x1600000);
	ranges_free(&ranges);
}

static void conflicts(void **state)
{
	static const struct {
		enum region_kind kind;
		uint64_t start, size;
		const char *says; /* part of it; NULL: no conflict */
	} rows[] = {
		{REGION_RESERVED, 0x400000, 0x1000, NULL},
		{REGION_RESERVED, 0xFFFFFF, 1, NULL},
		{REGION_RESERVED, 0xFFFFFF, 2, "kernel (0x1000000 to 0x11FFFFF) lies over it"},
		{REGION_STATIC, 0x11FFFFF, 1, "lies over it"},
		{REGION_STATIC, 0x1200000, 1, NULL},
		{REGION_LOADED, 0x1100000, 0, NULL},
		{REGION_LOADED, 0x1100000, 1, "lies over it"},
		{REGION_UBOOT, 0, 0x20000000, "lies over it"},
		{REGION_LOADED, 0x3FFFFFFF, 2,
		 "it (0x3FFFFFFF to 0x40000000) is not in the board's"},
		{REGION_WINDOW, 0, 0x20000000, NULL},
	};
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct map map = {0};

		map_add(&map, REGION_MEMORY, 0, 0x20000000, "bank");
		map_add(&map, REGION_MEMORY, 0x20000000, 0x20000000, "bank that touches it");
		map_add(&map, REGION_LOADED, 0x1000000, 0x200000, "kernel");
		map_add(&map, rows[i].kind, rows[i].start, rows[i].size, "it");
		map_sort(&map);
		if (!rows[i].says) {
			assert_false(map_conflict(&map, text, sizeof(text)));
		} else {
			assert_true(map_conflict(&map, text, sizeof(text)));
			assert_non_null(strstr(text, rows[i].says));
		}
		map_free(&map);
	}
}

static void uboot_is_at_the_top(void **state)
{
	static const struct {
		uint64_t bank, size, start;
	} rows[] = {
		{0x40000000, 0x40000000, 0x7E000000},  {0, 0x7ff00000, 0x7df00000},
		{0x80000000, 0x100000000, 0xFE000000}, {0, 64 * MIB, 48 * MIB},
		{0x800000000, 0x80000000, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct map map = {0};

		map_add(&map, REGION_MEMORY, 0x900000000, 0x80000000, "second");
		map_add(&map, REGION_MEMORY, rows[i].bank, rows[i].size, "first");
		map_add_uboot(&map);
		assert_int_equal(map.count, rows[i].start ? 3 : 2);
		if (rows[i].start)
			assert_int_equal(map.items[2].start, rows[i].start);
		map_free(&map);
	}
}

/* Seen with U-Boot 2023.01: `echo` of each comes out as the text. */
static void quoting(void **state)
{
	static const struct {
		const char *text, *quoted;
	} rows[] = {
		{"console=ttyAMA0 quiet", "\"console=ttyAMA0 quiet\""},
		{"", "\"\""},
		{"a;b #c&|", "\"a;b #c&|\""},
		{"it's", "\"it\"\\'\"s\""},
		{"a\"b$c\\d", "\"a\"\\\"\"b\"\\$\"c\"\\\\\"d\""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_free) struct buf out = {0};

		ops_quote(&out, rows[i].text, true);
		assert_string_equal(buf_text(&out), rows[i].quoted);
	}
	for (i = 0; i < 2; i++) {
		_cleanup_(buf_free) struct buf out = {0};

		ops_quote(&out, i ? "a b" : "dir/file-1.0@x", false);
		assert_string_equal(buf_text(&out), i ? "\"a b\"" : "dir/file-1.0@x");
	}
}

static void strings_that_cannot_be_set(void **state)
{
	char full[1024], over[1025];
	const char *const texts[] = {"<1>", "[00]", "a\nb", over, "ok", full};
	struct modules modules = {0};
	const struct ops_style style = {.modules = &modules};
	struct err err;
	size_t i;

	(void)state;
	memset(full, 'x', sizeof(full));
	memset(over, 'x', sizeof(over));
	full[sizeof(full) - 1] = over[sizeof(over) - 1] = '\0';
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(ops_free) struct ops ops = {0};
		_cleanup_(buf_free) struct buf out = {0};

		ops_set_string(&ops, "/chosen", "bootargs", texts[i]);
		assert_int_equal(ops_render(&ops, &style, &out, &err), i >= 4 ? 0 : -ERR_CONFIG);
	}
}

static void strict_scripts_stop(void **state)
{
	struct module items[] = {{.name = (char[]){"a"},
				  .file = (char[]){"f1"},
				  .load_cmd = "tftpb",
				  .address = 0x100},
				 {.name = (char[]){"b"},
				  .file = (char[]){"f 2"},
				  .load_cmd = "tftpb",
				  .address = 0x200}};
	struct modules modules = {items, 2};
	const struct ops_style style = {.modules = &modules, .strict = true, .prefix = "p"};
	_cleanup_(ops_free) struct ops ops = {0};
	_cleanup_(buf_free) struct buf out = {0};
	struct err err;

	(void)state;
	ops_module(&ops, OP_LOAD, 0);
	ops_module(&ops, OP_LOAD, 1);
	ops_command(&ops, "start the kernel", "booti");
	ops_extra(&ops, "echo 1\necho 2\n");
	/* No newline at the end: U-Boot would run an empty line, which succeeds, after a failure.
	 */
	assert_int_equal(ops_render(&ops, &style, &out, &err), 0);
	assert_string_equal(buf_text(&out),
			    "setenv boot_stopped\n"
			    "if test -z \"$boot_stopped\"; then tftpb 0x100 p/f1 || "
			    "setenv boot_stopped \"load p/f1\"; fi\n"
			    "if test -z \"$boot_stopped\"; then tftpb 0x200 \"p/f 2\" || "
			    "setenv boot_stopped \"load p/f 2\"; fi\n"
			    "if test -z \"$boot_stopped\"; then booti || "
			    "setenv boot_stopped \"start the kernel\"; fi\n"
			    "if test -z \"$boot_stopped\"; then\necho 1\necho 2\nfi\n"
			    "if test -n \"$boot_stopped\"; then "
			    "echo \"boot script stopped: cannot $boot_stopped\"; "
			    "setenv boot_stopped; false; else true; fi");
}

static void legacy_images(void **state)
{
	_cleanup_(buf_free) struct buf image = {0};
	_cleanup_(buf_free) struct buf text = {0};
	struct legacy legacy;
	struct err err;

	(void)state;
	assert_int_equal(legacy_script("echo\n", 5, 0x840C00000, 1700000000, &image, &err), 0);
	assert_int_equal(image.size, 64 + 8 + 5);
	assert_int_equal(legacy_parse((uint8_t *)image.data, image.size, &legacy, &err), 0);
	assert_int_equal(legacy.load, 0x40C00000);
	assert_int_equal(legacy.size, 13);
	assert_int_equal(legacy.data_crc, crc32_add(0, image.data + 64, 13));
	assert_memory_equal(image.data + 64, "\0\0\0\5\0\0\0\0echo\n", 13);
	legacy_text(&legacy, &text);
	assert_string_equal(buf_text(&text),
			    "Image Name:   \nCreated:      Tue Nov 14 22:13:20 2023\n"
			    "Image Type:   AArch64 Linux Script (uncompressed)\n"
			    "Data Size:    13 Bytes = 0.01 KiB = 0.00 MiB\n"
			    "Load Address: 40c00000\nEntry Point:  40c00000\n");
	image.data[20] ^= 1;
	assert_int_equal(legacy_parse((uint8_t *)image.data, image.size, &legacy, &err),
			 -ERR_IMAGE);
	assert_int_equal(legacy_parse((uint8_t *)image.data, 63, &legacy, &err), -ERR_IMAGE);
}

static void times(void **state)
{
	struct err err;
	uint32_t time;

	(void)state;
	assert_int_equal(legacy_time(NULL, 77, &time, &err), 0);
	assert_int_equal(time, 77);
	assert_int_equal(legacy_time("1700000000", 77, &time, &err), 0);
	assert_int_equal(time, 1700000000);
	assert_int_equal(legacy_time("soon", 77, &time, &err), -ERR_CONFIG);
}

static void kinds(void **state)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t size;
		enum file_kind kind;
	} rows[] = {
		{56, "ARM\x64", 4, FILE_ARM64_IMAGE},
		{36, "\x18\x28\x6f\x01", 4, FILE_ZIMAGE},
		{0, "\177ELF", 4, FILE_ELF},
		{0, "MZ", 2, FILE_PE},
		{0, "\x27\x05\x19\x56", 4, FILE_UIMAGE},
		{0, "070701", 6, FILE_CPIO},
		{0, "\xd0\x0d\xfe\xed", 4, FILE_FDT},
		{0, "\x1f\x8b", 2, FILE_GZIP},
		{0, "\x8c\xff\x7c\xf9", 4, FILE_POLICY},
		{0, "", 0, FILE_BINARY},
	};
	uint8_t head[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(head, 0, sizeof(head));
		memcpy(head + rows[i].at, rows[i].bytes, rows[i].size);
		assert_int_equal(filetype_of(head, sizeof(head)), rows[i].kind);
	}
	assert_int_equal(filetype_of(head, 0), FILE_EMPTY);
	assert_int_equal(filetype_of((const uint8_t *)"fdt rm /x\n", 10), FILE_TEXT);
	assert_int_equal(filetype_of((const uint8_t *)"\x80\xff\xfe", 3), FILE_BINARY);
}

/* What is measured is enough for what is applied. */
static void edits(void **state)
{
	static const char *const list[] = {"multiboot,kernel", "multiboot,module", NULL};
	static const struct cell cells[] = {{0xfffffffe, 'x'}, {7, 'd'}};
	struct module items[] = {{.address = 0x812345678, .size = 0x1000, .file_size = 0x1000}};
	struct modules modules = {items, 1};
	_cleanup_(ops_free) struct ops ops = {0};
	_cleanup_(buf_free) struct buf tree = {0};
	uint8_t fdt[512];
	const uint8_t *reg;
	int length, node;
	struct err err;
	size_t before;

	(void)state;
	assert_int_equal(fdt_create_empty_tree(fdt, sizeof(fdt)), 0);
	fdt_pack(fdt);
	buf_add(&tree, fdt, fdt_totalsize(fdt));
	before = tree.size;
	ops_mknod(&ops, "/", "chosen");
	ops_set_cell(&ops, "/chosen", "#address-cells", 2, 'x');
	ops_mknod(&ops, "/chosen", "domU0");
	ops_set_strings(&ops, "/chosen/domU0", "compatible", list);
	ops_set_string(&ops, "/chosen/domU0", "bootargs", "a \"b\"");
	ops_set_cells(&ops, "/chosen/domU0", "cells", cells, 2, false);
	ops_set_empty(&ops, "/chosen/domU0", "direct-map", false);
	ops_set_reg(&ops, "/chosen/domU0", "reg", 0);
	assert_int_equal(ops_apply(&ops, &modules, &tree, &err), 0);
	assert_true(tree.size <= before + ops_growth(&ops, &modules));
	node = fdt_path_offset(tree.data, "/chosen/domU0");
	reg = fdt_getprop(tree.data, node, "reg", &length);
	assert_int_equal(length, 16);
	assert_memory_equal(reg, "\0\0\0\x08\x12\x34\x56\x78\0\0\0\0\0\0\x10\0", 16);
	assert_non_null(fdt_getprop(tree.data, fdt_path_offset(tree.data, "/chosen"),
				    "#address-cells", NULL));
	assert_string_equal(fdt_getprop(tree.data, node, "bootargs", NULL), "a \"b\"");
	ops_free(&ops);
	ops_set_empty(&ops, "/nowhere", "x", false);
	assert_int_equal(ops_apply(&ops, &modules, &tree, &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "/nowhere"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(reserved_is_left_out),
		cmocka_unit_test(conflicts),
		cmocka_unit_test(uboot_is_at_the_top),
		cmocka_unit_test(quoting),
		cmocka_unit_test(strings_that_cannot_be_set),
		cmocka_unit_test(strict_scripts_stop),
		cmocka_unit_test(legacy_images),
		cmocka_unit_test(times),
		cmocka_unit_test(kinds),
		cmocka_unit_test(edits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
