// SPDX-License-Identifier: MIT
#include "power/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static const struct key call_keys[] = {
	{"url", KEY_TEXT, true, NULL, "may hold {host}, {channel}, {username} and {password}",
	 NULL},
	{"method", KEY_TEXT, false, "GET", "HTTP method", NULL},
	{"body", KEY_TEXT, false, NULL, "what is sent; may hold {host} and {channel}", NULL},
	{"content_type", KEY_TEXT, false, "application/json, or that of a form",
	 "type of the body; told from its first character", NULL},
	{"headers", KEY_TEXT_MAP, false, NULL, "more headers; may hold what url may", NULL},
	{"expect", KEY_TEXT, false, NULL, "pattern that the reply must match", NULL},
	{0},
};

static const struct key status_keys[] = {
	{"url", KEY_TEXT, true, NULL, "may hold {host}, {channel}, {username} and {password}",
	 NULL},
	{"method", KEY_TEXT, false, "GET", "HTTP method", NULL},
	{"body", KEY_TEXT, false, NULL, "what is sent; may hold {host} and {channel}", NULL},
	{"content_type", KEY_TEXT, false, "application/json, or that of a form",
	 "type of the body; told from its first character", NULL},
	{"headers", KEY_TEXT_MAP, false, NULL, "more headers; may hold what url may", NULL},
	{"value", KEY_TEXT, false, "the whole reply",
	 "where the JSON reply has the state: keys, places in lists (from 0) or [KEY=VALUE], "
	 "joined "
	 "by dots",
	 NULL},
	{"on_value", KEY_TEXT, false, "1, on or true", "pattern of the value that means on", NULL},
	{"off_value", KEY_TEXT, false, "0, off or false", "pattern of the value that means off",
	 NULL},
	{0},
};

const struct key http_keys[] = {
	{"preset", KEY_TEXT, false, NULL, "kind of plug: tasmota, shelly-gen1, shelly-gen2, ...",
	 NULL},
	{"host", KEY_TEXT, false, NULL, "address of the plug: HOST, HOST:PORT or https://HOST",
	 NULL},
	{"channel", KEY_TEXT, false, NULL, "which outlet of the plug", NULL},
	{"username", KEY_TEXT, false, NULL, "for the password", NULL},
	{"password", KEY_SECRET, false, NULL, "name of the secret that is the password", NULL},
	{"token", KEY_SECRET, false, NULL, "name of the secret that is the bearer token", NULL},
	{"digest", KEY_BOOL, false, "false", "the plug wants digest authentication", NULL},
	{"ca_file", KEY_TEXT, false, "the system's",
	 "PEM file with the authorities to trust; relative to the board file", NULL},
	{"insecure", KEY_BOOL, false, "false", "do not check the certificate of the plug", NULL},
	{"on", KEY_MAP, false, NULL, "request that switches on, without a preset", call_keys},
	{"off", KEY_MAP, false, NULL, "request that switches off, without a preset", call_keys},
	{"status", KEY_MAP, false, NULL, "request that tells the state, without a preset",
	 status_keys},
	{0},
};

static const char *const verbs[HTTP_VERB_COUNT] = {"on", "off", "status"};
static const char *const default_patterns[2] = {"^(1|on|true)$", "^(0|off|false)$"};

static void add_encoded(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-._~", *text))
			buf_add_char(out, *text);
		else
			buf_addf(out, "%%%02X", (unsigned int)(unsigned char)*text);
	}
}

static void add_value(struct buf *out, const char *value, bool in_url)
{
	if (value && in_url)
		add_encoded(out, value);
	else if (value)
		buf_add_text(out, value);
}

/* With a scheme where an URL begins with it, and without one elsewhere. */
static void add_host(struct buf *out, const char *host, bool in_url)
{
	const char *scheme = host ? strstr(host, "://") : NULL;

	if (in_url && out->size == 0)
		buf_add_text(out, scheme ? "" : "http://");
	else if (scheme)
		host = scheme + 3;
	add_value(out, host, false);
}

