// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "build/stm32.h"
#include "drivers/stm32mp/fast_layout.h"
#include "drivers/stm32mp/tsv.h"

#define MIB ((uint64_t)1 << 20)

/* As ST's wiki has it, with two TABs in a row, a comment, a blank line and CRLF. */
static const char sdcard[] = "#Opt\tId\tName\tType\tIP\tOffset\tBinary\r\n"
			     "-\t0x01\tfsbl-boot\tBinary\tnone\t0x0\ttf-a-usb.stm32\r\n"
			     "\r\n"
			     "-\t0x03\tfip-boot\tFIP\tnone\t0x0\tfip.bin\r\n"
			     "P\t0x10\tsdcard\tRawImage\tmmc0\t\t0x0\tsdcard.img";

#define BOOT_LINES                                            \
	"-\t0x01\tfsbl-boot\tBinary\tnone\t0x0\ttf-a.stm32\n" \
	"-\t0x03\tfip-boot\tFIP\tnone\t0x0\tfip.bin\n"

static const char emmc[] =
	BOOT_LINES "P\t0x04\tfsbl1\tBinary\tmmc1\tboot1\ttf-a-emmc.stm32\n"
		   "P\t0x05\tfsbl2\tBinary\tmmc1\tboot2\ttf-a-emmc.stm32\n"
		   "P\t0x06\tmetadata1\tFWU_MDATA\tmmc1\t0x00080000\tmetadata.bin\n"
		   "P\t0x07\tmetadata2\tFWU_MDATA\tmmc1\t0x00100000\tmetadata.bin\n"
		   "P\t0x08\tfip-a\tFIP\tmmc1\t0x00180000\tfip.bin\n"
		   "PED\t0x09\tfip-b\tFIP\tmmc1\t0x00580000\tnone\n"
		   "PED\t0x0A\tu-boot-env\tENV\tmmc1\t0x00980000\tnone\n"
		   "P\t0x10\tbootfs\tSystem\tmmc1\t0x00A00000\tbootfs.ext4\n"
		   "P\t0x11\trootfs\tFileSystem\tmmc1\t0x04A00000\trootfs.ext4\n";

static struct tsv *parse(const char *text)
{
	struct tsv *tsv = xcalloc(1, sizeof(*tsv));

	tsv_parse(tsv, text, strlen(text));
	return tsv;
}

static void end(struct tsv *tsv)
{
	tsv_free(tsv);
	free(tsv);
}

static void reads_a_raw_image(void **state)
{
	struct tsv *tsv = parse(sdcard);
	const struct tsv_line *line = tsv_find(tsv, 0x10);

	(void)state;
	assert_int_equal(tsv->error_count, 0);
	assert_int_equal(tsv->count, 3);
	assert_int_equal(line->number, 5);
	assert_true(line->selected && !line->erase && !line->empty);
	assert_string_equal(line->type->name, "RawImage");
	assert_string_equal(line->device, "mmc0");
	assert_string_equal(line->file, "sdcard.img");
	assert_true(tsv_is_sent(line));
	assert_string_equal(tsv_find(tsv, 1)->file, "tf-a-usb.stm32");
	assert_false(tsv_is_sent(tsv_find(tsv, 1)));
	assert_null(tsv_find(tsv, 0x11));
	end(tsv);
}

static void places_on_an_emmc(void **state)
{
	static const struct tsv_media media[] = {{"mmc1", 4096 * MIB, 512 << 10}, {0}};
	struct tsv *tsv = parse(emmc);
	struct err err;

	(void)state;
	tsv_check(tsv, media, 202210);
	assert_int_equal(tsv_verdict(tsv, "emmc.tsv", &err), 0);
	assert_int_equal(tsv_find(tsv, 4)->boot, 1);
	assert_int_equal(tsv_find(tsv, 5)->boot, 2);
	assert_true(tsv_find(tsv, 9)->erase && !tsv_is_sent(tsv_find(tsv, 9)));
	assert_int_equal(tsv_find(tsv, 8)->size, 4 * MIB);
	assert_int_equal(tsv_find(tsv, 0x11)->size, 4096 * MIB - (512 << 10) - 0x04A00000);
	/* The one thing to be said of it: which boot partition wins. */
	assert_int_equal(tsv->note_count, 1);
	assert_non_null(strstr(tsv->notes[0].text, "boot2"));
	end(tsv);
}

