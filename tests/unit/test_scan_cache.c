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

#include "base/mem.h"
#include "base/path.h"
#include "engine/scan_cache.h"
#include "rig/home_rig.h"

#define GIVEN "0000000000000000000000000000000000000000000000000000000000000001"
#define OTHER "0000000000000000000000000000000000000000000000000000000000000002"
#define UPPER "000000000000000000000000000000000000000000000000000000000000000A"
#define FOUND "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff1"

static const struct scan example = {.codec = "xz",
				    .layout = "android-sparse",
				    .given_size = 1000,
				    .size = 4ULL << 30,
				    .sha256 = FOUND,
				    .data_bytes = 3ULL << 30};

static void what_was_put(void **state)
{
	struct scan scan;
	struct err err;

	(void)state;
	assert_false(scan_cache_get(GIVEN, &scan));
	assert_int_equal(scan_cache_put(GIVEN, &example, &err), 0);
	assert_true(scan_cache_get(GIVEN, &scan));
	assert_memory_equal(&scan, &example, sizeof(scan));
	assert_false(scan_cache_get(OTHER, &scan));
}

static void bad_names(void **state)
{
	static const char *const names[] = {"", "../../x", "0", GIVEN "0", UPPER};
	struct scan scan;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		assert_false(scan_cache_get(names[i], &scan));
		assert_int_equal(scan_cache_put(names[i], &example, &err), -ERR_INTERNAL);
	}
}

#define HEAD "{\"version\":1,\"given_sha256\":\"" GIVEN "\",\"codec\":"
#define TAIL ",\"layout\":\"raw\",\"given_size\":1,\"size\":2,\"sha256\":\"" FOUND "\","

static void hostile_files_are_misses(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{HEAD "\"xz\"" TAIL "\"data_bytes\":2}", true},
		{"", false},
		{"[]", false},
		{"{\"version\":1}", false},
		{HEAD "\"xz\"" TAIL "\"data_bytes\":2", false},
		{HEAD "\"xz\"" TAIL "\"data_bytes\":2,\"more\":1}", false},
		{HEAD "\"xz\"" TAIL "\"data_bytes\":2,\"size\":9}", false},
		{HEAD "\"xz\"" TAIL "\"data_bytes\":3}", false},
		{HEAD "\"xz\"" TAIL "\"data_bytes\":-1}", false},
		{HEAD "\"xz\"" TAIL "\"data_bytes\":\"2\"}", false},
		{HEAD "7" TAIL "\"data_bytes\":2}", false},
		{HEAD "\"\"" TAIL "\"data_bytes\":2}", false},
		{HEAD "\"x\\u001b[1m\"" TAIL "\"data_bytes\":2}", false},
		{HEAD "\"a-word-that-is-longer-than-any-codec\"" TAIL "\"data_bytes\":2}", false},
		{"{\"version\":2,\"given_sha256\":\"" GIVEN "\",\"codec\":\"xz\"" TAIL
		 "\"data_bytes\":2}",
		 false},
		{"{\"version\":1,\"given_sha256\":\"" OTHER "\",\"codec\":\"xz\"" TAIL
		 "\"data_bytes\":2}",
		 false},
	};
	_cleanup_(freep) char *path = xasprintf("%s/cache/scans/" GIVEN ".json", (char *)*state);
	struct scan scan;
	struct err err;
	size_t i;

	assert_int_equal(scan_cache_put(GIVEN, &example, &err), 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(path_write(path, rows[i].text, strlen(rows[i].text), 0600, &err),
				 0);
		assert_int_equal(scan_cache_get(GIVEN, &scan), rows[i].good);
	}
	assert_int_equal(truncate(path, 1 << 30), 0);
	assert_false(scan_cache_get(GIVEN, &scan));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(scan_cache_get(GIVEN, &scan));
	assert_int_equal(scan_cache_put(GIVEN, &example, &err), -ERR_HOST);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, home_set_up, home_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(what_was_put),
		IN_PLACE(bad_names),
		IN_PLACE(hostile_files_are_misses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
