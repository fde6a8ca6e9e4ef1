// SPDX-License-Identifier: MIT
/* aboard-sim: models of boards behind a USB/IP server. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/help.h"
#include "sim/program.h"
#include "sim/server.h"
#include "sim/verbs.h"

static const struct option global_options[] = {
	{.name = "listen",
	 .letter = 'l',
	 .argument = "HOST:PORT",
	 .help = "Where the USB/IP server listens (default 127.0.0.1:3240). Port 0 takes any free "
		 "one. The first line on standard output says which it is."},
	{.name = "until-idle",
	 .argument = "TIME",
	 .help = "End when no client was connected for so long, after the first one."},
	{.name = "with-stdin", .help = "End when standard input ends, as whoever started it did."},
	{.name = "reset-on-detach",
	 .help = "A client that leaves resets the device, as with Linux's own usbip-host."},
	{.name = "count", .argument = "N", .help = "So many devices of the model (default 1)."},
	{.name = "serial",
	 .argument = "TEXT",
	 .help = "Serial number (default: made from the number of the device)."},
	{.name = "absent",
	 .argument = "TIME",
	 .help = "How long a device is away when it enumerates anew (default 300ms)."},
	{.name = "transfer-us",
	 .argument = "US",
	 .help = "Each control transfer takes so many microseconds (default 0)."},
	{.name = "bulk-rate",
	 .argument = "SIZE",
	 .help = "Bulk transfers move so many bytes a second (default: as many as they can)."},
	{.name = "write-rate",
	 .argument = "SIZE",
	 .help = "Media take so many bytes a second, and the device is busy meanwhile (default: no "
		 "time)."},
	{.name = "read-rate",
	 .argument = "SIZE",
	 .help = "They give so many bytes a second (default: as many as they can)."},
	{.name = "fault",
	 .argument = "FAULT",
	 .help = "A fault on purpose, [STAGE:]KIND[@N][+]; the kinds are in `aboard-sim help "
		 "faults`.",
	 .repeatable = true},
	{.name = "help", .letter = 'h', .help = "Show this, or the help of a model."},
	{.name = "version", .help = "Show the version."},
	{0},
};

static const struct verb *const verbs[] = {
	&sim_verb_dfu, &sim_verb_fastboot, &sim_verb_k3, &sim_verb_stm32mp,
	&sim_verb_ums, &sim_verb_help,     NULL,
};

const struct program sim_program = {
	.name = "aboard-sim",
	.version = ABOARD_VERSION,
	.summary = "models of boards' boot ROMs and loaders, behind a USB/IP server",
	.description =
		"Each model plays a board in its boot ROM or loader and is a USB device of a "
		"USB/IP "
		"server, to be flashed by aboard (usbip://), or by any program of a machine that "
		"has "
		"attached it with `usbip attach`. What is written to the board is in the files of "
		"its "
		"media afterwards.\n\nSeveral models may follow each other, each with its own "
		"options; "
		"options before the first are for all of them. They are on the ports 1-1, 1-2... "
		"in "
		"their order.\n\nThe first line on standard output is `listening on HOST:PORT`. "
		"The "
		"program ends on SIGINT and SIGTERM, and as --with-stdin and --until-idle say, and "
		"leaves nothing behind but the files of media.",
	.options = global_options,
	.verbs = verbs,
};

/* The command line in sections: options before the first model, then each model with its own. */
struct section {
	char **argv; /* ended by NULL */
	int argc;
};

static void section_add(struct section *section, char *word)
{
	section->argv = xrealloc(section->argv, (size_t)section->argc + 2, sizeof(char *));
	section->argv[section->argc++] = word;
	section->argv[section->argc] = NULL;
}

static bool takes_value(const struct option *table, const char *word)
{
	const struct option *option;

	if (!text_starts(word, "--") || strchr(word, '='))
		return text_equal(word, "-l");
	option = option_find(table, word + 2);
	return option && option->argument;
}

/* Whether the word begins the section of a model: it names one and is not the value of the option
   before it. */
static bool begins(const struct section *section, const struct verb *model, const char *word)
{
	const char *before = section->argc ? section->argv[section->argc - 1] : "";

	if (!verb_find(verbs, word) || model == &sim_verb_help)
		return false;
	return !takes_value(global_options, before) &&
	       !(model && takes_value(model->options, before));
}

/* One section for each model; the options before the first are in each of them. The caller frees
   them; *count 0: no model is named, and `all` is the one section there is. */
static struct section *split(int argc, char **argv, struct section *all, size_t *count)
{
	struct section *sections = NULL, *now = all;
	const struct verb *model = NULL;
	int i, k;

	*count = 0;
	section_add(all, argv[0]);
	for (i = 1; i < argc; i++) {
		if (begins(now, model, argv[i])) {
			model = verb_find(verbs, argv[i]);
			sections = xrealloc(sections, *count + 1, sizeof(*sections));
			now = &sections[(*count)++];
			*now = (struct section){0};
			for (k = 0; k < all->argc; k++)
				section_add(now, all->argv[k]);
		}
		section_add(now, argv[i]);
	}
	return sections;
}

