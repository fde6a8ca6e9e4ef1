// SPDX-License-Identifier: MIT
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/args.h"
#include "cli/help.h"
#include "cli/verbs.h"
#include "drivers/table.h"
#include "engine/board.h"
#include "engine/driver.h"
#include "power/power.h"

struct key_tables {
	struct man_keys *items;
	char **titles; /* owned; one an item */
	size_t count;
};

static void tables_add(struct key_tables *tables, char *title, const char *summary,
		       const struct key *keys)
{
	size_t i = tables->count++;

	tables->items = xrealloc(tables->items, tables->count, sizeof(*tables->items));
	tables->titles = xrealloc(tables->titles, tables->count, sizeof(*tables->titles));
	tables->titles[i] = title;
	tables->items[i] = (struct man_keys){title, summary, keys};
}

static void tables_free(struct key_tables *tables)
{
	while (tables->count-- > 0)
		freep(&tables->titles[tables->count]);
	freep(&tables->titles);
	freep(&tables->items);
}

static void man_of_files(struct buf *out)
{
	_cleanup_(tables_free) struct key_tables tables = {0};
	const struct driver *const *driver;
	const struct power_way *const *way;

	tables_add(&tables, xstrdup("KEYS"), "Every board may have these.", board_keys);
	for (driver = drivers; *driver; driver++) {
		tables_add(&tables, xasprintf("DRIVER %s", (*driver)->name), (*driver)->summary,
			   (*driver)->keys);
		tables_add(&tables, xasprintf("TIMEOUTS OF %s", (*driver)->name),
			   "Under timeouts: every deadline and every wait.", (*driver)->timeouts);
	}
	tables_add(&tables, xstrdup("POWER"), "Every way to switch power has these keys.",
		   power_common_keys);
	for (way = power_ways; *way; way++)
		tables_add(&tables, xasprintf("POWER BY %s", (*way)->name), (*way)->summary,
			   (*way)->keys);
	man_yaml(&aboard_program, tables.items, tables.count, out);
}

/* "aboard", "aboard.yaml", "aboard-flash", "flash". */
static int man_of(const char *page, struct buf *out, struct err *err)
{
	const char *name = text_starts(page, "aboard-") ? page + strlen("aboard-") : page;
	const struct verb *verb = verb_find(aboard_program.verbs, name);

	if (text_equal(page, "aboard"))
		man_program(&aboard_program, out);
	else if (text_equal(page, "aboard.yaml"))
		man_of_files(out);
	else if (verb)
		man_verb(&aboard_program, verb, out);
	else
		return err_set(err, ERR_NOT_FOUND, "there is no manual page '%s'", page);
	return 0;
}

struct shell {
	const char *name;
	void (*complete)(const struct program *program, struct buf *out);
};

static const struct shell shells[] = {
	{"bash", complete_bash},
	{"zsh", complete_zsh},
	{"fish", complete_fish},
	{NULL, NULL},
};

static void completion_of(const char *name, struct buf *out)
{
	const struct shell *shell = shells;

	while (shell->name && !text_equal(shell->name, name))
		shell++;
	if (shell->name)
		shell->complete(&aboard_program, out);
}

/* aboard help [VERB [SUB]] */
static int help_of(const struct args *args, struct buf *out, struct err *err)
{
	const char *name = args_word(args, 0), *sub_name = args_word(args, 1);
	const struct verb *verb = verb_find(aboard_program.verbs, name), *sub;
	struct args top = {.program = &aboard_program, .verb = verb};

	if (!name) {
		help_text(&aboard_program, NULL, NULL, out);
		return 0;
	}
	if (!verb)
		return unknown_verb(&top, name, err);
	if (!sub_name) {
		help_text(&aboard_program, NULL, verb, out);
		return 0;
	}
	sub = verb_find(verb->subs, sub_name);
	if (!sub)
		return unknown_verb(&top, sub_name, err);
	help_text(&aboard_program, verb, sub, out);
	return 0;
}

static int run(struct cli *cli, struct err *err)
{
	const char *page = args_value(cli->args, "man", NULL);
	const char *shell = args_value(cli->args, "completion", NULL);
	_cleanup_(buf_free) struct buf text = {0};
	int rc = 0;

	if (page)
		rc = man_of(page, &text, err);
	else if (shell)
		completion_of(shell, &text);
	else
		rc = help_of(cli->args, &text, err);
	fputs(buf_text(&text), stdout);
	return rc;
}

static const struct option options[] = {
	{.name = "man",
	 .argument = "PAGE",
	 .help = "Print the source of a manual page: aboard, aboard.yaml, or a command."},
	{.name = "completion",
	 .argument = "bash|zsh|fish",
	 .help = "Print the completion script of a shell."},
	{0},
};

static const struct example examples[] = {
	{"aboard help flash", "Tells what flash does and which options it has."},
	{"aboard help --man aboard.yaml | man -l -", "Shows what may be in a board file."},
	{"source <(aboard help --completion bash)", "Completes words in this shell."},
	{0},
};

const struct verb verb_help = {
	.name = "help",
	.summary = "tell how a command is used",
	.args = "[COMMAND] [SUBCOMMAND]",
	.options = options,
	.examples = examples,
	.run = run,
};
