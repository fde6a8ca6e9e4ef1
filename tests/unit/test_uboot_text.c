// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "proto/uboot.h"

static void bytes_transferred(void **state)
{
	static const struct {
		const char *output;
		bool good;
		uint64_t bytes;
	} rows[] = {
		{"TFTP from server 10.0.0.1\nBytes transferred = 32956352 (1f6dfc0 hex)\n", true,
		 32956352},
		{"Bytes transferred = 0 (0 hex)", true, 0},
		{"Bytes transferred = ", false, 0},
		{"Bytes transferred = 12x (c hex)", false, 0},
		{"Bytes transferred = 99999999999999999999999 (0)", false, 0},
		{"TFTP error: 'File not found' (1)", false, 0},
	};
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(uboot_bytes_transferred(rows[i].output, &bytes), rows[i].good);
		if (rows[i].good)
			assert_int_equal(bytes, rows[i].bytes);
	}
}

static void crc32_result(void **state)
{
	uint32_t crc;

	(void)state;
	assert_true(uboot_crc32("crc32 for 41000000 ... 42f6dfbf ==> d8e74ff3\n", &crc));
	assert_int_equal(crc, 0xd8e74ff3);
	assert_true(uboot_crc32("crc32 for 0 ... 0 ==> 00000000", &crc));
	assert_int_equal(crc, 0);
	assert_false(uboot_crc32("crc32 for 41000000 ... 42f6dfbf ==> d8e74f\n", &crc));
	assert_false(uboot_crc32("Unknown command 'crc32' - try 'help'", &crc));
	assert_false(uboot_crc32("==> ", &crc));
	assert_false(uboot_crc32("==> zzzzzzzz", &crc));
}

static void sha256_result(void **state)
{
	char sha256[SHA256_TEXT];

	(void)state;
	assert_true(uboot_sha256(
		"sha256 for 40200000 ... 402000ff ==> BA7816BF8F01CFEA414140DE5DAE2223B0"
		"0361A396177A9CB410FF61F20015AD\n",
		sha256));
	assert_string_equal(sha256,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_false(uboot_sha256("==> ba78", sha256));
}

static void environment(void **state)
{
	_cleanup_(buf_free) struct buf value = {0};

	(void)state;
	assert_true(uboot_env("ipaddr=192.168.77.140\n", "ipaddr", &value));
	assert_string_equal(buf_text(&value), "192.168.77.140");
	assert_true(uboot_env("noise\r\nipaddr=1.2.3.4\r\n", "ipaddr", &value));
	assert_string_equal(buf_text(&value), "1.2.3.4");
	assert_false(uboot_env("## Error: \"ipaddr\" not defined\n", "ipaddr", &value));
	assert_false(uboot_env("xipaddr=1.2.3.4\n", "ipaddr", &value));
}

static void quoting(void **state)
{
	_cleanup_(buf_free) struct buf line = {0};

	(void)state;
	assert_true(uboot_quote(&line, "a b;$c"));
	assert_string_equal(buf_text(&line), "'a b;$c'");
	assert_false(uboot_quote(&line, "it's"));
	assert_false(uboot_quote(&line, "a\nb"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_transferred), cmocka_unit_test(crc32_result),
		cmocka_unit_test(sha256_result),     cmocka_unit_test(environment),
		cmocka_unit_test(quoting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