static void add_credentials(struct buf *out, const struct http_plug *plug)
{
	if (!plug->password)
		return;
	buf_add_text(out, "&user=");
	add_encoded(out, plug->username ? plug->username : "admin");
	buf_add_text(out, "&password=");
	add_encoded(out, plug->password);
}

/* Adds the value of the name that `text` begins with; returns the length of the name, 0 for none.
 */
static size_t add_named(struct buf *out, const struct http_plug *plug, const char *text,
			bool secret, bool in_url)
{
	if (text_starts(text, "{host}"))
		return add_host(out, plug->host, in_url), strlen("{host}");
	if (text_starts(text, "{channel}"))
		return add_value(out, plug->channel, in_url), strlen("{channel}");
	if (!secret)
		return 0;
	if (text_starts(text, "{username}"))
		return add_value(out, plug->username, in_url), strlen("{username}");
	if (text_starts(text, "{password}"))
		return add_value(out, plug->password, in_url), strlen("{password}");
	if (text_starts(text, "{credentials}"))
		return add_credentials(out, plug), strlen("{credentials}");
	return 0;
}

char *http_plug_fill(const struct http_plug *plug, const char *text, bool secret, bool in_url)
{
	struct buf out = {0};
	size_t length;

	while (*text) {
		length = add_named(&out, plug, text, secret, in_url);
		if (!length)
			buf_add_char(&out, *text);
		text += length ? length : 1;
	}
	return buf_steal(&out);
}

static int unknown_preset(const struct yaml *at, struct err *err)
{
	const char *names[32];
	size_t count;

	for (count = 0; http_presets[count].name && count + 1 < ARRAY_SIZE(names); count++)
		names[count] = http_presets[count].name;
	names[count] = NULL;
	return power_unknown_preset(at, names, "'on', 'off' and 'status'", err);
}

/* Whatever goes into URLs and JSON unquoted. */
static bool is_plain(const char *text, const char *more)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(more, *text))
			return false;
	return true;
}

static int check_host(const struct yaml *settings, const char *host, struct err *err)
{
	const char *start = strstr(host, "://");

	if (start && !text_starts(host, "http://") && !text_starts(host, "https://"))
		return yaml_err(yaml_get(settings, "host"), err, "'host' must be http or https");
	start = start ? start + 3 : host;
	if (!*start || !is_plain(start, "-._:[]")) {
		yaml_err(yaml_get(settings, "host"), err, "'%s' is not the address of a host",
			 host);
		return err_remedy(err, "give HOST, HOST:PORT or https://HOST; a password goes to "
				       "'username' and 'password'");
	}
	return 0;
}

static int check_channel(const struct yaml *settings, const struct http_preset *preset,
			 const char *channel, struct err *err)
{
	const struct yaml *at = yaml_get(settings, "channel");
	uint64_t number;

	if (!channel)
		return yaml_err(settings, err, "'channel' is missing (%s)", preset->summary);
	if (preset->number && !text_u64(channel, 255, &number))
		return yaml_err(at, err, "'channel' must be a number");
	if (!*channel || !is_plain(channel, "-._"))
		return yaml_err(at, err, "'%s' is not a channel (%s)", channel, preset->summary);
	return 0;
}

static int use_preset(struct http_plug *plug, const struct yaml *settings,
		      const struct http_preset *preset, struct err *err)
{
	size_t i;
	int rc;

	for (i = 0; i < HTTP_VERB_COUNT; i++)
		if (yaml_get(settings, verbs[i]))
			return yaml_err(yaml_get(settings, verbs[i]), err,
					"the preset '%s' has its own '%s'", preset->name, verbs[i]);
	if (!plug->host)
		return yaml_err(settings, err, "'host' is missing (%s)", http_keys[1].help);
	if (preset->token && !yaml_get(settings, "token"))
		return yaml_err(settings, err, "'token' is missing (%s)", http_keys[5].help);
	plug->channel = plug->channel ? plug->channel : preset->channel;
	rc = check_channel(settings, preset, plug->channel, err);
	if (rc < 0)
		return rc;
	plug->calls[HTTP_ON] = preset->on;
	plug->calls[HTTP_OFF] = preset->off;
	plug->calls[HTTP_STATUS] = preset->status;
	memcpy(plug->values, preset->values, sizeof(plug->values));
	plug->username = plug->username ? plug->username : preset->username;
	plug->digest = plug->digest || preset->digest;
	plug->in_url = preset->in_url;
	for (i = HTTP_ON; rc == 0 && preset->expect && i <= HTTP_OFF; i++)
		rc = power_pattern_compile(settings, preset->expect, &plug->expect[i], err);
	if (rc == 0)
		rc = power_match_open(&plug->match, NULL, NULL, NULL, default_patterns, err);
	return rc;
}

