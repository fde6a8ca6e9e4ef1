// SPDX-License-Identifier: MIT
#include "engine/import_parts.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

#define REF_STEPS_MAX 8

static bool is_noted(const struct import *import, unsigned int line, const char *text)
{
	size_t i;

	for (i = 0; i < import->remark_count; i++)
		if (import->remarks[i].line == line && strcmp(import->remarks[i].text, text) == 0)
			return true;
	return false;
}

/* Kept in the order of the lines; two boards may have the same driver, and so the same note. */
void import_note(struct import *import, const struct yaml *at, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	size_t place = import->remark_count;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	if (is_noted(import, at->line, text))
		return;
	import->remarks = xrealloc(import->remarks, place + 1, sizeof(*import->remarks));
	for (; place > 0 && import->remarks[place - 1].line > at->line; place--)
		import->remarks[place] = import->remarks[place - 1];
	import->remarks[place] = (struct import_remark){at->line, steal(text)};
	import->remark_count++;
}

void import_write_notes(const struct import *import, const char *file, struct buf *out)
{
	size_t i;

	for (i = 0; i < import->remark_count; i++)
		buf_addf(out, "%s:%u: %s\n", file, import->remarks[i].line,
			 import->remarks[i].text);
}

void import_free(struct import *import)
{
	size_t i;

	for (i = 0; i < import->remark_count; i++)
		free(import->remarks[i].text);
	free(import->remarks);
	free(import->used);
	buf_free(&import->secrets);
}

/* Plain in YAML, and not null: everything else is quoted. */
static bool is_plain(const char *text)
{
	const char *c;

	if (!isalnum((unsigned char)*text) && *text != '/' && !text_starts(text, "./"))
		return false;
	for (c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-./", *c) &&
		    !(*c == ':' && c[1] != '\0'))
			return false;
	return strcasecmp(text, "null") != 0;
}

static void add_quoted(struct buf *out, const char *text)
{
	buf_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_addf(out, "\\%c", *text);
		else if ((unsigned char)*text < 32 || *text == 127)
			buf_addf(out, "\\x%02x", (unsigned int)(unsigned char)*text);
		else
			buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

void import_add(struct buf *out, int indent, const char *key, const char *text)
{
	buf_addf(out, "%*s", indent, "");
	if (is_plain(key))
		buf_add_text(out, key);
	else
		add_quoted(out, key);
	buf_add_text(out, ": ");
	if (is_plain(text))
		buf_add_text(out, text);
	else
		add_quoted(out, text);
	buf_add_char(out, '\n');
}

/* "ti-03" and "power_password" become TI_03_POWER_PASSWORD. */
static char *variable_name(const char *board, const char *what)
{
	char *name = xasprintf("%s_%s", board, what), *c;

	for (c = name; *c; c++)
		*c = (char)(isalnum((unsigned char)*c) ? toupper((unsigned char)*c) : '_');
	return name;
}

void import_secret(struct import *import, const struct yaml *at, const char *what)
{
	_cleanup_(freep) char *name = variable_name(import->board, what);
	_cleanup_(freep) char *variable =
		isdigit((unsigned char)*name) ? xasprintf("BOARD_%s", name) : xstrdup(name);

	buf_addf(&import->secrets, "  %s: {env: %s}\n", what, variable);
	import_note(import, at,
		    "a secret is not copied: give it in the environment variable %s, or change "
		    "'secrets: %s' to a file",
		    variable, what);
}

static const struct import_field *find_field(const struct import_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

void import_fields(struct import *import, const struct yaml *config,
		   const struct import_field *fields, struct buf *out, int indent)
{
	const struct import_field *field;
	const struct yaml *value;
	size_t i;

	for (i = 0; config && config->kind == YAML_MAP && i < config->count; i++) {
		value = config->items[i];
		field = find_field(fields, value->key);
		if (!field)
			import_note(import, value, "'%s' is not known here and was left out",
				    value->key);
		else if (!yaml_get(config, value->key))
			continue;
		else if (field->why)
			import_note(import, value, "'%s' was left out: %s", value->key, field->why);
		else if (field->key && value->kind != YAML_SCALAR)
			import_note(import, value, "'%s' is not a text and was left out",
				    value->key);
		else if (field->key)
			import_add(out, indent, field->key, value->text);
	}
}

static void mark_used(struct import *import, const struct yaml *node)
{
	import->used = xrealloc(import->used, import->used_count + 1, sizeof(*import->used));
	import->used[import->used_count++] = node;
}

/* The driver that a dotted path leads to, from the root of the tree. */
static const struct yaml *follow(const struct import *import, const char *path)
{
	const struct yaml *children = import->export, *node = NULL;
	_cleanup_(freep) char *steps = xstrdup(path);
	char *step, *next;

	for (step = steps; step; step = next) {
		next = strchr(step, '.');
		if (next)
			*next++ = '\0';
		node = yaml_get(children, step);
		children = yaml_get(node, "children");
	}
	return node;
}

const struct yaml *import_driver(struct import *import, const struct yaml *node)
{
	const struct yaml *ref = yaml_get(node, "ref"), *from = node;
	int steps;

	for (steps = 0; ref && ref->kind == YAML_SCALAR && steps < REF_STEPS_MAX; steps++) {
		mark_used(import, node);
		node = follow(import, ref->text);
		if (!node) {
			import_note(import, ref, "'ref: %s' leads to no driver", ref->text);
			return NULL;
		}
		ref = yaml_get(node, "ref");
	}
	if (ref) {
		import_note(import, from, "'ref' leads to no driver");
		return NULL;
	}
	if (node)
		mark_used(import, node);
	return node;
}

const char *import_class(const struct yaml *node)
{
	const char *type = yaml_text(node, "type", NULL), *dot = type ? strrchr(type, '.') : NULL;

	return dot ? dot + 1 : type;
}
