// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "engine/plan.h"

/* What is shown keeps the order it was said in; what is digested is sorted. */
#define SHOWN                                                                     \
	"{\"facts\":{\"target\":{\"name\":\"emmc\",\"device\":\"/dev/mmcblk0\"}," \
	"\"image\":{\"size\":1048576,\"name\":\"a \\\"b\\\" \xc3\xbc\"}},"        \
	"\"steps\":[\"power cycle\",\"write 1.0 MiB\"],\"warnings\":[\"not signed\"]}"
#define CANONICAL                                                                     \
	"{\"facts\":{\"image\":{\"name\":\"a \\\"b\\\" \xc3\xbc\",\"size\":1048576}," \
	"\"target\":{\"device\":\"/dev/mmcblk0\",\"name\":\"emmc\"}},"                \
	"\"steps\":[\"power cycle\",\"write 1.0 MiB\"],\"warnings\":[\"not signed\"]}"

static struct plan *example(void)
{
	struct plan *plan = plan_new();

	plan_fact(plan, "target", "name", "%s", "emmc");
	plan_fact(plan, "target", "device", "/dev/mmcblk%d", 0);
	plan_fact_bytes(plan, "image", "size", 1 << 20);
	plan_fact(plan, "image", "name", "a \"b\" \xc3\xbc");
	plan_step(plan, "power cycle");
	plan_step(plan, "write %s", "1.0 MiB");
	plan_warn(plan, "not %s", "signed");
	return plan;
}

static void shown_in_order(void **state)
{
	struct plan *plan = example();
	char *text = json_dumps(plan_json(plan), JSON_COMPACT);

	(void)state;
	assert_string_equal(text, SHOWN);
	free(text);
	plan_free(plan);
}

static void digest_is_of_the_canonical_form(void **state)
{
	struct plan *plan = example();
	char digest[SHA256_TEXT], wanted[SHA256_TEXT];

	(void)state;
	plan_digest(plan, digest);
	sha256_text(CANONICAL, strlen(CANONICAL), wanted);
	assert_string_equal(digest, wanted);
	plan_free(plan);
}

static void order_of_facts_does_not_count(void **state)
{
	struct plan *a = plan_new(), *b = plan_new();
	char one[SHA256_TEXT], other[SHA256_TEXT];

	(void)state;
	plan_fact(a, "image", "codec", "xz");
	plan_fact(a, "board", "name", "demo");
	plan_fact(b, "board", "name", "other");
	plan_fact(b, "image", "codec", "xz");
	plan_fact(b, "board", "name", "demo");
	plan_digest(a, one);
	plan_digest(b, other);
	assert_string_equal(one, other);
	plan_step(a, "boot");
	plan_digest(a, other);
	assert_string_not_equal(one, other);
	plan_free(a);
	plan_free(b);
}

static void odd_values(void **state)
{
	struct plan *plan = plan_new();
	char digest[SHA256_TEXT];
	char *text;

	(void)state;
	plan_fact_bytes(plan, "image", "size", UINT64_MAX);
	plan_fact(plan, "image", "name", "\xff");
	plan_digest(plan, digest);
	text = json_dumps(plan_json(plan), JSON_COMPACT);
	assert_string_equal(text,
			    "{\"facts\":{\"image\":{\"size\":null,\"name\":\"\xef\xbf\xbd\"}},"
			    "\"steps\":[],\"warnings\":[]}");
	free(text);
	plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown_in_order),
		cmocka_unit_test(digest_is_of_the_canonical_form),
		cmocka_unit_test(order_of_facts_does_not_count),
		cmocka_unit_test(odd_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
