// SPDX-License-Identifier: MIT
#include "engine/plan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

struct plan {
	json_t *whole, *facts, *steps, *warnings; /* the parts are borrowed from the whole */
};

struct plan *plan_new(void)
{
	struct plan *plan = xcalloc(1, sizeof(*plan));

	plan->whole = json_object();
	plan->facts = json_object();
	plan->steps = json_array();
	plan->warnings = json_array();
	json_object_set_new(plan->whole, "facts", plan->facts);
	json_object_set_new(plan->whole, "steps", plan->steps);
	json_object_set_new(plan->whole, "warnings", plan->warnings);
	return plan;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	json_decref(plan->whole);
	free(plan);
}

static json_t *format_text(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static json_t *format_text(const char *format, va_list args)
{
	_cleanup_(freep) char *text = xvasprintf(format, args);

	return json_text(text);
}

static void set_fact(struct plan *plan, const char *section, const char *key, json_t *value)
{
	json_t *keys = json_object_get(plan->facts, section);

	if (!keys) {
		keys = json_object();
		json_object_set_new(plan->facts, section, keys);
	}
	json_object_set_new(keys, key, value);
}

void plan_fact(struct plan *plan, const char *section, const char *key, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_fact(plan, section, key, format_text(format, args));
	va_end(args);
}

void plan_fact_bytes(struct plan *plan, const char *section, const char *key, uint64_t bytes)
{
	set_fact(plan, section, key,
		 bytes > INT64_MAX ? json_null() : json_integer((json_int_t)bytes));
}

void plan_step(struct plan *plan, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	json_array_append_new(plan->steps, format_text(format, args));
	va_end(args);
}

void plan_warn(struct plan *plan, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	json_array_append_new(plan->warnings, format_text(format, args));
	va_end(args);
}

void plan_irreversible(struct plan *plan, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	json_object_set_new(plan->whole, "irreversible", format_text(format, args));
	va_end(args);
}

const char *plan_irreversible_phrase(const struct plan *plan)
{
	return json_string_value(json_object_get(plan->whole, "irreversible"));
}

const json_t *plan_json(const struct plan *plan)
{
	return plan->whole;
}

void plan_digest(const struct plan *plan, char out[SHA256_TEXT])
{
	_cleanup_(freep) char *text = json_dumps(plan->whole, JSON_COMPACT | JSON_SORT_KEYS);

	if (!text)
		abort();
	sha256_text(text, strlen(text), out);
}
