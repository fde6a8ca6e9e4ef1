// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/yaml.h"

static void sizes(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t bytes;
	} rows[] = {
		{"4096", true, 4096},       {"64K", true, 65536}, {"16MiB", true, 16 << 20},
		{"1MB", true, 1000000},     {"0x10", true, 16},   {"", false, 0},
		{"-1", false, 0},           {"1 K", false, 0},    {"12Q", false, 0},
		{"99999999999T", false, 0},
	};
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(text_size(rows[i].text, &bytes), rows[i].good);
		if (rows[i].good)
			assert_int_equal(bytes, rows[i].bytes);
	}
}

static void durations(void **state)
{
	int64_t ms;

	(void)state;
	assert_true(text_duration("1.5s", &ms));
	assert_int_equal(ms, 1500);
	assert_true(text_duration("5m", &ms));
	assert_int_equal(ms, 300000);
	assert_true(text_duration("30", &ms));
	assert_int_equal(ms, 30000);
	assert_false(text_duration("soon", &ms));
	assert_false(text_duration("1y", &ms));
}

static void nearest(void **state)
{
	static const char *const words[] = {"serial", "power", "network", NULL};

	(void)state;
	assert_string_equal(text_nearest("serail", words), "serial");
	assert_string_equal(text_nearest("Power", words), "power");
	assert_null(text_nearest("flashlight", words));
}

static void buffers(void **state)
{
	_cleanup_(buf_free) struct buf buf = {.max = 8};

	(void)state;
	assert_true(buf_add_text(&buf, "12345678"));
	assert_false(buf_add_char(&buf, '9'));
	assert_true(buf_over(&buf));
	assert_string_equal(buf_text(&buf), "12345678");
	buf_drop(&buf, 3);
	assert_string_equal(buf_text(&buf), "45678");
}

static void error_chain(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, ERR_BOARD, "bad reply '%s'", "x"), -ERR_BOARD);
	err_prefix(&err, "loading %s", "Image");
	assert_string_equal(err.text, "loading Image: bad reply 'x'");
	err_remedy(&err, "do it");
	assert_string_equal(err.remedy, "do it");
}

static void long_errors_are_cut(void **state)
{
	char text[3000];
	struct err err;
	int i;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, ERR_BOARD, "%s", text);
	for (i = 0; i < 50; i++)
		err_prefix(&err, "%s", text);
	assert_true(strlen(err.text) < sizeof(err.text));
}

static void confined(void **state)
{
	(void)state;
	assert_true(path_is_confined("data/Image"));
	assert_true(path_is_confined("..data"));
	assert_false(path_is_confined("../x"));
	assert_false(path_is_confined("a/../x"));
	assert_false(path_is_confined("a/.."));
	assert_false(path_is_confined("/etc/passwd"));
	assert_false(path_is_confined(""));
	assert_false(path_is_confined("a\nb"));
}

static void digests(void **state)
{
	char text[SHA256_TEXT];

	(void)state;
	sha256_text("abc", 3, text);
	assert_string_equal(text,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(crc32_add(0, "123456789", 9), 0xcbf43926);
}

static const struct key inner[] = {
	{"baud", KEY_UINT, false, "115200", "speed", NULL},
	{"url", KEY_TEXT, true, NULL, "address", NULL},
	{0},
};

static const struct key outer[] = {
	{"name", KEY_TEXT, true, NULL, "its name", NULL},
	{"serial", KEY_MAP, false, NULL, "the console", inner},
	{"keys", KEY_TEXTS, false, NULL, "texts", NULL},
	{0},
};

static void yaml_tables(void **state)
{
	static const struct {
		const char *text, *error, *remedy;
	} rows[] = {
		{"name: x\nserial: {url: a, baud: 9600}\nkeys: [a, b]\n", NULL, NULL},
		{"name: x\nserail: {}\n", "f:2:9: unknown key 'serail'", "did you mean 'serial'?"},
		{"name: x\nserial:\n  url: a\n  baud: fast\n", "f:4:9: 'baud' must be a number",
		 ""},
		{"serial: {url: a}\n", "f:1:1: 'name' is missing (its name)", ""},
		{"name: x\nserial: 3\n", "f:2:9: 'serial' must be a mapping of keys to values", ""},
		{"name: ~\n", "f:1:7: 'name' has no value", ""},
		{"name: a\nname: b\n", "f:2:1: 'name' is given twice", ""},
	};
	struct yaml **roots;
	struct err err;
	size_t count, i;
	int rc;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		err_clear(&err);
		rc = yaml_parse("f", rows[i].text, strlen(rows[i].text), &roots, &count, &err);
		if (rc == 0) {
			rc = yaml_check(roots[0], outer, &err);
			yaml_free_all(roots, count);
		}
		assert_int_equal(rc, rows[i].error ? -ERR_CONFIG : 0);
		if (rows[i].error) {
			assert_string_equal(err.text, rows[i].error);
			assert_string_equal(err.remedy, rows[i].remedy);
		}
	}
}

