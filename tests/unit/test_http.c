// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "io/http.h"

static void display_urls(void **state)
{
	static const struct {
		const char *url, *shown;
	} rows[] = {
		{"https://me:secret@host/a?token=x#y", "https://host/a"},
		{"http://host", "http://host/"},
		{"http://me@host:8080/a", "http://host:8080/a"},
		{"http://me:a b@host/x y?secret", "http://host/x y"},
		{"me:secret@nothing/x", "nothing/x"},
		{"http://a/b@c", "http://a/b@c"},
		{"?secret", ""},
		{"", ""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *shown = http_display_url(rows[i].url);

		assert_string_equal(shown, rows[i].shown);
	}
}

static void origins(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"http://host/a", "http://host:80/b?c", true},
		{"https://HOST/", "https://host:443/", true},
		{"http://host/", "https://host/", false},
		{"http://host/", "http://host:8080/", false},
		{"http://host/", "http://host.example/", false},
		{"http://127.0.0.1/", "http://localhost/", false},
		{"nothing", "nothing", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(http_same_origin(rows[i].a, rows[i].b), rows[i].same);
}

static void resolving(void **state)
{
	static const struct {
		const char *url, *location, *resolved;
	} rows[] = {
		{"http://host/a/b?c", "/d", "http://host/d"},
		{"http://host/a/b", "d?e=f", "http://host/a/d?e=f"},
		{"http://host/a", "https://me:pw@other/x#y", "https://other/x"},
		{"https://host/a", "//other/x", "https://other/x"},
		{"http://host/a", "file:///etc/passwd", NULL},
		{"http://host/a", "ftp://host/", NULL},
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *resolved = NULL;
		int rc = http_resolve(rows[i].url, rows[i].location, &resolved, &err);

		assert_int_equal(rc, rows[i].resolved ? 0 : -ERR_NETWORK);
		if (rows[i].resolved)
			assert_string_equal(resolved, rows[i].resolved);
	}
}

static void headers(void **state)
{
	static const struct {
		const char *header;
		bool good;
	} rows[] = {
		{"X-Key: value", true},
		{"X-Key:", true},
		{"X!#$%&'*+.^_`|~9: \t\"x\"", true},
		{"X-Key", false},
		{": value", false},
		{"", false},
		{"X Key: value", false},
		{"X\xc3\xa4: v", false},
		{"X: a\nY: b", false},
		{"X: a\r", false},
		{"X: \x7f", false},
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(http_check_header(rows[i].header, &err),
				 rows[i].good ? 0 : -ERR_USAGE);
	http_check_header("secret without a colon", &err);
	assert_null(strstr(err.text, "secret"));
}

static void bearers(void **state)
{
	_cleanup_(freep) char *longest = xmalloc(4098);
	struct err err;

	(void)state;
	memset(longest, 'x', 4097);
	longest[4097] = '\0';
	assert_int_equal(http_check_bearer(longest, &err), -ERR_USAGE);
	longest[4096] = '\0';
	assert_int_equal(http_check_bearer(longest, &err), 0);
	assert_int_equal(http_check_bearer("a.b-c_d~e+f/g==", &err), 0);
	assert_int_equal(http_check_bearer("", &err), -ERR_USAGE);
	assert_int_equal(http_check_bearer("se cret", &err), -ERR_USAGE);
	assert_null(strstr(err.text, "cret"));
	assert_int_equal(http_check_bearer("a\"b", &err), -ERR_USAGE);
	assert_int_equal(http_check_bearer("a\\b", &err), -ERR_USAGE);
	assert_int_equal(http_check_bearer("a\xc3\xa4", &err), -ERR_USAGE);
}

static void status_errors(void **state)
{
	static const struct {
		long status;
		enum err_kind kind;
	} rows[] = {
		{401, ERR_AUTH},    {403, ERR_AUTH},    {404, ERR_NOT_FOUND}, {410, ERR_NOT_FOUND},
		{500, ERR_NETWORK}, {302, ERR_NETWORK}, {999, ERR_NETWORK},
	};
	struct http_response response = {0};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		response.status = rows[i].status;
		assert_int_equal(http_status_err("http://me:pw@host/x?y", &response, &err),
				 -(int)rows[i].kind);
		assert_non_null(strstr(err.text, "http://host/x: HTTP status"));
	}
	buf_add(&response.body, "\x1f\x8b\x00\x01 binary", 11);
	http_status_err("http://host/", &response, &err);
	assert_null(strstr(err.text, "binary"));
	buf_clear(&response.body);
	buf_add_text(&response.body, "two\r\n  lines\n");
	http_status_err("http://host/", &response, &err);
	assert_non_null(strstr(err.text, ": two lines"));
	http_response_free(&response);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(display_urls), cmocka_unit_test(origins),
		cmocka_unit_test(resolving),    cmocka_unit_test(headers),
		cmocka_unit_test(bearers),      cmocka_unit_test(status_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