static void says_what_it_cannot_know(void **state)
{
	struct tsv *tsv = parse(emmc);
	size_t i, unknown = 0;

	(void)state;
	tsv_check(tsv, NULL, 0);
	for (i = 0; i < tsv->note_count; i++)
		unknown += tsv->notes[i].gravity == TSV_UNKNOWN;
	assert_int_equal(tsv->error_count, 0);
	assert_int_equal(unknown, 2);
	assert_int_equal(tsv_find(tsv, 0x11)->size, 0);
	end(tsv);
}

/* One line that is wrong, as the third of a layout, and what is said of it. */
static const struct {
	const char *line, *says;
} bad_lines[] = {
	{"P\t0x10\tx\tBinary\tmmc0\n", "5 columns"},
	{"P 0x10 x Binary mmc0 0x4400 x\n", "separated by TAB"},
	{"X\t0x10\tx\tBinary\tmmc0\t0x4400\tx\n", "option 'X'"},
	{"ED\t0x10\tx\tBinary\tmmc0\t0x4400\tx\n", "E and D need P"},
	{"E\t0x10\tx\tBinary\tmmc0\t0x4400\tnone\n", "E and D need P"},
	{"p\t0x10\tx\tBinary\tmmc0\t0x4400\tx\n", "option 'p'"},
	{"P\t0xF1\tx\tBinary\tmmc0\t0x4400\tx\n", "id '0xF1'"},
	{"P\t-1\tx\tBinary\tmmc0\t0x4400\tx\n", "id '-1'"},
	{"P\tten\tx\tBinary\tmmc0\t0x4400\tx\n", "id 'ten'"},
	{"P\t0\tx\tBinary\tmmc0\t0x4400\tx\n", "id 0"},
	{"P\t0x03\tx\tBinary\tmmc0\t0x4400\tx\n", "has the id 0x03 of fip-boot in line 2"},
	{"P\t0x10\tseventeen_letters\tBinary\tmmc0\t0x4400\tx\n", "at most 16"},
	{"P\t0x10\ta b\tBinary\tmmc0\t0x4400\tx\n", "printable"},
	{"P\t0x10\tx\tbinary\tmmc0\t0x4400\tx\n", "'Binary' is"},
	{"P\t0x10\tx\tPMIC\tmmc0\t0x4400\tx\n", "type 'PMIC'"},
	{"P\t0x10\tx\tBinary(0)\tnand0\t0\tx\n", "type 'Binary(0)'"},
	{"P\t0x10\tx\tBinary\tmmc10\t0x4400\tx\n", "device 'mmc10'"},
	{"P\t0x10\tx\tBinary\tmmc\t0x4400\tx\n", "device 'mmc'"},
	{"P\t0x10\tx\tBinary\tspi-nor0\t0x4400\tx\n", "device 'spi-nor0'"},
	{"P\t0x10\tx\tBinary\tnone\t0x0\tx\n", "device is none"},
	{"P\t0x10\tx\tBinary\tmmc0\tboot3\tx\n", "boot partition 'boot3'"},
	{"P\t0x10\tx\tBinary\tnor0\tboot1\tx\n", "only an mmc"},
	{"P\t0x10\tx\tBinary\tmmc0\t1M\tx\n", "offset '1M'"},
	{"P\t0x10\tx\tBinary\tmmc0\t0x4401\tx\n", "erase size"},
	{"P\t0x10\tx\tBinary\tmmc0\t0x4200\tx\n", "partition table"},
	{"P\t0x10\tx\tBinary\tmmc0\t0x4400\tnone\n", "no file"},
	{"P\t0x10\tx\tBinary\tmmc0\t0x4400\n", "no file"},
	{"P\t0x10\tx\tBinary(2)\tmmc0\t0x4400\tx\n", "Binary(n)"},
	{"P\t0x04\tssbl\tBinary(2)\tnand0\t0\tx\n", "Binary(n)"},
	{"P\t0x10\tfsbl1\tBinary(2)\tnand0\t0\tx\n", "Binary(n)"},
	{"P\t0x10\tx\tBinary\tmmc0\t0x4400\tx\rP\t0x11\n", "carriage return"},
	{"P\t0x10\tx\tBinary\tmmc0\t0x4400\tx\nP\t0x11\ty\tBinary\tmmc0\t0x4400\tx\n",
	 "same offset"},
	{"P\t0x10\tx\tBinary\tmmc1\tboot1\tx\nP\t0x11\ty\tBinary\tmmc1\tboot1\tx\n",
	 "both in boot1"},
	{"-\t0x10\ta\tBinary\tmmc0\t0x4400\n-\t0x11\tb\tBinary\tmmc1\t0x4400\n"
	 "-\t0x12\tc\tBinary\tnor0\t0\n-\t0x13\td\tBinary\tnand0\t0\n"
	 "-\t0x14\te\tBinary\tnor1\t0\n-\t0x15\tf\tBinary\tnand1\t0\n",
	 "more than 5 devices"},
};

