// SPDX-License-Identifier: MIT
/* Power by a network plug that speaks HTTP. */
#include "power/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "io/http.h"
#include "power/http_reply.h"

#define REPLY_MAX ((size_t)64 << 10)

static int http_power_open(struct power *power, struct err *err)
{
	struct http_plug *plug = power->own = xcalloc(1, sizeof(*plug));

	return http_plug_read(plug, power->settings, err);
}

static void http_power_close(struct power *power)
{
	if (power->own)
		http_plug_free(power->own);
	free(power->own);
}

static int read_secret(const struct power *power, const char *key, const char **value,
		       struct err *err)
{
	const char *name = yaml_text(power->settings, key, NULL);

	return name && !*value ? secrets_get(power->secrets, name, value, err) : 0;
}

static void free_texts(char ***texts)
{
	size_t i;

	for (i = 0; *texts && (*texts)[i]; i++)
		free((*texts)[i]);
	free(*texts);
}

/* The headers of a request as "Name: value"; ended by NULL. */
static int fill_headers(const struct http_plug *plug, const struct yaml *headers, char ***filled,
			struct err *err)
{
	size_t count = headers ? headers->count : 0, i;
	char **made = *filled = xcalloc(count + 1, sizeof(*made));
	int rc;

	for (i = 0; i < count; i++) {
		_cleanup_(freep) char *value =
			http_plug_fill(plug, headers->items[i]->text, true, false);

		made[i] = xasprintf("%s: %s", headers->items[i]->key, value);
		rc = http_check_header(made[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static const char *content_type(const struct yaml *node, const char *body)
{
	const char *guess = body && (*body == '{' || *body == '[')
				    ? "application/json"
				    : "application/x-www-form-urlencoded";

	return yaml_text(node, "content_type", guess);
}

/* Sends one request; the answer is a success only with a status of 200 to 299. */
static int exchange(struct power *power, enum http_verb verb, struct http_response *response,
		    struct deadline deadline, struct err *err)
{
	struct http_plug *plug = power->own;
	const struct http_call *call = &plug->calls[verb];
	const struct yaml *node = plug->nodes[verb];
	_cleanup_(freep) char *url = http_plug_fill(plug, call->url, true, true);
	_cleanup_(freep) char *body =
		call->body ? http_plug_fill(plug, call->body, false, false) : NULL;
	_cleanup_(freep) char *ca_file = NULL, *folder = path_folder(power->settings->file);
	_cleanup_(free_texts) char **headers = NULL;
	const char *ca = yaml_text(power->settings, "ca_file", NULL);
	struct http_request request = {
		.method = call->method,
		.url = url,
		.body = body,
		.body_size = body ? strlen(body) : 0,
		.content_type = content_type(node, body),
		.options = {.bearer = plug->token,
			    .username = plug->in_url || !plug->password ? NULL : plug->username,
			    .password = plug->in_url ? NULL : plug->password,
			    .insecure = yaml_bool(power->settings, "insecure", false),
			    .digest = plug->digest},
	};
	int rc = fill_headers(plug, yaml_get(node, "headers"), &headers, err);

	if (rc < 0)
		return rc;
	if (ca)
		request.options.ca_file = ca_file = path_join(folder, ca);
	request.options.headers = (const char *const *)headers;
	rc = http_exchange(&request, REPLY_MAX, response, deadline, err);
	if (rc == 0 && (response->status < 200 || response->status > 299))
		return http_status_err(url, response, err);
	return rc;
}

static int call_plug(struct power *power, enum http_verb verb, struct http_response *response,
		     struct deadline deadline, struct err *err)
{
	struct http_plug *plug = power->own;
	int rc = read_secret(power, "password", &plug->password, err);

	if (rc == 0)
		rc = read_secret(power, "token", &plug->token, err);
	if (rc == 0)
		rc = exchange(power, verb, response, deadline, err);
	return rc;
}

static int http_power_set(struct power *power, bool on, struct deadline deadline, struct err *err)
{
	_cleanup_(http_response_free) struct http_response response = {0};
	enum http_verb verb = on ? HTTP_ON : HTTP_OFF;
	const struct http_plug *plug = power->own;
	_cleanup_(freep) char *said = NULL;
	int rc = call_plug(power, verb, &response, deadline, err);

	if (rc < 0 || !plug->expect[verb])
		return rc;
	if (regexec(plug->expect[verb], buf_text(&response.body), 0, NULL, 0) == 0)
		return 0;
	said = power_said(power, buf_text(&response.body), response.body.size);
	return err_set(err, ERR_POWER, "the plug did not do it%s", said);
}

/* The text that tells the state: a value of the JSON reply, or the whole reply. */
static int find_value(const struct http_plug *plug, const struct http_response *response,
		      char **text, struct err *err)
{
	const struct buf *body = &response->body;
	size_t i;
	int rc = 0;

	if (!plug->values[0])
		*text = xstrdup(buf_text(body));
	for (i = 0; rc == 0 && !*text && i < ARRAY_SIZE(plug->values) && plug->values[i]; i++) {
		_cleanup_(freep) char *path = http_plug_fill(plug, plug->values[i], false, false);

		rc = http_reply_value(buf_text(body), body->size, path, text, err);
		if (rc == 0 && !*text)
			err_set(err, ERR_POWER, "the reply has no '%s'", path);
	}
	return rc < 0 || *text ? rc : -ERR_POWER;
}

static int read_state(const struct http_plug *plug, const struct http_response *response,
		      enum power_state *state, struct err *err)
{
	_cleanup_(freep) char *text = NULL;
	int rc = find_value(plug, response, &text, err);

	if (rc < 0)
		return rc;
	if (!power_match_state(&plug->match, text_trim(text), state))
		return err_set(err, ERR_POWER, "the state is neither on nor off");
	return 0;
}

static int http_power_get(struct power *power, enum power_state *state, struct deadline deadline,
			  struct err *err)
{
	_cleanup_(http_response_free) struct http_response response = {0};
	_cleanup_(freep) char *said = NULL, *text = NULL;
	const struct http_plug *plug = power->own;
	int rc;

	*state = POWER_UNKNOWN;
	if (!plug->calls[HTTP_STATUS].url)
		return 0;
	rc = call_plug(power, HTTP_STATUS, &response, deadline, err);
	if (rc < 0)
		return rc;
	rc = read_state(plug, &response, state, err);
	if (rc == 0)
		return 0;
	said = power_said(power, buf_text(&response.body), response.body.size);
	text = xasprintf("%s%s", err->text, said);
	return err_set(err, ERR_POWER, "%s", text);
}

const struct power_way power_http = {
	.name = "http",
	.summary = "a network plug that speaks HTTP: Tasmota, Shelly, your own",
	.keys = http_keys,
	.open = http_power_open,
	.set = http_power_set,
	.get = http_power_get,
	.close = http_power_close,
};
