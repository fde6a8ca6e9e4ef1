// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"
#include "drivers/stm32mp/otp.h"
#include "drivers/stm32mp/script.h"

#define MIB ((size_t)1 << 20)

static const struct script_settings settings = {
	.interface = "mmc", .device = 1, .memory = 0xc0000000};

/* 40 MiB and 100 bytes, of which only the first 17 MiB are not zero. */
static char *make_image(void)
{
	size_t size = 40 * MIB + 100, i;
	char *path = xasprintf("/tmp/aboard-script-%d.img", (int)getpid());
	_cleanup_(freep) uint8_t *bytes = xcalloc(1, size);
	struct err err;

	for (i = 0; i < 17 * MIB; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 24);
	assert_int_equal(path_write(path, bytes, size, 0600, &err), 0);
	return path;
}

static void measure(struct script *script, const char *path)
{
	struct image_options options = {0};
	struct image *image;
	struct err err;

	assert_int_equal(image_open(&image, path, &options, DEADLINE_NEVER, &err), 0);
	assert_int_equal(script_measure(script, image, (struct script_place){0}, &err), 0);
	image_close(image);
}

static uint32_t crc_of(const char *bytes, size_t from, size_t size)
{
	return crc32_add(0, bytes + from, size);
}

static void measures_slices(void **state)
{
	_cleanup_(freep) char *path = make_image();
	struct buf bytes = {.max = 64 * MIB};
	struct script script = {0};
	struct err err;

	(void)state;
	assert_int_equal(path_read(path, 64 * MIB, &bytes, &err), 0);
	measure(&script, path);
	assert_int_equal(script.count, 3);
	assert_int_equal(script.ranges[1].offset, 16 * MIB);
	assert_int_equal(script.ranges[2].size, 8 * MIB + 100);
	assert_int_equal(script.ranges[0].crc, crc_of(bytes.data, 0, 16 * MIB));
	assert_int_equal(script.ranges[1].crc, crc_of(bytes.data, 16 * MIB, 16 * MIB));
	assert_int_equal(script.ranges[2].crc, crc_of(bytes.data, 32 * MIB, 8 * MIB + 100));
	assert_int_equal(script_groups(&script), 3);
	assert_int_equal(script_first(&script, 2)->offset, 32 * MIB);
	script_free(&script);
	buf_free(&bytes);
	unlink(path);
}

static void writes_the_script(void **state)
{
	struct script_range ranges[] = {{0, SCRIPT_SLICE, 0x11223344, 0},
					{SCRIPT_SLICE, 513, 5, 0}};
	struct script script = {ranges, 2, 2};
	struct buf text = {0};
	struct err err;

	(void)state;
	assert_int_equal(script_text(&script, &settings, &text, &err), 0);
	assert_string_equal(buf_text(&text),
			    "fastboot usb 0 || reset\n"
			    "setenv fastboot.crc0\n"
			    "setenv fastboot.crc1\n"
			    "mmc dev 1\n"
			    "mw c1000000 0 5\n"
			    "mmc read c0000000 0 8000 && crc32 c0000000 1000000 c1000010\n"
			    "crc32 c1000010 4 c1000000 && setexpr crc *c1000000 && "
			    "setenv fastboot.crc0 ${crc}\n"
			    "mw c1000000 0 5\n"
			    "mmc read c0000000 8000 2 && crc32 c0000000 201 c1000010\n"
			    "crc32 c1000010 4 c1000000 && setexpr crc *c1000000 && "
			    "setenv fastboot.crc1 ${crc}\n"
			    "fastboot usb 0\n");
	buf_free(&text);
}