static void refuses_bad_lines(void **state)
{
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad_lines); i++) {
		char *text = xasprintf("%s%s", BOOT_LINES, bad_lines[i].line);
		struct tsv *tsv = parse(text);

		tsv_check(tsv, NULL, 0);
		assert_int_equal(tsv_verdict(tsv, "a.tsv", &err), -ERR_CONFIG);
		if (!strstr(err.text, bad_lines[i].says) || !strstr(err.text, "a.tsv:"))
			fail_msg("'%s': %s", bad_lines[i].line, err.text);
		end(tsv);
		free(text);
	}
}

static void counts_physical_lines(void **state)
{
	struct tsv *tsv = parse("# a comment\n\n\t\n #no comment\n");
	struct err err;

	(void)state;
	assert_int_equal(tsv_verdict(tsv, "a.tsv", &err), -ERR_CONFIG);
	assert_memory_equal(err.text, "a.tsv:4:", 8);
	end(tsv);
	tsv = parse("# nothing\n");
	assert_int_equal(tsv_verdict(tsv, "a.tsv", &err), -ERR_CONFIG);
	assert_string_equal(err.text, "a.tsv: no partition in it");
	end(tsv);
}

/* As a file of no bytes is read: there is no text at all. */
static void an_empty_file_has_no_partition(void **state)
{
	struct tsv tsv;
	struct err err;

	(void)state;
	tsv_parse(&tsv, NULL, 0);
	assert_int_equal(tsv_verdict(&tsv, "a.tsv", &err), -ERR_CONFIG);
	assert_string_equal(err.text, "a.tsv: no partition in it");
	tsv_free(&tsv);
}

static void knows_branches_of_uboot(void **state)
{
	static const struct {
		const char *text;
		unsigned int version;
	} rows[] = {
		{"v2020.01-stm32mp-r3", 202001},
		{"2022.10", 202210},
		{"v2023.10-rc1", 202310},
		{"2022", 0},
		{"v2.4", 0},
		{"", 0},
		{"v2017.01", 0},
		{"v2022.13", 0},
	};
	struct tsv *tsv = parse(emmc);
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(tsv_uboot_version(rows[i].text), rows[i].version);
	tsv_check(tsv, NULL, 202110);
	assert_int_equal(tsv_verdict(tsv, "emmc.tsv", &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "FWU_MDATA is known from U-Boot v2022.10"));
	end(tsv);
}

