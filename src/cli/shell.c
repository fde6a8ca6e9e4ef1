// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/order.h"
#include "cli/session.h"
#include "cli/verbs.h"

struct place {
	const char *at;
	bool framed; /* a command can be run there and its end be known */
	enum console_shell shell;
};

static const struct place places[] = {
	{"none", false, SHELL_POSIX},
	{"bootloader", true, SHELL_UBOOT},
	{"linux", true, SHELL_POSIX},
};

static const struct place *find_place(const char *at)
{
	size_t i;

	for (i = 1; i < ARRAY_SIZE(places); i++)
		if (text_equal(places[i].at, at))
			return &places[i];
	return &places[0];
}

/* Runs one command; its output is the result on stdout, its code the exit status. */
static int run_command(struct job *job, const struct place *place, const char *command,
		       struct cli *cli, struct err *err)
{
	struct deadline deadline = {.at_ms = INT64_MAX, .cancel_fd = cli->cancel_fd};
	_cleanup_(buf_free) struct buf output = {0};
	int status = 0, rc;

	rc = console_run(job->console, place->shell, command, &output, &status, deadline, err);
	if (rc < 0)
		return err_prefix(err, "running '%s'", command);
	if (buf_over(&output))
		return err_set(err, ERR_BOARD, "'%s' printed more than can be held", command);
	cli->exit_status = status < 0 || status > 255 ? 255 : status;
	job_result(job, "status", json_integer(status));
	if (cli->json)
		job_result(job, "output", json_text(buf_text(&output)));
	else
		fwrite(buf_text(&output), 1, output.size, stdout);
	return 0;
}

static int open_log(const char *path, int *fd, struct err *err)
{
	*fd = -1;
	if (!path)
		return 0;
	*fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	return *fd < 0 ? err_errno(err, ERR_HOST, "cannot write %s", path) : 0;
}

static int converse(struct job *job, const struct place *place, int log_fd, struct cli *cli,
		    struct err *err)
{
	struct session session = {
		.stream = console_stream(job->console),
		.in_fd = STDIN_FILENO,
		.out_fd = STDOUT_FILENO,
		.log_fd = log_fd,
		.cancel_fd = cli->cancel_fd,
		.at_prompt = place->framed,
		.tell_size = text_equal(place->at, "linux"),
	};

	return session_run(&session, err);
}

static int use(struct job *job, const struct args *args, int log_fd, struct cli *cli,
	       struct err *err)
{
	const struct place *place = find_place(args_value(args, "at", NULL));
	const char *command = args_value(args, "exec", NULL);

	if (!job->console)
		return err_set(err, ERR_INTERNAL, "the driver gave no console");
	if (command)
		return run_command(job, place, command, cli, err);
	return converse(job, place, log_fd, cli, err);
}

static int check(const struct cli *cli, struct err *err)
{
	const struct place *place = find_place(args_value(cli->args, "at", NULL));
	bool command = args_value(cli->args, "exec", NULL) != NULL;

	if (command && !place->framed) {
		err_set(err, ERR_USAGE, "--exec needs to know where the command runs");
		return err_remedy(err, "give --at bootloader or --at linux");
	}
	if (!command && cli->json)
		return err_set(err, ERR_USAGE, "--json is only for --exec");
	if (command || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		return 0;
	err_set(err, ERR_USAGE, "an interactive console needs a terminal");
	return err_remedy(err, "give --exec COMMAND to run one command");
}

static int run(struct cli *cli, struct err *err)
{
	_cleanup_(order_free) struct order order = {0};
	_cleanup_(closep) int log_fd = -1;
	struct job_settings settings;
	struct job *job;
	int rc = check(cli, err);

	if (rc == 0)
		rc = open_log(args_value(cli->args, "log", NULL), &log_fd, err);
	if (rc == 0)
		rc = order_open(&order, cli, "shell", err);
	if (rc < 0)
		return rc;
	order.request.at = args_value(cli->args, "at", "none");
	settings = order_settings(&order, cli, (struct job_confirm){0});
	rc = job_begin(&job, order.board, &order.request, &settings, err);
	if (rc == 0)
		rc = use(job, cli->args, log_fd, cli, err);
	rc = job_end(job, rc, err);
	order_report(&order, cli, rc);
	return rc;
}

static const struct option options[] = {
	{.name = "at",
	 .argument = "bootloader|linux|none",
	 .help = "Where the console is wanted: at the bootloader's prompt or in the flasher's "
		 "Linux, for which the board is power-cycled; none takes the board as it is. "
		 "Default: none."},
	{.name = "exec",
	 .argument = "COMMAND",
	 .help = "Run one command there, print its output, and end with its code."},
	{.name = "log", .argument = "FILE", .help = "Append what the board says to this file."},
	OPTION_BUNDLE,
	OPTION_CACERT,
	OPTION_INSECURE,
	OPTION_RETRIES,
	{.name = "power-off",
	 .negatable = true,
	 .help = "Switch the board off at the end. This is the default, but never with --at none."},
	OPTION_HOST_ADDRESS,
	OPTION_CONSOLE_DEBUG,
	{0},
};

static const struct example examples[] = {
	{"aboard shell lab3", "Shows the console of lab3 as it is."},
	{"aboard shell lab3 --at bootloader --exec 'mmc list'",
	 "Prints what the bootloader answers."},
	{0},
};

const struct verb verb_shell = {
	.name = "shell",
	.summary = "use a board's console",
	.args = "BOARD",
	.description =
		"Opens the console, brings the board where --at says, and connects it to this "
		"terminal. Ctrl-] begins a local command: . or q ends the session, Ctrl-] once "
		"more "
		"sends one Ctrl-] to the board, anything else shows this help. Ctrl-C goes to the "
		"board.\n\n"
		"With --at linux the board is told the size of the terminal with stty, at the "
		"beginning and, when the terminal's size changes, at the next prompt.\n\n"
		"With --exec the exit status is the command's; statuses of aboard's own errors are "
		"in aboard(1).",
	.options = options,
	.examples = examples,
	.run = run,
};
