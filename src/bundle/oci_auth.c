// SPDX-License-Identifier: MIT
#include "bundle/oci_auth.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "bundle/json.h"

#define TOKEN_REPLY_MAX ((size_t)256 << 10)

void oci_challenge_free(struct oci_challenge *challenge)
{
	free(challenge->realm);
	free(challenge->service);
	free(challenge->scope);
	*challenge = (struct oci_challenge){0};
}

static const char *skip(const char *at, const char *what)
{
	return at + strspn(at, what);
}

static size_t word_length(const char *at)
{
	return strcspn(at, " \t,=\"");
}

/* A quoted string or a word; owned by the caller. Moves *at behind it. */
static char *take_value(const char **at)
{
	struct buf out = {0};
	const char *c = *at;
	size_t length;

	if (*c != '"') {
		length = strcspn(c, " \t,");
		*at = c + length;
		return xstrndup(c, length);
	}
	for (c++; *c && *c != '"'; c++) {
		if (*c == '\\' && c[1])
			c++;
		buf_add_char(&out, *c);
	}
	*at = *c ? c + 1 : c;
	return buf_steal(&out);
}

static void keep_value(struct oci_challenge *challenge, const char *name, size_t length,
		       char *value)
{
	const struct {
		const char *name;
		char **place;
	} rows[] = {
		{"realm", &challenge->realm},
		{"service", &challenge->service},
		{"scope", &challenge->scope},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strlen(rows[i].name) == length &&
		    strncasecmp(rows[i].name, name, length) == 0 && !*rows[i].place) {
			*rows[i].place = value;
			return;
		}
	}
	free(value);
}

/* Reads SCHEME NAME=VALUE, ... ; returns where the next scheme begins. */
static const char *take_challenge(const char *at, struct oci_challenge *challenge, bool *basic)
{
	size_t length = word_length(at);
	const char *equals;

	*challenge = (struct oci_challenge){0};
	challenge->bearer = length == 6 && strncasecmp(at, "Bearer", 6) == 0;
	*basic = length == 5 && strncasecmp(at, "Basic", 5) == 0;
	at = skip(at + length, " \t,");
	while (*at) {
		length = word_length(at);
		equals = skip(at + length, " \t");
		if (length && *equals != '=')
			break;
		equals = *equals == '=' ? skip(equals + 1, " \t") : at + 1;
		if (length)
			keep_value(challenge, at, length, take_value(&equals));
		at = skip(equals, " \t,");
	}
	return at;
}

static bool is_http(const char *realm)
{
	return realm && (text_starts(realm, "http://") || text_starts(realm, "https://"));
}

int oci_challenge_parse(struct oci_challenge *challenge, const char *header, struct err *err)
{
	bool basic, any_basic = false;
	const char *at = skip(header, " \t,");
	const char *before;

	while (*at) {
		before = at;
		at = take_challenge(at, challenge, &basic);
		if (challenge->bearer && is_http(challenge->realm))
			return 0;
		any_basic = any_basic || basic;
		oci_challenge_free(challenge);
		if (at == before)
			break;
	}
	*challenge = (struct oci_challenge){0};
	if (any_basic)
		return 0;
	return err_set(err, ERR_AUTH,
		       "the registry wants a way of authentication that is neither"
		       " Bearer nor Basic");
}

static void add_query(struct buf *url, const char *name, const char *value)
{
	char *escaped = curl_easy_escape(NULL, value, 0);

	if (!escaped)
		abort();
	buf_addf(url, "%c%s=%s", strchr(buf_text(url), '?') ? '&' : '?', name, escaped);
	curl_free(escaped);
}

/* The password goes to a realm only when that is as safe as the registry itself. */
static bool may_tell(const char *base, const char *realm)
{
	return text_starts(realm, "https://") || text_starts(base, "http://");
}

static int read_token(const struct buf *body, char **token, struct err *err)
{
	json_error_t reason;
	_cleanup_(json_freep) json_t *root = json_loadb(buf_text(body), body->size, 0, &reason);
	const char *text = json_string_value(json_object_get(root, "token"));

	if (!text)
		text = json_string_value(json_object_get(root, "access_token"));
	if (!text || http_check_bearer(text, err) < 0)
		return err_set(err, ERR_AUTH, "the answer holds no usable token");
	*token = xstrdup(text);
	return 0;
}

static int ask(const struct http_request *request, char **token, struct deadline deadline,
	       struct err *err)
{
	_cleanup_(http_response_free) struct http_response response = {0};
	int rc = http_exchange(request, TOKEN_REPLY_MAX, &response, deadline, err);

	if (rc == 0)
		rc = response.status == 200 ? read_token(&response.body, token, err)
					    : http_status_err(request->url, &response, err);
	if (response.body.data)
		explicit_bzero(response.body.data, response.body.size);
	return rc;
}

int oci_token_fetch(char **token, const struct oci_challenge *challenge, const char *base,
		    const char *scope, const struct oci_login *login,
		    const struct http_options *http, struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf url = {0};
	struct http_request request = {.accept = "application/json"};

	request.options.ca_file = http->ca_file;
	request.options.insecure = http->insecure;
	request.options.connect_ms = http->connect_ms;
	request.options.stall_ms = http->stall_ms;
	buf_add_text(&url, challenge->realm);
	if (challenge->service)
		add_query(&url, "service", challenge->service);
	add_query(&url, "scope", challenge->scope ? challenge->scope : scope);
	request.url = buf_text(&url);
	if (login->username && may_tell(base, challenge->realm)) {
		request.options.username = login->username;
		request.options.password = login->password;
	} else if (login->username) {
		return err_set(err, ERR_AUTH,
			       "the registry wants the password sent unencrypted to %.200s",
			       challenge->realm);
	}
	if (ask(&request, token, deadline, err) < 0)
		return err_prefix(err, "asking for a token");
	return 0;
}
