// SPDX-License-Identifier: MIT
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "cli/term.h"
#include "cli/verbs.h"

static void print_help(const struct args *args, FILE *out)
{
	_cleanup_(buf_free) struct buf text = {0};

	help_text(args->program, args->parent, args->verb, &text);
	fputs(buf_text(&text), out);
}

/* Before the command line is understood: an error in it is to be told in JSON too. */
static bool wants_json(int argc, char *const *argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

/* Names the program is installed under, too, for users of Xen's ImageBuilder: the words they stand
   for. There, any failure is status 1. */
static const struct {
	const char *name, *verb, *sub;
} links[] = {
	{"uboot-script-gen", "build", "script"},
	{"disk_image", "build", "disk"},
};

/* The command line with the words of such a name in it, which the caller frees; NULL: the program
   was called by its own name. */
static char **expand_link(int *argc, char *const *argv)
{
	const char *name = *argc > 0 ? path_base(argv[0]) : "";
	char **words;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(links) && !text_equal(links[i].name, name); i++)
		;
	if (i == ARRAY_SIZE(links))
		return NULL;
	words = xcalloc((size_t)*argc + 3, sizeof(*words));
	words[0] = argv[0];
	words[1] = (char *)(uintptr_t)links[i].verb;
	words[2] = (char *)(uintptr_t)links[i].sub;
	memcpy(words + 3, argv + 1, ((size_t)*argc - 1) * sizeof(*words));
	*argc += 2;
	return words;
}

/* A verb may have a --version of its own, with an argument. */
static bool wants_version(const struct args *args)
{
	const struct option *own = args->verb ? args->verb->options : NULL;

	return !option_find(own, "version") && args_flag(args, "version", false);
}

static int run_verb(struct cli *cli, const struct args *args, struct err *err)
{
	int rc = args_check(args, err);

	if (rc < 0)
		return rc;
	cli->args = args;
	cli->boards_file = args_value(args, "boards", NULL);
	cli->json = args_flag(args, "json", false);
	cli->quiet = args_flag(args, "quiet", false);
	cli->yes = args_flag(args, "yes", false);
	cli->verbose = (unsigned int)args_count(args, "verbose");
	return args->verb->run(cli, err);
}

static int run(struct cli *cli, struct args *args, int argc, char *const *argv, struct err *err)
{
	int rc = args_parse(args, &aboard_program, argc, argv, err);

	if (rc < 0)
		return rc;
	if (args_flag(args, "help", false)) {
		print_help(args, stdout);
		return 0;
	}
	if (wants_version(args))
		return verb_version.run(cli, err);
	if (!args->verb && args->value_count == 0) {
		print_help(args, stderr);
		cli->exit_status = err_exit_status(ERR_USAGE);
		return 0;
	}
	return run_verb(cli, args, err);
}

/* What was printed must have arrived: a full disk behind a pipe is no success. */
static int flush_output(struct err *err)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return err_errno(err, ERR_HOST, "cannot write to standard output");
}

static int report(const struct cli *cli, const struct err *err, bool json)
{
	if (json && !cli->reported)
		json_print_err(stdout, err);
	if (json || !cli->reported)
		print_err(stderr, err, term_has_colour(stderr));
	return err_exit_status(err->kind);
}

int main(int argc, char **argv)
{
	_cleanup_(freep) char **words = expand_link(&argc, argv);
	_cleanup_(args_free) struct args args = {0};
	struct cli cli = {.cancel_fd = -1};
	struct signals signals;
	struct err err = {0};
	int rc;

	argv = words ? words : argv;
	signal(SIGPIPE, SIG_IGN);
	rc = signals_begin(&signals, &err);
	cli.cancel_fd = signals.cancel_fd;
	if (rc == 0)
		rc = run(&cli, &args, argc, argv, &err);
	if (rc == 0)
		rc = flush_output(&err);
	signals_end(&signals);
	if (rc == 0)
		return cli.exit_status;
	rc = report(&cli, &err, wants_json(argc, argv));
	return words ? 1 : rc;
}