static void processes(void **state)
{
	static const char *const echo[] = {"sh", "-c", "echo out; echo err >&2; exit 3", NULL};
	static const char *const missing[] = {"no-such-program-here", NULL};
	static const char *const endless[] = {"sleep", "1000", NULL};
	struct process_result result;
	struct err err;
	int cancel[2];

	(void)state;
	assert_int_equal(process_run(echo, &result, DEADLINE_NEVER, &err), 0);
	assert_int_equal(result.status, 3);
	assert_string_equal(buf_text(&result.out), "out\nerr\n");
	buf_free(&result.out);
	assert_int_equal(process_run(missing, &result, DEADLINE_NEVER, &err), -ERR_HOST);
	assert_int_equal(pipe(cancel), 0);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	assert_int_equal(process_run(endless, &result, deadline_of_cancel(cancel[0], 60000), &err),
			 -ERR_CANCELLED);
	buf_free(&result.out);
	close(cancel[0]);
	close(cancel[1]);
}

static int note_pid(void *context, pid_t pid, struct err *err)
{
	pid_t *noted = context;

	if (*noted < 0)
		return err_set(err, ERR_HOST, "not today");
	*noted = pid;
	return 0;
}

/* The program runs after it was noted, or not at all. */
static void noted_processes(void **state)
{
	char log[] = "/tmp/aboard-test-XXXXXX";
	const char *const argv[] = {"sh", "-c", "echo ran", NULL};
	_cleanup_(buf_free) struct buf text = {0};
	pid_t noted = -1, pid;
	struct err err;
	int fd = mkstemp(log);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(process_start_noted(argv, log, note_pid, &noted, &pid, &err), -ERR_HOST);
	assert_string_equal(err.text, "not today");
	assert_int_equal(waitpid(pid, NULL, 0), -1);
	assert_int_equal(path_read(log, 100, &text, &err), 0);
	assert_int_equal(text.size, 0);
	noted = 0;
	assert_int_equal(process_start_noted(argv, log, note_pid, &noted, &pid, &err), 0);
	assert_int_equal(noted, pid);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(path_read(log, 100, &text, &err), 0);
	assert_string_equal(buf_text(&text), "ran\n");
	unlink(log);
}

static void secrets_are_hidden(void **state)
{
	_cleanup_(buf_free) struct buf text = {0};
	struct secrets *secrets;
	struct err err;

	(void)state;
	assert_int_equal(secrets_new(&secrets, NULL, &err), 0);
	secrets_remember(secrets, "hunter22");
	buf_add_text(&text, "login hunter22 and hunter22");
	secrets_hide(secrets, &text);
	assert_string_equal(buf_text(&text), "login *** and ***");
	secrets_remember(secrets, "hunter22-and-more");
	buf_clear(&text);
	buf_add_text(&text, "hunter22-and-more, hunter22");
	secrets_hide(secrets, &text);
	assert_string_equal(buf_text(&text), "***, ***");
	secrets_free(secrets);
}

static void bytes_become_text(void **state)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {
		{"plain", "plain"},
		{"", ""},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"a\xff"
		 "b",
		 "a\xef\xbf\xbd"
		 "b"},
		{"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xff\xf0\x9f\x98\x80", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
	};
	json_t *json;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		json = json_text(rows[i].bytes);
		assert_string_equal(json_string_value(json), rows[i].text);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations),
		cmocka_unit_test(nearest),
		cmocka_unit_test(buffers),
		cmocka_unit_test(error_chain),
		cmocka_unit_test(long_errors_are_cut),
		cmocka_unit_test(confined),
		cmocka_unit_test(digests),
		cmocka_unit_test(yaml_tables),
		cmocka_unit_test(processes),
		cmocka_unit_test(noted_processes),
		cmocka_unit_test(secrets_are_hidden),
		cmocka_unit_test(bytes_become_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
