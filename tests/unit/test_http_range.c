// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "serve/http_range.h"

static void ranges(void **state)
{
	static const struct {
		const char *header;
		uint64_t size;
		struct http_range wanted;
	} rows[] = {
		{NULL, 10, {HTTP_RANGE_NONE, 0, 10}},
		{"bytes=0-", 10, {HTTP_RANGE_PART, 0, 10}},
		{"Bytes=0-0", 10, {HTTP_RANGE_PART, 0, 1}},
		{"bytes=3-5", 10, {HTTP_RANGE_PART, 3, 3}},
		{"bytes=3-99999999999999999999999", 10, {HTTP_RANGE_PART, 3, 7}},
		{"bytes=9-9", 10, {HTTP_RANGE_PART, 9, 1}},
		{"bytes=-4", 10, {HTTP_RANGE_PART, 6, 4}},
		{"bytes=-40", 10, {HTTP_RANGE_PART, 0, 10}},
		{"bytes=4294967296-", 8589934592, {HTTP_RANGE_PART, 4294967296, 4294967296}},
		{"bytes=10-", 10, {HTTP_RANGE_OUTSIDE, 0, 0}},
		{"bytes=99999999999999999999999-", 10, {HTTP_RANGE_OUTSIDE, 0, 0}},
		{"bytes=-0", 10, {HTTP_RANGE_OUTSIDE, 0, 0}},
		{"bytes=0-", 0, {HTTP_RANGE_OUTSIDE, 0, 0}},
		{"bytes=-1", 0, {HTTP_RANGE_OUTSIDE, 0, 0}},
		{"bytes=5-3", 10, {HTTP_RANGE_NONE, 0, 10}},
		{"bytes=-", 10, {HTTP_RANGE_NONE, 0, 10}},
		{"bytes=", 10, {HTTP_RANGE_NONE, 0, 10}},
		{"bytes=1", 10, {HTTP_RANGE_NONE, 0, 10}},
		{"bytes=0-1,3-4", 10, {HTTP_RANGE_NONE, 0, 10}},
		{"bytes=0x1-2", 10, {HTTP_RANGE_NONE, 0, 10}},
		{"bytes= 1-2", 10, {HTTP_RANGE_NONE, 0, 10}},
		{"lines=1-2", 10, {HTTP_RANGE_NONE, 0, 10}},
	};
	struct http_range got;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		got = http_range_parse(rows[i].header, rows[i].size);
		assert_int_equal(got.kind, rows[i].wanted.kind);
		assert_int_equal(got.start, rows[i].wanted.start);
		assert_int_equal(got.length, rows[i].wanted.length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