static bool has_user(const char *url)
{
	const char *host = strstr(url, "://");

	return host && memchr(host + 3, '@', strcspn(host + 3, "/?#"));
}

static int read_call(struct http_plug *plug, const struct yaml *settings, enum http_verb verb,
		     struct err *err)
{
	const struct yaml *node = yaml_get(settings, verbs[verb]);
	const char *url = yaml_text(node, "url", ""), *expect = yaml_text(node, "expect", NULL);

	if (!node)
		return 0;
	if (!text_starts(url, "http://") && !text_starts(url, "https://") &&
	    !text_starts(url, "{host}"))
		return yaml_err(yaml_get(node, "url"), err,
				"'url' must begin with http:// or https://");
	if (has_user(url)) {
		yaml_err(yaml_get(node, "url"), err, "a password does not belong in an URL");
		return err_remedy(err,
				  "give 'username' and 'password: NAME' of the board's 'secrets'");
	}
	if (strstr(url, "{host}") && !plug->host)
		return yaml_err(settings, err, "'host' is missing (%s)", http_keys[1].help);
	plug->nodes[verb] = node;
	plug->calls[verb] = (struct http_call){yaml_text(node, "method", "GET"), url,
					       yaml_text(node, "body", NULL)};
	if (!is_plain(plug->calls[verb].method, ""))
		return yaml_err(yaml_get(node, "method"), err, "'%s' is not an HTTP method",
				plug->calls[verb].method);
	if (!expect)
		return 0;
	return power_pattern_compile(yaml_get(node, "expect"), expect, &plug->expect[verb], err);
}

static int read_calls(struct http_plug *plug, const struct yaml *settings, struct err *err)
{
	const struct yaml *status = yaml_get(settings, "status");
	int i, rc = 0;

	if (!yaml_get(settings, "on") || !yaml_get(settings, "off")) {
		yaml_err(settings, err, "'on' and 'off', or 'preset', are missing");
		return err_remedy(err,
				  "give 'preset: tasmota' or another, or the requests themselves");
	}
	for (i = 0; rc == 0 && i < HTTP_VERB_COUNT; i++)
		rc = read_call(plug, settings, (enum http_verb)i, err);
	plug->values[0] = yaml_text(status, "value", NULL);
	if (rc == 0)
		rc = power_match_open(&plug->match, status, "on_value", "off_value",
				      default_patterns, err);
	return rc;
}

int http_plug_read(struct http_plug *plug, const struct yaml *settings, struct err *err)
{
	const struct yaml *name = yaml_get(settings, "preset");
	const struct http_preset *preset = http_presets;
	int rc = 0;

	plug->host = yaml_text(settings, "host", NULL);
	plug->channel = yaml_text(settings, "channel", NULL);
	plug->username = yaml_text(settings, "username", NULL);
	plug->digest = yaml_bool(settings, "digest", false);
	if (plug->host)
		rc = check_host(settings, plug->host, err);
	if (rc < 0)
		return rc;
	while (name && preset->name && strcmp(preset->name, name->text) != 0)
		preset++;
	if (!preset->name)
		return unknown_preset(name, err);
	rc = name ? use_preset(plug, settings, preset, err) : read_calls(plug, settings, err);
	if (rc == 0 && yaml_get(settings, "password") && !plug->username && !plug->in_url)
		return yaml_err(settings, err, "'username' is missing (%s)", http_keys[3].help);
	return rc;
}

void http_plug_free(struct http_plug *plug)
{
	size_t i;

	for (i = 0; i < HTTP_VERB_COUNT; i++)
		power_pattern_free(plug->expect[i]);
	power_match_free(&plug->match);
}