static void checks_against_the_medium(void **state)
{
	static const struct {
		const char *line, *says; /* says NULL: right */
		uint64_t capacity, erase_size;
	} rows[] = {
		{"P\t0x10\tx\tBinary\tmmc0\t0x4400\tx\n", NULL, 8 * MIB, 512},
		{"P\t0x10\tx\tBinary\tmmc0\t0x0\tx\n", "partition table", 8 * MIB, 512 << 10},
		{"P\t0x10\tx\tBinary\tmmc0\t0x80200\tx\n", "erase size", 8 * MIB, 512 << 10},
		{"P\t0x10\tx\tBinary\tmmc0\t0x7fbc00\tx\n", "behind the end", 8 * MIB, 512},
		{"P\t0x10\tx\tBinary\tmmc0\t0x7fba00\tx\n", "behind the end", 8 * MIB, 512},
		{"P\t0x10\tx\tBinary\tmmc0\t0x7fb800\tx\n", NULL, 8 * MIB, 512},
		{"P\t0x10\tx\tBinary\tmmc0\t0x4400\tx\n", "power of two", 8 * MIB, 1536},
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tsv_media media[] = {{"mmc0", rows[i].capacity, rows[i].erase_size}, {0}};
		struct tsv *tsv = parse(rows[i].line);

		tsv_check(tsv, media, 0);
		assert_int_equal(tsv_verdict(tsv, "a.tsv", &err), rows[i].says ? -ERR_CONFIG : 0);
		if (rows[i].says)
			assert_non_null(strstr(err.text, rows[i].says));
		end(tsv);
	}
}

static void warns_of_partial_updates(void **state)
{
	struct tsv *tsv =
		parse("-\t0x10\ta\tBinary\tmmc0\t0x4400\nP\t0x11\tb\tBinary\tmmc0\t0x44400\tx\n");
	size_t i, found = 0;

	(void)state;
	tsv_check(tsv, NULL, 0);
	for (i = 0; i < tsv->note_count; i++)
		found += tsv->notes[i].gravity == TSV_WARNING &&
			 strstr(tsv->notes[i].text, "in part");
	assert_int_equal(found, 1);
	end(tsv);
}

static void writes_what_it_reads(void **state)
{
	struct buf first = {0}, second = {0}, wrapped = {0};
	struct tsv *tsv = parse(emmc), *again;
	struct stm32_header header;
	struct err err;

	(void)state;
	tsv_write(tsv, &first);
	assert_null(strstr(buf_text(&first), "rootfs.ext4"));
	assert_non_null(strstr(buf_text(&first), "PED\t0x09\tfip-b\tFIP\tmmc1\t0x580000\n"));
	again = parse(buf_text(&first));
	assert_int_equal(again->count, tsv->count);
	tsv_write(again, &second);
	assert_string_equal(buf_text(&first), buf_text(&second));

	tsv_wrap(first.data, first.size, &wrapped);
	assert_int_equal(wrapped.size, 256 + first.size);
	assert_int_equal(stm32_parse((const uint8_t *)wrapped.data, wrapped.size, &header, &err),
			 0);
	assert_string_equal(header.layout->name, "1.0");
	assert_int_equal(header.length, first.size);
	assert_int_equal(header.checksum,
			 stm32_checksum(0, (const uint8_t *)first.data, first.size));
	assert_memory_equal(wrapped.data + 256, first.data, first.size);
	buf_free(&first);
	buf_free(&second);
	buf_free(&wrapped);
	end(tsv);
	end(again);
}

static void has_limits(void **state)
{
	struct buf text = {0};
	struct tsv *tsv;
	struct err err;
	unsigned int i;

	(void)state;
	for (i = 0; i < 241; i++)
		buf_addf(&text, "-\t0x%x\tx%u\tBinary\tnor0\t%u\n", i, i, i * 65536);
	tsv = parse(buf_text(&text));
	assert_int_equal(tsv_verdict(tsv, "a.tsv", &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "a.tsv:241: more than 240"));
	end(tsv);
	while (text.size <= TSV_SIZE_MAX)
		buf_add_text(&text, "# and so on\n");
	tsv = parse(buf_text(&text));
	assert_int_equal(tsv_verdict(tsv, "a.tsv", &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "256 KiB"));
	end(tsv);
	buf_free(&text);
	tsv = xcalloc(1, sizeof(*tsv));
	tsv_parse(tsv, "P\0x", 3);
	assert_int_equal(tsv_verdict(tsv, "a.tsv", &err), -ERR_CONFIG);
	end(tsv);
}

static const struct tsv_media emmc_media[] = {{"mmc1", 4096 * MIB, 512 << 10}, {0}};

