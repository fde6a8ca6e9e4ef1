// SPDX-License-Identifier: MIT
#include "cli/facts.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/term.h"

#define INDENT_STEP 2

static size_t widest_name(const json_t *facts)
{
	size_t widest = 0;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)facts, name, value)
	{
		if (!json_is_array(value) && !json_is_object(value) && strlen(name) > widest)
			widest = strlen(name);
	}
	return widest;
}

static void print_value(FILE *out, const json_t *value, size_t column)
{
	if (json_is_string(value))
		print_clean(out, json_string_value(value), column);
	else if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "yes" : "no", out);
	else
		fputc('-', out);
	fputc('\n', out);
}

static void print_list(FILE *out, const char *name, const json_t *list, size_t indent)
{
	json_t *item;
	size_t i;

	fprintf(out, "%*s%s (%zu)\n", (int)indent, "", name, json_array_size(list));
	json_array_foreach(list, i, item)
	{
		if (json_is_object(item)) {
			fprintf(out, "%*s-\n", (int)indent + INDENT_STEP, "");
			print_facts(out, item, indent + 2 * INDENT_STEP);
			continue;
		}
		fprintf(out, "%*s", (int)indent + INDENT_STEP, "");
		print_value(out, item, indent + INDENT_STEP);
	}
}

/* A finding in a finding in one line, with its facts below. */
static void print_holding(FILE *out, const char *name, const json_t *finding, size_t indent)
{
	const char *state = json_string_value(json_object_get(finding, "state"));

	fprintf(out, "%*s%s: ", (int)indent, "", name);
	print_clean(out, json_string_value(json_object_get(finding, "name")), indent);
	fprintf(out, " (%s)\n", state);
	print_facts(out, json_object_get(finding, "facts"), indent + INDENT_STEP);
}

void print_facts(FILE *out, const json_t *facts, size_t indent)
{
	size_t width = widest_name(facts);
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)facts, name, value)
	{
		if (json_is_array(value)) {
			print_list(out, name, value, indent);
		} else if (json_object_get(value, "facts")) {
			print_holding(out, name, value, indent);
		} else if (json_is_object(value)) {
			fprintf(out, "%*s%s\n", (int)indent, "", name);
			print_facts(out, value, indent + INDENT_STEP);
		} else {
			fprintf(out, "%*s%-*s  ", (int)indent, "", (int)width, name);
			print_value(out, value, indent + width + 2);
		}
	}
}