/* What concerns the server; of several sections the last one that says it counts. */
struct settings {
	const char *listen;
	int64_t idle_ms; /* negative: never */
	bool with_stdin, reset_on_detach;
	bool done; /* help or version was asked for: nothing is to be served */
};

static int take_settings(const struct args *args, struct settings *settings, struct err *err)
{
	const char *idle = args_value(args, "until-idle", NULL);

	settings->listen = args_value(args, "listen", settings->listen);
	settings->with_stdin |= args_flag(args, "with-stdin", false);
	settings->reset_on_detach |= args_flag(args, "reset-on-detach", false);
	if (idle && !text_duration(idle, &settings->idle_ms))
		return err_set(err, ERR_USAGE, "--until-idle: \"%s\" is not a time, such as 5s",
			       idle);
	return 0;
}

static bool print_help(const struct args *args)
{
	_cleanup_(buf_free) struct buf text = {0};

	if (args_flag(args, "version", false)) {
		puts("aboard-sim " ABOARD_VERSION);
		return true;
	}
	if (!args_flag(args, "help", false))
		return false;
	help_text(&sim_program, NULL, args->verb, &text);
	fputs(buf_text(&text), stdout);
	return true;
}

static int no_model(struct err *err)
{
	err_set(err, ERR_USAGE, "no model is named");
	return err_remedy(err, "`aboard-sim --help` lists them");
}

static int run_section(struct sim_cli *own, const struct section *section,
		       struct settings *settings, struct err *err)
{
	_cleanup_(args_free) struct args args = {0};
	int rc = args_parse(&args, &sim_program, section->argc, section->argv, err);

	if (rc == 0)
		rc = take_settings(&args, settings, err);
	if (rc < 0)
		return rc;
	if (print_help(&args)) {
		settings->done = true;
		return 0;
	}
	if (!args.verb)
		return no_model(err);
	rc = args_check(&args, err);
	if (rc < 0)
		return rc;
	own->cli.args = &args;
	settings->done |= args.verb == &sim_verb_help;
	return args.verb->run(&own->cli, err);
}

static int make_models(struct sim_cli *own, int argc, char **argv, struct settings *settings,
		       struct err *err)
{
	struct section all = {0}, *sections;
	size_t count, i;
	int rc = 0;

	sections = split(argc, argv, &all, &count);
	if (!count)
		rc = run_section(own, &all, settings, err);
	for (i = 0; i < count; i++) {
		if (rc == 0 && !settings->done)
			rc = run_section(own, &sections[i], settings, err);
		free(sections[i].argv);
	}
	free(sections);
	free(all.argv);
	return rc;
}

/* A descriptor whose readiness ends the program. */
struct ender {
	struct loop_watch watch;
	struct loop *loop;
	bool is_stdin;
};

static void end(struct loop_watch *watch, short events, int64_t now_us)
{
	struct ender *ender = container_of(watch, struct ender, watch);
	char bytes[256];

	(void)events;
	(void)now_us;
	/* What is written there means nothing; only its end does. */
	if (ender->is_stdin && read(watch->fd, bytes, sizeof(bytes)) > 0)
		return;
	ender->loop->stop = true;
}

static int signals_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int serve(struct sim_cli *own, const struct settings *settings, int signal_fd,
		 struct err *err)
{
	struct ender signals = {{signal_fd, POLLIN, LOOP_NEVER, end}, own->loop, false};
	struct ender input = {{STDIN_FILENO, POLLIN, LOOP_NEVER, end}, own->loop, true};
	_cleanup_(server_freep) struct server *server = NULL;
	char address[SERVER_ADDRESS];
	int fd, rc;

	rc = server_listen(settings->listen, "3240", &fd, err);
	if (rc < 0)
		return rc;
	server = server_new(own->loop, own->bus, fd);
	if (settings->idle_ms >= 0)
		server_until_idle(server, settings->idle_ms);
	own->bus->reset_on_detach = settings->reset_on_detach;
	loop_add(own->loop, &signals.watch);
	if (settings->with_stdin)
		loop_add(own->loop, &input.watch);
	server_address(fd, address);
	printf("listening on %s\n%s", address, buf_text(&own->lines));
	if (fflush(stdout) != 0)
		return err_errno(err, ERR_HOST, "writing to standard output");
	return loop_run(own->loop, err);
}

int main(int argc, char **argv)
{
	struct settings settings = {.listen = "127.0.0.1:3240", .idle_ms = -1};
	struct sim_bus bus = {0};
	struct loop loop = {0};
	struct sim_cli own = {.cli = {.cancel_fd = -1}, .bus = &bus, .loop = &loop};
	_cleanup_(closep) int signal_fd = signals_fd();
	struct err err = {0};
	int rc;

	signal(SIGPIPE, SIG_IGN);
	rc = make_models(&own, argc, argv, &settings, &err);
	if (rc == 0 && !settings.done)
		rc = serve(&own, &settings, signal_fd, &err);
	sim_bus_free(&bus);
	buf_free(&own.lines);
	loop_free(&loop);
	if (rc == 0)
		return 0;
	fprintf(stderr, "aboard-sim: %s\n", err.text);
	if (err.remedy[0])
		fprintf(stderr, "  -> %s\n", err.remedy);
	return err_exit_status(err.kind);
}
