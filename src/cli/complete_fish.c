// SPDX-License-Identifier: MIT
#include "cli/help.h"

#include "base/mem.h"
#include "cli/complete.h"

static const char boards_command[] = "(aboard boards -q 2>/dev/null)";

/* The condition under which a verb's own things are offered. */
static void add_condition(struct buf *out, const struct verb *parent, const struct verb *verb)
{
	buf_add_text(out, "complete -c aboard -n '");
	if (parent)
		buf_addf(out, "__fish_seen_subcommand_from %s; and ", parent->name);
	buf_addf(out, "__fish_seen_subcommand_from %s'", verb->name);
}

static void add_argument(struct buf *out, const char *argument)
{
	enum complete_kind kind = complete_kind(argument);

	buf_add_text(out, kind == COMPLETE_FILE ? " -r -F" : " -x");
	if (kind == COMPLETE_BOARD)
		buf_addf(out, " -a '%s'", boards_command);
	if (kind != COMPLETE_CHOICE)
		return;
	buf_add_text(out, " -a '");
	complete_choices(out, argument);
	buf_add_char(out, '\'');
}

static void add_option(struct buf *out, const struct option *option)
{
	buf_addf(out, " -l %s", option->name);
	if (option->alias)
		buf_addf(out, " -l %s", option->alias);
	if (option->letter)
		buf_addf(out, " -s %c", option->letter);
	if (option->argument)
		add_argument(out, option->argument);
	buf_add_text(out, " -d ");
	complete_quoted(out, option->help, "\\");
	buf_add_char(out, '\n');
}

static void add_words(struct buf *out, const struct verb *parent, const struct verb *verb)
{
	enum complete_kind kind;
	struct arg_spec spec;
	size_t i;

	for (i = 0; arg_spec_get(verb->args, i, &spec); i++) {
		kind = complete_kind(spec.name);
		if (kind == COMPLETE_NONE)
			continue;
		add_condition(out, parent, verb);
		if (kind == COMPLETE_FILE)
			buf_add_text(out, " -F");
		else
			add_argument(out, spec.name);
		buf_add_char(out, '\n');
	}
}

static void add_verb(struct buf *out, const struct verb *parent, const struct verb *verb)
{
	const struct option *option;

	if (parent)
		add_condition(out, NULL, parent);
	else
		buf_add_text(out, "complete -c aboard -n __fish_use_subcommand");
	buf_addf(out, " -a %s -d ", verb->name);
	complete_quoted(out, verb->summary, "\\");
	buf_add_char(out, '\n');
	for (option = verb->options; option && option->name; option++) {
		add_condition(out, parent, verb);
		add_option(out, option);
		if (!option->negatable)
			continue;
		add_condition(out, parent, verb);
		buf_addf(out, " -l no-%s\n", option->name);
	}
	add_words(out, parent, verb);
}

void complete_fish(const struct program *program, struct buf *out)
{
	const struct option *option;

	buf_add_text(out, "# Completion for fish, made by 'aboard help --completion fish'.\n\n"
			  "complete -c aboard -f\n");
	for (option = program->options; option->name; option++) {
		buf_add_text(out, "complete -c aboard");
		add_option(out, option);
	}
	complete_each(out, program, add_verb);
}