static void becomes_commands(void **state)
{
	struct tsv *tsv = parse(emmc);
	struct buf before = {0}, after = {0};
	const char *text;
	char place[16];

	(void)state;
	tsv_check(tsv, emmc_media, 0);
	assert_null(fast_layout_reason(tsv, emmc_media));
	assert_int_equal(fast_layout_device(tsv), 1);
	fast_layout_before(tsv, &before);
	fast_layout_after(tsv, &after);
	text = buf_text(&before);
	assert_memory_equal(text,
			    "mmc dev 1 || reset\n"
			    "mmc erase 2c00 2000 || reset\n"
			    "mmc erase 4c00 400 || reset\n"
			    "gpt write mmc 1 \"name=metadata1,start=0x80000,size=0x80000,"
			    "type=8a7a84a0-8387-40f6-ab41-a8b9a5a60d23,uuid=",
			    160);
	assert_non_null(strstr(text, ",bootable;name=rootfs,start=0x4a00000,size=0xfb580000,"
				     "type=0fc63daf-8483-4772-8e79-3d69d8477de4,"
				     "uuid=491f6117-415d-4f53-88c9-6e0de54deac6;\" || reset\n"
				     "mmc dev 1\n"));
	assert_string_equal(buf_text(&after), "mmc bootbus 1 0 0 0\nmmc partconf 1 1 2 0\n");
	fast_layout_place(tsv, tsv_find(tsv, 0x05), place);
	assert_string_equal(place, "1.2:0");
	fast_layout_place(tsv, tsv_find(tsv, 0x11), place);
	assert_string_equal(place, "1:7");
	buf_free(&before);
	buf_free(&after);
	end(tsv);
}

static void whole_media_have_no_table(void **state)
{
	struct tsv *tsv = parse(sdcard);
	struct buf before = {0}, after = {0};
	char place[16];

	(void)state;
	tsv_check(tsv, NULL, 0);
	assert_null(fast_layout_reason(tsv, NULL));
	fast_layout_before(tsv, &before);
	fast_layout_after(tsv, &after);
	assert_string_equal(buf_text(&before), "mmc dev 0 || reset\n");
	assert_string_equal(buf_text(&after), "");
	fast_layout_place(tsv, tsv_find(tsv, 0x10), place);
	assert_string_equal(place, "0:0");
	buf_free(&before);
	end(tsv);
}

static void not_every_layout_becomes_commands(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"P\t0x10\tx\tBinary\tnor0\t0\tx\n", "no mmc"},
		{"P\t0x10\tx\tBinary\tmmc1\t0x80000\tx\nP\t0x11\ty\tBinary\tmmc0\t0x4400\tx\n",
		 "several media"},
		{"P\t0x10\tx\tBinary\tmmc1\t0x80000\tx\n-\t0x11\ty\tBinary\tmmc1\t0x100000\n",
		 "in part"},
		{"P\t0x10\tx;y\tBinary\tmmc1\t0x80000\tx\n", "unusual"},
		{"PD\t0x10\tx\tBinary\tmmc1\tboot1\tx\n", "how much"},
		{"P\t0x10\tx\tRawImage\tmmc1\t0\tx\nP\t0x11\ty\tBinary\tmmc1\t0x80000\tx\n",
		 "whole image and partitions"},
		{"-\t0x01\tx\tBinary\tnone\t0\tx\n", "nothing is written"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tsv *tsv = parse(rows[i].text);

		tsv_check(tsv, emmc_media, 0);
		assert_non_null(fast_layout_reason(tsv, emmc_media));
		assert_non_null(strstr(fast_layout_reason(tsv, emmc_media), rows[i].says));
		end(tsv);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_raw_image),
		cmocka_unit_test(places_on_an_emmc),
		cmocka_unit_test(says_what_it_cannot_know),
		cmocka_unit_test(refuses_bad_lines),
		cmocka_unit_test(counts_physical_lines),
		cmocka_unit_test(an_empty_file_has_no_partition),
		cmocka_unit_test(knows_branches_of_uboot),
		cmocka_unit_test(checks_against_the_medium),
		cmocka_unit_test(warns_of_partial_updates),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(has_limits),
		cmocka_unit_test(becomes_commands),
		cmocka_unit_test(whole_media_have_no_table),
		cmocka_unit_test(not_every_layout_becomes_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
