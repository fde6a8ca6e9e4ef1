// SPDX-License-Identifier: MIT
#include "cli/help.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Of the pages' last change of substance: pages made from the same source are the same. */
#define MAN_DATE "2026-11-20"

#define SOURCE_WIDTH 78

void man_text(struct buf *out, const char *text)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			buf_add_text(out, "\\&");
		if (*text == '\\')
			buf_add_text(out, "\\e");
		else if (*text == '-')
			buf_add_text(out, "\\-");
		else
			buf_add_char(out, *text);
		line_start = *text == '\n';
	}
}

/* Whether a sentence ends with this word, and another one follows. */
static bool ends_sentence(const char *word, size_t length, const char *next)
{
	return length && strchr(".?!", word[length - 1]) && !islower((unsigned char)*next);
}

/* Text of any length in lines of the source; man(7) wants sentences to begin on a line of their
   own. */
void man_fill(struct buf *out, const char *text)
{
	size_t column = 0, length;

	for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
		_cleanup_(buf_free) struct buf escaped = {0};
		_cleanup_(freep) char *word = xstrndup(text, strcspn(text, " \n"));

		length = strlen(word);
		text += length;
		man_text(&escaped, word);
		if (column && column + 1 + escaped.size > SOURCE_WIDTH) {
			buf_add_char(out, '\n');
			column = 0;
		}
		buf_addf(out, "%s%s", column ? " " : "", buf_text(&escaped));
		column += escaped.size + (column ? 1 : 0);
		if (ends_sentence(word, length, text + strspn(text, " \n")))
			column = SOURCE_WIDTH;
	}
	buf_add_char(out, '\n');
}

void man_paragraphs(struct buf *out, const char *text)
{
	bool first = true;

	for (;;) {
		_cleanup_(freep) char *paragraph = next_paragraph(&text);

		if (!paragraph)
			return;
		if (!first)
			buf_add_text(out, ".PP\n");
		man_fill(out, paragraph);
		first = false;
	}
}

static void upper(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_add_char(out, (char)toupper((unsigned char)*text));
}

void man_begin(struct buf *out, const struct program *program, const char *page, int section,
	       const char *summary)
{
	buf_add_text(out, ".\\\" SPDX-License-Identifier: MIT\n.TH ");
	upper(out, page);
	buf_addf(out, " %d %s \"%s %s\" \"%s manual\"\n.SH NAME\n", section, MAN_DATE,
		 program->name, program->version, program->name);
	man_text(out, page);
	buf_add_text(out, " \\- ");
	man_text(out, summary);
	buf_add_char(out, '\n');
}

static void add_synopsis(struct buf *out, const struct program *program, const struct verb *parent,
			 const struct verb *verb)
{
	_cleanup_(freep) char *usage = args_usage(program, parent, verb);

	buf_add_text(out, ".B ");
	man_text(out, usage);
	buf_add_char(out, '\n');
}

static void add_option(struct buf *out, const struct option *option)
{
	buf_add_text(out, ".TP\n");
	if (option->letter)
		buf_addf(out, "\\fB\\-%c\\fR, ", option->letter);
	buf_addf(out, "\\fB\\-\\-%s", option->negatable ? "[no\\-]" : "");
	man_text(out, option->name);
	buf_add_text(out, "\\fR");
	if (option->argument) {
		buf_add_text(out, " \\fI");
		man_text(out, option->argument);
		buf_add_text(out, "\\fR");
	}
	buf_add_char(out, '\n');
	man_fill(out, option->help);
	if (option->repeatable)
		buf_add_text(out, "May be given several times.\n");
	if (option->alias) {
		buf_add_text(out, "Also \\fB\\-\\-");
		man_text(out, option->alias);
		buf_add_text(out, "\\fR.\n");
	}
}

static void add_options(struct buf *out, const char *title, const struct option *options)
{
	if (!options || !options->name)
		return;
	buf_addf(out, ".SH %s\n", title);
	for (; options->name; options++)
		add_option(out, options);
}

static void add_examples(struct buf *out, const struct example *examples)
{
	if (!examples || !examples->command)
		return;
	buf_add_text(out, ".SH EXAMPLES\n");
	for (; examples->command; examples++) {
		buf_add_text(out, ".TP\n.B ");
		man_text(out, examples->command);
		buf_add_char(out, '\n');
		man_fill(out, examples->text);
	}
}

