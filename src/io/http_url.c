// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/http_transfer.h"

#define BEARER_MAX 4096

static void curlu_freep(CURLU **url)
{
	curl_url_cleanup(*url);
}

/* A part as owned text; NULL when the URL does not have it. */
static char *url_part(CURLU *url, CURLUPart part, unsigned int flags)
{
	char *text = NULL, *copy;

	if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
		return NULL;
	copy = xstrdup(text);
	curl_free(text);
	return copy;
}

static CURLU *url_parse(const char *text)
{
	CURLU *url = curl_url();

	if (!url)
		abort();
	if (curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK)
		return url;
	curl_url_cleanup(url);
	return NULL;
}

static bool is_http(CURLU *url)
{
	_cleanup_(freep) char *scheme = url_part(url, CURLUPART_SCHEME, 0);

	return text_equal(scheme, "http") || text_equal(scheme, "https");
}

static void drop_credentials(CURLU *url)
{
	curl_url_set(url, CURLUPART_USER, NULL, 0);
	curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
	curl_url_set(url, CURLUPART_OPTIONS, NULL, 0);
}

int http_url_split(const char *text, char **plain, char **username, char **password,
		   struct err *err)
{
	_cleanup_(curlu_freep) CURLU *url = url_parse(text);
	_cleanup_(freep) char *shown = NULL;

	if (!url || !is_http(url)) {
		shown = http_display_url(text);
		return err_set(err, ERR_USAGE, "%s is no http or https URL", shown);
	}
	*username = url_part(url, CURLUPART_USER, CURLU_URLDECODE);
	*password = url_part(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
	drop_credentials(url);
	curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
	*plain = url_part(url, CURLUPART_URL, 0);
	return 0;
}

int http_url_resolve(const char *text, const char *location, char **resolved, struct err *err)
{
	_cleanup_(curlu_freep) CURLU *url = url_parse(text);
	_cleanup_(freep) char *shown = NULL;

	if (!url || curl_url_set(url, CURLUPART_URL, location, 0) != CURLUE_OK || !is_http(url)) {
		shown = http_display_url(text);
		return err_set(err, ERR_NETWORK,
			       "%s: redirected to something that is no http or https URL", shown);
	}
	drop_credentials(url);
	curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
	*resolved = url_part(url, CURLUPART_URL, 0);
	return 0;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
	_cleanup_(freep) char *one = url_part(a, part, CURLU_DEFAULT_PORT);
	_cleanup_(freep) char *other = url_part(b, part, CURLU_DEFAULT_PORT);

	return one && other && strcasecmp(one, other) == 0;
}

bool http_url_same_origin(const char *a, const char *b)
{
	_cleanup_(curlu_freep) CURLU *one = url_parse(a), *other = url_parse(b);

	return one && other && same_part(one, other, CURLUPART_SCHEME) &&
	       same_part(one, other, CURLUPART_HOST) && same_part(one, other, CURLUPART_PORT);
}

/* A URL that libcurl does not understand may still hold a password. */
static char *display_broken(const char *text)
{
	const char *scheme = strstr(text, "://"), *host = scheme ? scheme + 3 : text;
	size_t length = strcspn(host, "/?#");
	const char *at = memrchr(host, '@', length), *end = text + strcspn(text, "?#");

	if (!at || at > end)
		return xstrndup(text, (size_t)(end - text));
	return xasprintf("%.*s%.*s", (int)(host - text), text, (int)(end - at - 1), at + 1);
}

char *http_display_url(const char *text)
{
	_cleanup_(curlu_freep) CURLU *url = url_parse(text);
	char *shown;

	if (!url)
		return display_broken(text);
	drop_credentials(url);
	curl_url_set(url, CURLUPART_QUERY, NULL, 0);
	curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
	shown = url_part(url, CURLUPART_URL, 0);
	return shown ? shown : display_broken(text);
}

/* RFC 7230 section 3.2.6, token. */
static bool is_token(char c)
{
	return c && (isalnum((unsigned char)c) || strchr("!#$%&'*+-.^_`|~", c));
}

int http_check_header(const char *header, struct err *err)
{
	size_t length = strcspn(header, ":"), i;
	const char *c;

	for (i = 0; i < length && is_token(header[i]); i++)
		;
	if (length == 0 || header[length] != ':')
		return err_set(err, ERR_USAGE, "a header must be written as 'Name: value'");
	if (i < length)
		return err_set(err, ERR_USAGE,
			       "character %zu of the header name '%.*s' is not allowed", i + 1,
			       (int)i, header);
	for (c = header + length + 1; *c; c++)
		if (((unsigned char)*c < 32 && *c != '\t') || *c == 127)
			return err_set(err, ERR_USAGE,
				       "the value of the header %.*s has a control character",
				       (int)length, header);
	return 0;
}

int http_check_bearer(const char *token, struct err *err)
{
	size_t length = strlen(token);
	const char *c;

	if (length == 0 || length > BEARER_MAX)
		return err_set(err, ERR_USAGE, "a bearer token has 1 to %d characters, not %zu",
			       BEARER_MAX, length);
	for (c = token; *c; c++)
		if ((unsigned char)*c <= 32 || (unsigned char)*c >= 127 || *c == '"' || *c == '\\')
			return err_set(err, ERR_USAGE,
				       "the bearer token has a character that no token has"
				       " (number %zu)",
				       (size_t)(c - token) + 1);
	return 0;
}
