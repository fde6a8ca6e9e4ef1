// SPDX-License-Identifier: MIT
#include "cli/help.h"

#include "base/mem.h"
#include "base/text.h"
#include "cli/complete.h"

/* The script has four tables as functions: what an option's argument is, what a word is, the
   options, and which words are sub-verbs. A key is "VERB" or "VERB SUB". A kind is FILE, BOARD or a
   list of words. */

static void add_key(struct buf *out, const struct verb *parent, const struct verb *verb)
{
	buf_addf(out, "%s%s%s", parent ? parent->name : "", parent ? " " : "", verb->name);
}

static void add_kind(struct buf *out, enum complete_kind kind, const char *argument)
{
	static const char *const names[] = {[COMPLETE_NONE] = "",
					    [COMPLETE_FILE] = "FILE",
					    [COMPLETE_BOARD] = "BOARD",
					    [COMPLETE_EITHER] = "EITHER"};

	buf_add_text(out, " echo '");
	if (kind == COMPLETE_CHOICE)
		complete_choices(out, argument);
	else
		buf_add_text(out, names[kind]);
	buf_add_text(out, "' ;;\n");
}

static void add_arguments(struct buf *out, const char *key, const struct option *option)
{
	for (; option && option->name; option++) {
		if (!option->argument)
			continue;
		buf_addf(out, "\t%s:--%s", key, option->name);
		if (option->alias)
			buf_addf(out, " | %s:--%s", key, option->alias);
		if (option->letter)
			buf_addf(out, " | %s:-%c", key, option->letter);
		buf_add_char(out, ')');
		add_kind(out, complete_kind(option->argument), option->argument);
	}
}

static void verb_arguments(struct buf *out, const struct verb *parent, const struct verb *verb)
{
	_cleanup_(buf_free) struct buf key = {0};

	buf_add_char(&key, '\'');
	add_key(&key, parent, verb);
	buf_add_char(&key, '\'');
	add_arguments(out, buf_text(&key), verb->options);
}

/* Word number `index`; -1: any. */
static void add_word(struct buf *out, const struct verb *parent, const struct verb *verb, int index,
		     enum complete_kind kind, const char *name)
{
	buf_add_text(out, "\t'");
	add_key(out, parent, verb);
	if (index < 0)
		buf_add_text(out, "':*)");
	else
		buf_addf(out, ":%d')", index);
	add_kind(out, kind, name);
}

static void verb_words(struct buf *out, const struct verb *parent, const struct verb *verb)
{
	const struct verb *const *sub;
	struct arg_spec spec;
	size_t i;

	if (verb->subs) {
		buf_addf(out, "\t'%s:0') echo '", verb->name);
		for (sub = verb->subs; *sub; sub++)
			buf_addf(out, "%s ", (*sub)->name);
		buf_add_text(out, "' ;;\n");
	}
	for (i = 0, spec.repeats = false; !spec.repeats && arg_spec_get(verb->args, i, &spec);
	     i++) {
		enum complete_kind kind = complete_word_kind(verb->args, i, &spec);

		/* The first of several is no other yet. */
		if (kind == COMPLETE_EITHER)
			add_word(out, parent, verb, (int)i, complete_kind(spec.name), spec.name);
		add_word(out, parent, verb, spec.repeats ? -1 : (int)i, kind, spec.name);
	}
}

static void add_names(struct buf *out, const struct option *option)
{
	for (; option && option->name; option++) {
		buf_addf(out, "--%s ", option->name);
		if (option->negatable)
			buf_addf(out, "--no-%s ", option->name);
	}
}

static void verb_options(struct buf *out, const struct verb *parent, const struct verb *verb)
{
	buf_add_text(out, "\t'");
	add_key(out, parent, verb);
	buf_add_text(out, "') echo '");
	add_names(out, verb->options);
	buf_add_text(out, "' ;;\n");
}

static void verb_subs(struct buf *out, const struct verb *parent, const struct verb *verb)
{
	if (parent)
		buf_addf(out, "\t'%s %s') return 0 ;;\n", parent->name, verb->name);
}

static void add_function(struct buf *out, const struct program *program, const char *name,
			 void (*add)(struct buf *out, const struct verb *parent,
				     const struct verb *verb),
			 const char *last)
{
	buf_addf(out, "%s()\n{\n\tcase $1 in\n", name);
	complete_each(out, program, add);
	buf_addf(out, "%s\tesac\n}\n\n", last);
}

static void add_verbs_row(struct buf *out, const struct program *program)
{
	const struct verb *const *verb;

	buf_add_text(out, "\t':0') echo '");
	for (verb = program->verbs; *verb; verb++)
		buf_addf(out, "%s ", (*verb)->name);
	buf_add_text(out, "' ;;\n");
}

static void add_global_names(struct buf *out, const struct program *program)
{
	buf_add_text(out, "_aboard_global='");
	add_names(out, program->options);
	buf_add_text(out, "'\n\n");
}

static const char body[] =
	"_aboard_reply()\n"
	"{\n"
	"\tcase $1 in\n"
	"\tFILE) compopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$2\") ;;\n"
	"\tBOARD) mapfile -t COMPREPLY < <(compgen -W \"$(aboard boards -q 2>/dev/null)\" -- "
	"\"$2\") ;;\n"
	"\tEITHER) compopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -W \"$(aboard boards -q 2>/dev/null)\" -- "
	"\"$2\") ;;\n"
	"\t*) mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$2\") ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_aboard()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal key='' words=0 i kind word\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\t[[ $cur == = ]] && cur=''\n"
	"\t[[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD-2]}\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif [[ $word == -* ]]; then\n"
	"\t\t\t_aboard_argument \"$key:$word\" >/dev/null || continue\n"
	"\t\t\t[[ ${COMP_WORDS[i+1]} == = ]] && ((i++))\n"
	"\t\t\t((i++))\n"
	"\t\telif [[ -z $key ]]; then\n"
	"\t\t\tkey=$word\n"
	"\t\telif ((words == 0)) && _aboard_is_sub \"$key $word\"; then\n"
	"\t\t\tkey=\"$key $word\"\n"
	"\t\telse\n"
	"\t\t\t((words++))\n"
	"\t\tfi\n"
	"\tdone\n"
	"\tif [[ $prev == -* ]] && kind=$(_aboard_argument \"$key:$prev\"); then\n"
	"\t\t_aboard_reply \"$kind\" \"$cur\"\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\t_aboard_reply \"$_aboard_global $(_aboard_options \"$key\")\" \"$cur\"\n"
	"\telse\n"
	"\t\t_aboard_reply \"$(_aboard_word \"$key:$words\")\" \"$cur\"\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -F _aboard aboard\n";

void complete_bash(const struct program *program, struct buf *out)
{
	struct buf rest = {0};

	buf_add_text(out, "# Completion for bash, made by 'aboard help --completion bash'.\n"
			  "# shellcheck shell=bash\n\n");
	add_global_names(out, program);
	add_arguments(&rest, "*", program->options);
	buf_add_text(&rest, "\t*) return 1 ;;\n");
	add_function(out, program, "_aboard_argument", verb_arguments, buf_text(&rest));
	buf_clear(&rest);
	add_verbs_row(&rest, program);
	add_function(out, program, "_aboard_word", verb_words, buf_text(&rest));
	add_function(out, program, "_aboard_options", verb_options, "");
	add_function(out, program, "_aboard_is_sub", verb_subs, "\t*) return 1 ;;\n");
	buf_add_text(out, body);
	buf_free(&rest);
}
