// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/help.h"
#include "sim/fault.h"
#include "sim/program.h"
#include "sim/verbs.h"

static const struct option options[] = {
	{.name = "man",
	 .argument = "PAGE",
	 .help = "The manual page aboard-sim or aboard-sim-MODEL."},
	{0},
};

static void print_faults(void)
{
	size_t i;

	puts("Faults: --fault [STAGE:]KIND[@N][+]. N counts from 1; with + it happens from then "
	     "on.");
	for (i = 0; i < SIM_FAULT_COUNT; i++)
		printf("  %-14s %s\n", sim_fault_name((enum sim_fault_kind)i),
		       sim_fault_help((enum sim_fault_kind)i));
}

static int unknown(const char *what, const char *name, struct err *err)
{
	err_set(err, ERR_USAGE, "there is no %s \"%s\"", what, name);
	return err_remedy(err, "`aboard-sim --help` lists the models");
}

static int print_man(const char *page, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {0};
	const struct verb *verb = NULL;

	if (text_starts(page, "aboard-sim-"))
		verb = verb_find(sim_program.verbs, page + strlen("aboard-sim-"));
	else if (!text_equal(page, "aboard-sim"))
		return unknown("manual page", page, err);
	if (!verb && !text_equal(page, "aboard-sim"))
		return unknown("manual page", page, err);
	if (verb)
		man_verb(&sim_program, verb, &text);
	else
		man_program(&sim_program, &text);
	fputs(buf_text(&text), stdout);
	return 0;
}

static int run(struct cli *cli, struct err *err)
{
	const char *page = args_value(cli->args, "man", NULL), *word = args_word(cli->args, 0);
	_cleanup_(buf_free) struct buf text = {0};
	const struct verb *verb;

	if (page)
		return print_man(page, err);
	if (text_equal(word, "faults")) {
		print_faults();
		return 0;
	}
	verb = word ? verb_find(sim_program.verbs, word) : NULL;
	if (word && !verb)
		return unknown("model", word, err);
	help_text(&sim_program, NULL, verb, &text);
	fputs(buf_text(&text), stdout);
	return 0;
}

const struct verb sim_verb_help = {
	.name = "help",
	.summary = "help on a model, or on faults",
	.args = "[MODEL]",
	.description = "`help faults` lists the faults that every model can show.",
	.options = options,
	.run = run,
};