static void add_subs(struct buf *out, const struct program *program, const struct verb *verb)
{
	const struct verb *const *sub = verb->subs;
	const struct option *option;

	if (!sub)
		return;
	buf_add_text(out, ".SH COMMANDS\n");
	for (; *sub; sub++) {
		_cleanup_(freep) char *usage = args_usage(program, verb, *sub);

		buf_add_text(out, ".SS ");
		man_text(out, usage);
		buf_add_char(out, '\n');
		man_fill(out, (*sub)->summary);
		if ((*sub)->description)
			buf_add_text(out, ".PP\n");
		man_paragraphs(out, (*sub)->description);
		for (option = (*sub)->options; option && option->name; option++)
			add_option(out, option);
	}
}

struct shown_file {
	const char *path, *text;
};

static const struct shown_file files[] = {
	{"./aboard.yaml", "Board file of this folder, read first."},
	{"~/.config/aboard/boards/*.yaml", "Board files, in the order of their names."},
	{"~/.local/state/aboard/history.sqlite", "What was done."},
	{"~/.local/state/aboard/jobs/", "A folder for each job, with its console log."},
	{"~/.cache/aboard/", "Bundles that were pulled."},
	{NULL, NULL},
};

static const struct shown_file variables[] = {
	{"ABOARD_HOME", "A folder whose sub-folders config, state and cache are used instead of "
			"the XDG ones."},
	{"ABOARD_BEARER", "Bearer token for downloads, so that none need be in an argument list."},
	{"XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME", "As the XDG specification says."},
	{"NO_COLOR", "When set and not empty: no colours."},
	{"TERM", "When it is dumb: no colours and no progress bar."},
	{NULL, NULL},
};

static void add_files(struct buf *out, const char *title, const struct shown_file *rows)
{
	buf_addf(out, ".SH %s\n", title);
	for (; rows->path; rows++) {
		buf_add_text(out, ".TP\n.B ");
		man_text(out, rows->path);
		buf_add_char(out, '\n');
		man_fill(out, rows->text);
	}
}

static void add_exit_status(struct buf *out)
{
	int status, kind;

	buf_add_text(out, ".SH EXIT STATUS\n");
	for (status = 0; status < 256; status++) {
		for (kind = 0; kind < ERR_KIND_COUNT; kind++) {
			if (err_exit_status((enum err_kind)kind) != status)
				continue;
			buf_addf(out, ".TP\n.B %d\n", status);
			if (status)
				buf_addf(out, "%s: ", err_kind_name((enum err_kind)kind));
			man_text(out, err_kind_help((enum err_kind)kind));
			buf_add_text(out, ".\n");
		}
	}
}

static void add_verbs(struct buf *out, const struct program *program)
{
	const struct verb *const *verb = program->verbs;

	buf_add_text(out, ".SH COMMANDS\n");
	for (; *verb; verb++) {
		buf_addf(out, ".TP\n.B %s", (*verb)->name);
		if ((*verb)->args) {
			buf_add_char(out, ' ');
			man_text(out, (*verb)->args);
		}
		buf_add_char(out, '\n');
		man_text(out, (*verb)->summary);
		buf_addf(out, ";\nsee\n.BR %s\\-%s (1).\n", program->name, (*verb)->name);
	}
}

void man_program(const struct program *program, struct buf *out)
{
	man_begin(out, program, program->name, 1, program->summary);
	buf_add_text(out, ".SH SYNOPSIS\n");
	add_synopsis(out, program, NULL, NULL);
	buf_add_text(out, ".SH DESCRIPTION\n");
	man_paragraphs(out, program->description);
	add_verbs(out, program);
	add_options(out, "OPTIONS", program->options);
	add_exit_status(out);
	if (!program->has_boards)
		return;
	add_files(out, "ENVIRONMENT", variables);
	add_files(out, "FILES", files);
	buf_addf(out, ".SH SEE ALSO\n.BR %s.yaml (5)\n", program->name);
}

void man_verb(const struct program *program, const struct verb *verb, struct buf *out)
{
	_cleanup_(freep) char *page = xasprintf("%s-%s", program->name, verb->name);

	man_begin(out, program, page, 1, verb->summary);
	buf_add_text(out, ".SH SYNOPSIS\n");
	add_synopsis(out, program, NULL, verb);
	buf_add_text(out, ".SH DESCRIPTION\n");
	man_paragraphs(out, verb->description ? verb->description : verb->summary);
	add_subs(out, program, verb);
	add_options(out, "OPTIONS", verb->options);
	buf_addf(out,
		 ".PP\nThe options of every command and the exit statuses are in\n.BR %s (1).\n",
		 program->name);
	add_examples(out, verb->examples);
	buf_addf(out, ".SH SEE ALSO\n.BR %s (1)", program->name);
	if (program->has_boards)
		buf_addf(out, ",\n.BR %s.yaml (5)", program->name);
	buf_add_char(out, '\n');
}