/* What a U-Boot of either kind has in its variable, for two ranges: counted here anew. */
static void knows_both_orders(void **state)
{
	struct script_range ranges[65] = {{0, 512, 0x11223344, 0}, {512, 512, 0x55667788, 0}};
	struct script script = {ranges, 65, 65};
	static const uint8_t big[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
	static const uint8_t little[] = {0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55};
	uint32_t crc = crc32_add(0, big, sizeof(big));

	(void)state;
	assert_true(script_matches(&script, 0, __builtin_bswap32(crc)));
	assert_false(script_matches(&script, 0, crc));
	assert_true(script_matches(&script, 0, crc32_add(0, little, sizeof(little))));
	assert_false(script_matches(&script, 0, 0));
}

static void erases_first(void **state)
{
	struct script_range ranges[] = {{0, 512, 1, 0}};
	struct script script = {ranges, 1, 1, 0, 0};
	struct script_settings own = settings;
	struct buf text = {0};
	struct err err;

	(void)state;
	own.erase = 8 * MIB;
	own.before = "mmc dev 1 || reset\n";
	assert_int_equal(script_text(&script, &own, &text, &err), 0);
	assert_non_null(strstr(buf_text(&text),
			       "mmc dev 1 || reset\n"
			       "setenv fastboot.zero\n"
			       "mmc erase 0 4000 && mmc read c0000000 0 800 && "
			       "crc32 c0000000 100000 c1000000 && setexpr crc *c1000000 && "
			       "setenv fastboot.zero ${crc}\n"
			       "fastboot usb 0 || reset\n"));
	buf_free(&text);
	/* As zlib counts it over a mebibyte of zeros. */
	assert_true(script_is_zero(0xa738ea1c));
	assert_true(script_is_zero(0x1cea38a7));
	assert_false(script_is_zero(0));
}

static void groups_many_ranges(void **state)
{
	struct script script = {.ranges = xcalloc(1000, sizeof(struct script_range))};
	struct buf text = {0};
	struct err err;

	(void)state;
	for (; script.count < 1000; script.count++)
		script.ranges[script.count] =
			(struct script_range){script.count * 8192, 4096, (uint32_t)script.count, 0};
	assert_true(script_groups(&script) <= SCRIPT_GROUPS);
	assert_int_equal(script_last(&script, script_groups(&script) - 1)->offset, 999 * 8192);
	assert_false(script_matches(&script, 0, 0));
	assert_int_equal(script_text(&script, &settings, &text, &err), 0);
	buf_free(&text);
	script.ranges = xrealloc(script.ranges, 10000, sizeof(struct script_range));
	for (; script.count < 10000; script.count++)
		script.ranges[script.count] =
			(struct script_range){script.count * 8192, 4096, (uint32_t)script.count, 0};
	assert_int_equal(script_text(&script, &settings, &text, &err), -ERR_IMAGE);
	buf_free(&text);
	script_free(&script);
}

static void reads_words(void **state)
{
	static const struct {
		const char *text, *words; /* NULL: refused */
	} rows[] = {
		{"57 0x12345678\n", "57=0x12345678"},
		{"# board id\n0x3b 1 lock # for good\r\n\n60 0xffffffff", "59=0x00000001 (locked), "
									  "60=0xffffffff"},
		{"", NULL},
		{"57\n", NULL},
		{"57 0x100000000\n", NULL},
		{"5000 1\n", NULL},
		{"57 1 locked\n", NULL},
		{"57 1 lock now\n", NULL},
		{"57 1\n57 2\n", NULL},
		{"x 1\n", NULL},
	};
	struct otp_words words;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf list = {0};
		int rc = otp_words_parse(&words, "otp.txt", rows[i].text, strlen(rows[i].text),
					 &err);

		assert_int_equal(rc, rows[i].words ? 0 : -ERR_CONFIG);
		otp_words_text(&words, &list);
		if (rows[i].words)
			assert_string_equal(buf_text(&list), rows[i].words);
		buf_free(&list);
	}
}

/* The structure of an MP1: 96 words, all zero but for what is put in. */
static void begin(uint8_t otp[776], unsigned int word, uint8_t value, uint8_t status_high)
{
	memset(otp, 0, 776);
	otp[0] = 2;
	otp[8 + 8 * word] = value;
	otp[8 + 8 * word + 7] = status_high;
}

static void applies_words(void **state)
{
	static const struct {
		const char *text;
		uint8_t value, status_high; /* of word 57 before */
		int rc;
	} rows[] = {
		{"57 0xf1", 0x01, 0x00, 0},          {"57 0xf1", 0x00, 0x00, 0},
		{"57 0xf1", 0x02, 0x00, -ERR_BOARD}, /* a bit would have to be cleared */
		{"57 0xf1", 0x01, 0x40, -ERR_BOARD}, /* locked */
		{"57 0xf1", 0x01, 0x08, -ERR_BOARD}, /* locked until the next reset */
		{"57 0xf1", 0xf1, 0x40, 0},          /* nothing to be done */
		{"57 0xf1 lock", 0xf1, 0x00, 0},     /* only to be locked */
		{"57 0xf1", 0x00, 0x04, -ERR_BOARD}, /* lock error */
		{"96 1", 0x00, 0x00, -ERR_BOARD},    /* no such word */
	};
	uint8_t otp[776], before[776];
	struct otp_words words;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(otp, 57, rows[i].value, rows[i].status_high);
		memcpy(before, otp, sizeof(otp));
		otp_words_parse(&words, "x", rows[i].text, strlen(rows[i].text), &err);
		assert_int_equal(otp_apply(otp, sizeof(otp), &words, &err), rows[i].rc);
		if (rows[i].rc < 0)
			assert_memory_equal(otp, before, sizeof(otp));
		else
			assert_int_equal(otp[8 + 8 * 57], 0xf1);
	}
	/* The last good one but one asked for nothing, this one for an update. */
	begin(otp, 57, 0, 0);
	otp_words_parse(&words, "x", "57 0xf1 lock", 12, &err);
	assert_int_equal(otp_apply(otp, sizeof(otp), &words, &err), 0);
	assert_int_equal(otp[8 + 8 * 57 + 7], 0xc0);
	assert_int_equal(otp_compare(otp, sizeof(otp), &words, &err), 0);
	otp[8 + 8 * 57] = 0xf0;
	assert_int_equal(otp_compare(otp, sizeof(otp), &words, &err), -ERR_VERIFY);
	assert_int_equal(otp_apply(otp, 775, &words, &err), -ERR_BOARD);
	otp[0] = 1;
	assert_int_equal(otp_compare(otp, sizeof(otp), &words, &err), -ERR_BOARD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measures_slices),    cmocka_unit_test(writes_the_script),
		cmocka_unit_test(knows_both_orders),  cmocka_unit_test(erases_first),
		cmocka_unit_test(groups_many_ranges), cmocka_unit_test(reads_words),
		cmocka_unit_test(applies_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
