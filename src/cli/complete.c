// SPDX-License-Identifier: MIT
#include "cli/complete.h"

#include <string.h>

#include "base/text.h"

struct kind_row {
	const char *argument;
	enum complete_kind kind;
};

static const struct kind_row kinds[] = {
	{"FILE", COMPLETE_FILE},   {"IMAGE", COMPLETE_FILE}, {"FOLDER", COMPLETE_FILE},
	{"BOARD", COMPLETE_BOARD}, {NULL, COMPLETE_NONE},
};

enum complete_kind complete_kind(const char *argument)
{
	const struct kind_row *row = kinds;

	if (!argument)
		return COMPLETE_NONE;
	if (strchr(argument, '|'))
		return COMPLETE_CHOICE;
	while (row->argument && !text_equal(row->argument, argument))
		row++;
	return row->kind;
}

enum complete_kind complete_word_kind(const char *args, size_t index, const struct arg_spec *spec)
{
	enum complete_kind kind = complete_kind(spec->name);
	struct arg_spec next;

	if (spec->repeats && arg_spec_get(args, index + 1, &next) &&
	    complete_kind(next.name) != kind)
		return COMPLETE_EITHER;
	return kind;
}

void complete_choices(struct buf *out, const char *argument)
{
	char choice[64];
	size_t i;

	for (i = 0; arg_choice_get(argument, i, choice); i++)
		buf_addf(out, "%s%s", i ? " " : "", choice);
}

void complete_quoted(struct buf *out, const char *text, const char *also)
{
	buf_add_char(out, '\'');
	for (; *text; text++) {
		if (*text == '\'') {
			buf_add_text(out, "'\\''");
			continue;
		}
		if (strchr(also, *text))
			buf_add_char(out, '\\');
		buf_add_char(out, *text);
	}
	buf_add_char(out, '\'');
}

void complete_each(struct buf *out, const struct program *program,
		   void (*add)(struct buf *out, const struct verb *parent, const struct verb *verb))
{
	const struct verb *const *verb, *const *sub;

	for (verb = program->verbs; *verb; verb++) {
		add(out, NULL, *verb);
		for (sub = (*verb)->subs; sub && *sub; sub++)
			add(out, *verb, *sub);
	}
}
