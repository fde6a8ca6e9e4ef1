// SPDX-License-Identifier: MIT
#include "cli/help.h"

#include "base/mem.h"
#include "cli/complete.h"

static void add_action(struct buf *out, enum complete_kind kind, const char *argument)
{
	static const char *const actions[] = {[COMPLETE_NONE] = " ",
					      [COMPLETE_FILE] = "_files",
					      [COMPLETE_BOARD] = "_aboard_names_of_boards",
					      [COMPLETE_EITHER] =
						      "{_aboard_names_of_boards; _files}"};

	if (kind != COMPLETE_CHOICE) {
		buf_add_text(out, actions[kind]);
		return;
	}
	buf_add_char(out, '(');
	complete_choices(out, argument);
	buf_add_char(out, ')');
}

/* One spec of _arguments: '*--name[help]:ARGUMENT:action' */
static void add_spec(struct buf *out, const struct option *option, const char *dashes,
		     const char *name)
{
	_cleanup_(buf_free) struct buf spec = {0};

	buf_addf(out, "\t\t%s%s%s", option->repeatable ? "'*'" : "", dashes, name);
	buf_addf(&spec, "[%s]", option->help);
	complete_quoted(out, buf_text(&spec), ":");
	if (option->argument) {
		buf_clear(&spec);
		buf_addf(&spec, "%s", option->argument);
		buf_add_char(out, ':');
		complete_quoted(out, buf_text(&spec), ":");
		buf_add_text(out, ":'");
		add_action(out, complete_kind(option->argument), option->argument);
		buf_add_char(out, '\'');
	}
	buf_add_text(out, " \\\n");
}

static void add_specs(struct buf *out, const struct option *option)
{
	char letter[2] = "";

	for (; option && option->name; option++) {
		add_spec(out, option, "--", option->name);
		if (option->negatable)
			add_spec(out, option, "--no-", option->name);
		if (option->alias)
			add_spec(out, option, "--", option->alias);
		letter[0] = option->letter;
		if (option->letter)
			add_spec(out, option, "-", letter);
	}
}

static void add_words(struct buf *out, const char *args)
{
	struct arg_spec spec;
	size_t i;

	for (i = 0, spec.repeats = false; !spec.repeats && arg_spec_get(args, i, &spec); i++) {
		if (spec.repeats)
			buf_add_text(out, "\t\t'*");
		else
			buf_addf(out, "\t\t'%zu", i + 1);
		buf_addf(out, ":%s:", spec.name);
		add_action(out, complete_word_kind(args, i, &spec), spec.name);
		buf_add_text(out, "' \\\n");
	}
}

static void add_function_name(struct buf *out, const struct verb *parent, const struct verb *verb)
{
	buf_addf(out, "_aboard_%s%s%s", parent ? parent->name : "", parent ? "_" : "", verb->name);
}

/* A list for _describe: 'name:summary'. */
static void add_verbs(struct buf *out, const struct verb *const *verbs)
{
	_cleanup_(buf_free) struct buf row = {0};

	for (; *verbs; verbs++) {
		buf_clear(&row);
		buf_addf(&row, "%s:%s", (*verbs)->name, (*verbs)->summary);
		buf_add_text(out, "\t\t");
		complete_quoted(out, buf_text(&row), "");
		buf_add_char(out, '\n');
	}
}

static void add_subs(struct buf *out, const struct verb *verb)
{
	const struct verb *const *sub;

	buf_add_text(out, "\tlocal -a subs=(\n");
	add_verbs(out, verb->subs);
	buf_add_text(out, "\t)\n\tcase $words[2] in\n");
	for (sub = verb->subs; *sub; sub++) {
		buf_addf(out, "\t%s) ((CURRENT > 2)) && { shift words; ((CURRENT--)); ",
			 (*sub)->name);
		add_function_name(out, verb, *sub);
		buf_add_text(out, "; return } ;;\n");
	}
	buf_add_text(out, "\tesac\n\t((CURRENT == 2)) && _describe command subs\n");
}

static void add_verb(struct buf *out, const struct verb *parent, const struct verb *verb)
{
	add_function_name(out, parent, verb);
	buf_add_text(out, "()\n{\n");
	if (verb->subs)
		add_subs(out, verb);
	buf_add_text(out, "\t_arguments -s \\\n");
	add_specs(out, verb->options);
	add_words(out, verb->args);
	buf_add_text(out, "\t\t$_aboard_global\n}\n\n");
}

void complete_zsh(const struct program *program, struct buf *out)
{
	const struct verb *const *verb;

	buf_add_text(out, "#compdef aboard\n"
			  "# Completion for zsh, made by 'aboard help --completion zsh'.\n\n"
			  "_aboard_names_of_boards()\n{\n"
			  "\tlocal -a boards=(${(f)\"$(aboard boards -q 2>/dev/null)\"})\n"
			  "\t_describe board boards\n}\n\n"
			  "typeset -ga _aboard_global=( \\\n");
	add_specs(out, program->options);
	buf_add_text(out, ")\n\n");
	complete_each(out, program, add_verb);
	buf_add_text(out, "_aboard()\n{\n\tlocal state line\n\tlocal -a commands=(\n");
	add_verbs(out, program->verbs);
	buf_add_text(out, "\t)\n\t_arguments -C -s $_aboard_global '1: :->command' '*:: :->rest'\n"
			  "\tcase $state in\n\tcommand) _describe command commands ;;\n"
			  "\trest)\n\t\tcase $words[1] in\n");
	for (verb = program->verbs; *verb; verb++)
		buf_addf(out, "\t\t%s) _aboard_%s ;;\n", (*verb)->name, (*verb)->name);
	buf_add_text(out, "\t\tesac ;;\n\tesac\n}\n\n"
			  "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n\t_aboard \"$@\"\n"
			  "else\n\tcompdef _aboard aboard\nfi\n");
}
