// SPDX-License-Identifier: MIT
#include "power/http_reply.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static char *text_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_TRUE:
		return xstrdup("true");
	case JSON_FALSE:
		return xstrdup("false");
	case JSON_STRING:
		return xstrdup(json_string_value(value));
	case JSON_INTEGER:
		return xasprintf("%lld", (long long)json_integer_value(value));
	case JSON_REAL:
		return xasprintf("%g", json_real_value(value));
	default:
		return NULL;
	}
}

/* `condition` is KEY=VALUE. */
static const json_t *find_item(const json_t *list, char *condition)
{
	char *wanted = strchr(condition, '=');
	size_t i;

	if (!wanted)
		return NULL;
	*wanted++ = '\0';
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		const json_t *member = json_object_get(item, condition);
		_cleanup_(freep) char *text = member ? text_of(member) : NULL;

		if (text_equal(text, wanted))
			return item;
	}
	return NULL;
}

static const json_t *take_step(const json_t *value, char *step)
{
	size_t length = strlen(step);
	uint64_t index;

	if (!json_is_array(value))
		return json_object_get(value, step);
	if (step[0] == '[' && step[length - 1] == ']') {
		step[length - 1] = '\0';
		return find_item(value, step + 1);
	}
	return text_u64(step, INT32_MAX, &index) ? json_array_get(value, (size_t)index) : NULL;
}

static const json_t *walk(const json_t *value, char *path)
{
	char *next;

	for (; value && path; path = next) {
		next = strchr(path, '.');
		if (next)
			*next++ = '\0';
		value = take_step(value, path);
	}
	return value;
}

int http_reply_value(const char *body, size_t size, const char *path, char **text, struct err *err)
{
	_cleanup_(freep) char *steps = xstrdup(path);
	const json_t *value;
	json_error_t error;
	json_t *root;

	*text = NULL;
	root = json_loadb(body, size, JSON_DECODE_ANY, &error);
	if (!root)
		return err_set(err, ERR_POWER, "the reply is not JSON (%s)", error.text);
	value = walk(root, steps);
	if (value)
		*text = text_of(value);
	json_decref(root);
	return 0;
}
