// SPDX-License-Identifier: MIT
#include "cli/help.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define HELP_WIDTH  80
#define HELP_INDENT 30

static void pad(struct buf *out, size_t from, size_t to)
{
	for (; from < to; from++)
		buf_add_char(out, ' ');
}

/* Adds words from column `at`, with further lines from column `indent`. */
static void wrap(struct buf *out, const char *text, size_t at, size_t indent)
{
	size_t length;

	for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
		length = strcspn(text, " \n");
		if (at > indent && at + 1 + length > HELP_WIDTH) {
			buf_add_char(out, '\n');
			pad(out, 0, indent);
			at = indent;
		} else if (at > indent) {
			buf_add_char(out, ' ');
			at++;
		}
		buf_add(out, text, length);
		at += length;
		text += length;
	}
	buf_add_char(out, '\n');
}

/* One row of two columns; `row` begins at column 2. */
static void add_row(struct buf *out, const char *row, const char *text)
{
	size_t length = 2 + strlen(row);

	buf_addf(out, "  %s", row);
	if (length + 2 > HELP_INDENT) {
		buf_add_char(out, '\n');
		length = 0;
	}
	pad(out, length, HELP_INDENT);
	wrap(out, text, HELP_INDENT, HELP_INDENT);
}

static void add_option(struct buf *out, const struct option *option)
{
	_cleanup_(buf_free) struct buf row = {0};
	_cleanup_(buf_free) struct buf text = {0};

	if (option->letter)
		buf_addf(&row, "-%c, ", option->letter);
	else
		buf_add_text(&row, "    ");
	buf_addf(&row, "--%s%s", option->negatable ? "[no-]" : "", option->name);
	if (option->argument)
		buf_addf(&row, " %s", option->argument);
	buf_add_text(&text, option->help);
	if (option->repeatable)
		buf_add_text(&text, " May be given several times.");
	if (option->alias)
		buf_addf(&text, " Also --%s.", option->alias);
	add_row(out, buf_text(&row), buf_text(&text));
}

static void add_options(struct buf *out, const char *title, const struct option *options)
{
	if (!options || !options->name)
		return;
	buf_addf(out, "\n%s:\n", title);
	for (; options->name; options++)
		add_option(out, options);
}

static void add_verbs(struct buf *out, const struct verb *const *verbs)
{
	_cleanup_(buf_free) struct buf row = {0};

	if (!verbs)
		return;
	buf_add_text(out, "\nCommands:\n");
	for (; *verbs; verbs++) {
		buf_clear(&row);
		buf_addf(&row, "%s%s%s", (*verbs)->name, (*verbs)->args ? " " : "",
			 (*verbs)->args ? (*verbs)->args : "");
		add_row(out, buf_text(&row), (*verbs)->summary);
	}
}

static void add_examples(struct buf *out, const struct example *examples)
{
	if (!examples || !examples->command)
		return;
	buf_add_text(out, "\nExamples:\n");
	for (; examples->command; examples++)
		buf_addf(out, "  %s\n      %s\n", examples->command, examples->text);
}

char *next_paragraph(const char **text)
{
	const char *start = *text, *end;

	if (!start || !*start)
		return NULL;
	end = strstr(start, "\n\n");
	*text = end ? end + 2 : start + strlen(start);
	return end ? xstrndup(start, (size_t)(end - start)) : xstrdup(start);
}

static void add_description(struct buf *out, const char *text)
{
	for (;;) {
		_cleanup_(freep) char *paragraph = next_paragraph(&text);

		if (!paragraph)
			return;
		buf_add_char(out, '\n');
		wrap(out, paragraph, 0, 0);
	}
}

void help_text(const struct program *program, const struct verb *parent, const struct verb *verb,
	       struct buf *out)
{
	_cleanup_(freep) char *usage = args_usage(program, parent, verb);

	buf_addf(out, "usage: %s\n\n", usage);
	wrap(out, verb ? verb->summary : program->summary, 0, 0);
	if (verb) {
		add_description(out, verb->description);
		add_verbs(out, verb->subs);
		add_options(out, "Options", verb->options);
		add_examples(out, verb->examples);
	} else {
		add_verbs(out, program->verbs);
	}
	add_options(out, "Options of every command", program->options);
	if (!verb)
		buf_addf(out, "\n'%s help COMMAND' tells more.\n", program->name);
}
