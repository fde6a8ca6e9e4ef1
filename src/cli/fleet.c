// SPDX-License-Identifier: MIT
#include "cli/fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "drivers/table.h"
#include "engine/events.h"

#define LINE_MAX_BYTES ((size_t)4 << 20) /* of one event */
#define SAID_MAX_BYTES ((size_t)64 << 10)
#define SHOW_MS        1000 /* at least so often, for what stands still */

static void add_board(struct fleet *fleet, const char *name)
{
	fleet->boards = xrealloc(fleet->boards, fleet->count + 1, sizeof(*fleet->boards));
	fleet->boards[fleet->count++] = (struct fleet_board){.name = name, .fd = -1};
}

static int add_named(struct fleet *fleet, const char *name, struct err *err)
{
	struct board *board;
	size_t i;
	int rc = boards_find(&fleet->known, name, &board, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < fleet->count; i++)
		if (text_equal(fleet->boards[i].name, board->name))
			return err_set(err, ERR_USAGE, "board '%s' is named twice", name);
	add_board(fleet, board->name);
	return 0;
}

static int add_all(struct fleet *fleet, const struct cli *cli, bool parts, struct err *err)
{
	size_t i;

	if (cli->args->word_count != (parts ? 0 : 1)) {
		err_set(err, ERR_USAGE, "--all is every board of the board files");
		return err_remedy(err, "give %s, and no BOARD", parts ? "-t only" : "one IMAGE");
	}
	for (i = 0; i < fleet->known.count; i++)
		add_board(fleet, fleet->known.items[i].name);
	if (fleet->count)
		return 0;
	err_set(err, ERR_NOT_FOUND, "there is no board in any board file");
	return err_remedy(err, "'aboard boards' tells where they are looked for");
}

/* The same bytes for each, and only what one command line can say of all. */
static int check_order(const struct fleet *fleet, const struct cli *cli, struct err *err)
{
	if (text_equal(fleet->image, "-"))
		return err_set(err, ERR_USAGE, "standard input can be read for one board only");
	if (args_count(cli->args, "plan-digest"))
		return err_set(err, ERR_USAGE, "--plan-digest is of one board's plan");
	return 0;
}

int fleet_open(struct fleet *fleet, struct cli *cli, struct err *err)
{
	bool all = args_flag(cli->args, "all", false);
	bool parts = args_count(cli->args, "write") > 0;
	size_t words = cli->args->word_count, named = words - (parts || words == 0 ? 0 : 1), i;
	int rc;

	if (!all && named < 2)
		return 0;
	rc = boards_load(&fleet->known, cli->boards_file, drivers, err);
	if (rc == 0 && all)
		rc = add_all(fleet, cli, parts, err);
	for (i = 0; rc == 0 && !all && i < named; i++)
		rc = add_named(fleet, args_word(cli->args, i), err);
	if (rc == -ERR_NOT_FOUND && parts && i == named)
		rc = err_set(err, ERR_USAGE,
			     "'%s' is no board: give an IMAGE or -t PARTITION:FILE, "
			     "not both",
			     args_word(cli->args, i - 1));
	fleet->image = parts ? NULL : args_word(cli->args, words - 1);
	return rc < 0 ? rc : check_order(fleet, cli, err);
}

static void free_board(struct fleet_board *board)
{
	closep(&board->fd);
	buf_free(&board->line);
	buf_free(&board->said);
	free(board->label);
	free(board->trouble);
	json_decref(board->plan);
	json_decref(board->result);
}

void fleet_free(struct fleet *fleet)
{
	while (fleet->count > 0)
		free_board(&fleet->boards[--fleet->count]);
	freep(&fleet->boards);
	boards_free(&fleet->known);
}

/* What the children are started with. */
struct crew {
	struct fleet *fleet;
	struct cli *cli;
	struct fleet_view view;
	int epoll_fd;
	size_t running;
	bool told;    /* they were told to end */
	bool pass_on; /* their events, to our standard output */
};

/* The options that a child is given by us, or not at all. */
static const char *const own_options[] = {"all",     "yes",     "json",        "quiet",
					  "verbose", "dry-run", "plan-digest", NULL};

static bool is_own(const char *name)
{
	const char *const *own = own_options;

	while (*own && strcmp(*own, name) != 0)
		own++;
	return *own;
}

/* A command line of a child; the array's texts are owned, too. */
struct words {
	char **items; /* ended by NULL */
	size_t count;
};

static void words_add(struct words *words, char *text)
{
	words->items = xrealloc(words->items, words->count + 2, sizeof(*words->items));
	words->items[words->count++] = text;
	words->items[words->count] = NULL;
}

static void words_free(struct words *words)
{
	while (words->count > 0)
		free(words->items[--words->count]);
	freep(&words->items);
}

static void add_option(struct words *words, const struct arg_value *value)
{
	const char *name = value->option->name;

	if (value->text)
		words_add(words, xasprintf("--%s=%s", name, value->text));
	else
		words_add(words, xasprintf("--%s%s", value->on ? "" : "no-", name));
}

static void make_words(struct words *words, const struct crew *crew,
		       const struct fleet_board *board, bool plan_only)
{
	const struct args *args = crew->cli->args;
	const char *digest = json_string_value(json_object_get(board->plan, "digest"));
	size_t i;

	words_add(words, xstrdup("/proc/self/exe"));
	words_add(words, xstrdup("flash"));
	words_add(words, xstrdup("--json"));
	words_add(words, xstrdup(plan_only ? "--dry-run" : "--yes"));
	/* What was shown and agreed to, and nothing else. */
	if (!plan_only && digest)
		words_add(words, xasprintf("--plan-digest=%s", digest));
	for (i = 0; i < args->value_count; i++)
		if (!is_own(args->values[i].option->name))
			add_option(words, &args->values[i]);
	words_add(words, xstrdup("--"));
	words_add(words, xstrdup(board->name));
	if (crew->fleet->image)
		words_add(words, xstrdup(crew->fleet->image));
}

static int watch(struct crew *crew, struct fleet_board *board, struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = board};

	if (epoll_ctl(crew->epoll_fd, EPOLL_CTL_ADD, board->fd, &event) < 0)
		return err_errno(err, ERR_HOST, "cannot watch a process");
	crew->running++;
	return 0;
}

static int start(struct crew *crew, struct fleet_board *board, bool plan_only, struct err *err)
{
	_cleanup_(words_free) struct words words = {0};
	_cleanup_(closep) int out = -1;
	int fds[2], rc;

	make_words(&words, crew, board, plan_only);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, ERR_HOST, "cannot make a pipe");
	board->fd = fds[0];
	out = fds[1];
	board->line.max = LINE_MAX_BYTES;
	board->said.max = SAID_MAX_BYTES;
	json_decref(steal(board->result));
	freep(&board->trouble);
	board->status = 0;
	rc = process_spawn((const char *const *)words.items, -1, out, &board->pid, err);
	return rc < 0 ? rc : watch(crew, board, err);
}

static void take_line(struct crew *crew, struct fleet_board *board, const char *line)
{
	json_t *event = *line == '{' ? json_loads(line, 0, NULL) : NULL;

	if (!event) {
		if (*line)
			buf_addf(&board->said, "%s\n", line);
		return;
	}
	fleet_take(board, event);
	if (crew->pass_on)
		json_print(stdout, json_incref(event));
	json_decref(event);
}

static void take_lines(struct crew *crew, struct fleet_board *board)
{
	char *end;

	while (board->line.size && (end = memchr(board->line.data, '\n', board->line.size))) {
		*end = '\0';
		take_line(crew, board, board->line.data);
		buf_drop(&board->line, (size_t)(end - board->line.data) + 1);
	}
	if (board->line.size == LINE_MAX_BYTES)
		buf_clear(&board->line);
}

static void end_of(struct crew *crew, struct fleet_board *board)
{
	int raw = 0;

	epoll_ctl(crew->epoll_fd, EPOLL_CTL_DEL, board->fd, NULL);
	closep(&board->fd);
	waitpid(board->pid, &raw, 0);
	board->status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
	board->pid = 0;
	take_line(crew, board, buf_text(&board->line));
	buf_free(&board->line);
	/* A result has said all there is; without one, what it printed is all we have. */
	if (!board->result) {
		board->changed = true;
		board->shown_ms = 0;
		fprintf(stderr, "%s: %s", board->name, buf_text(&board->said));
	}
	buf_free(&board->said);
	crew->running--;
}

static void read_from(struct crew *crew, struct fleet_board *board)
{
	char piece[16384];
	ssize_t got = read(board->fd, piece, sizeof(piece));

	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0) {
		end_of(crew, board);
		return;
	}
	buf_add(&board->line, piece, (size_t)got);
	take_lines(crew, board);
}

/* Each cleans up and tells how it ended. */
static void tell_to_end(struct crew *crew)
{
	size_t i;

	for (i = 0; i < crew->fleet->count; i++)
		if (crew->fleet->boards[i].pid)
			kill(crew->fleet->boards[i].pid, SIGINT);
	crew->told = true;
}

static int attend(struct crew *crew, struct err *err)
{
	struct pollfd ready = {.fd = crew->epoll_fd, .events = POLLIN};
	int cancel_fd = crew->told ? -1 : crew->cli->cancel_fd;
	struct epoll_event events[16];
	int rc = deadline_poll(&ready, 1, deadline_of_cancel(cancel_fd, SHOW_MS), err), i;

	if (rc == -ERR_CANCELLED)
		tell_to_end(crew);
	else if (rc < 0 && rc != -ERR_TIMEOUT)
		return rc;
	rc = epoll_wait(crew->epoll_fd, events, ARRAY_SIZE(events), 0);
	for (i = 0; i < rc; i++)
		read_from(crew, events[i].data.ptr);
	return 0;
}

/* Runs a child for each board that `wanted` says; until all have ended. */
static int run_all(struct crew *crew, bool plan_only, struct err *err)
{
	struct fleet *fleet = crew->fleet;
	int rc = 0;
	size_t i;

	for (i = 0; i < fleet->count && rc == 0; i++)
		if (plan_only || !fleet->boards[i].plan || fleet_is_well(&fleet->boards[i]))
			rc = start(crew, &fleet->boards[i], plan_only, err);
	if (rc < 0)
		tell_to_end(crew);
	while (crew->running > 0 && attend(crew, err) == 0)
		if (!plan_only)
			fleet_show(&crew->view, fleet->boards, fleet->count, false, clock_ms());
	return rc;
}

static size_t count_well(const struct fleet *fleet)
{
	size_t well = 0, i;

	for (i = 0; i < fleet->count; i++)
		well += fleet_is_well(&fleet->boards[i]);
	return well;
}

/* Those that could not be planned are left out, and count as failed. */
static int ask(struct crew *crew, struct err *err)
{
	const struct fleet *fleet = crew->fleet;
	size_t well = count_well(fleet);
	_cleanup_(freep) char *name = xasprintf("%zu board%s", well, well == 1 ? "" : "s");
	_cleanup_(asker_close) struct asker asker;
	int rc;

	fleet_show_plans(stderr, fleet->boards, fleet->count, crew->view.colour);
	if (well == 0)
		return err_set(err, ERR_REFUSED, "none of the boards can be written");
	rc = asker_open(&asker, name, crew->cli->cancel_fd, err);
	if (rc < 0)
		return rc;
	return asker_ask(&asker, NULL, NULL)
		       ? 0
		       : err_set(err, ERR_REFUSED, "not confirmed; nothing was changed");
}

static json_t *list_failed(const struct fleet *fleet)
{
	json_t *failed = json_array();
	size_t i;

	for (i = 0; i < fleet->count; i++)
		if (!fleet_is_well(&fleet->boards[i]))
			json_array_append_new(failed, json_text(fleet->boards[i].name));
	return failed;
}

static int fleet_status(const struct crew *crew)
{
	size_t failed = crew->fleet->count - count_well(crew->fleet);

	if (crew->told)
		return err_exit_status(ERR_CANCELLED);
	if (failed > FLEET_STATUS_MAX - FLEET_STATUS)
		return FLEET_STATUS_MAX;
	return failed ? FLEET_STATUS + (int)failed : 0;
}

/* The last line of the stream. */
static void emit_end(const struct crew *crew)
{
	struct events *events = events_new(NULL);

	events_add(events, json_sink(stdout));
	events_emit(events, "fleet",
		    json_pack("{sIsosi}", "boards", (json_int_t)crew->fleet->count, "failed",
			      list_failed(crew->fleet), "exit", fleet_status(crew)));
	events_free(events);
}

static void finish(struct crew *crew, bool plan_only)
{
	struct fleet *fleet = crew->fleet;
	bool colour = term_has_colour(plan_only ? stdout : stderr);

	crew->cli->exit_status = fleet_status(crew);
	if (crew->pass_on) {
		emit_end(crew);
	} else if (plan_only) {
		fleet_show_plans(stdout, fleet->boards, fleet->count, colour);
	} else {
		fleet_show(&crew->view, fleet->boards, fleet->count, true, clock_ms());
		if (!crew->view.quiet || crew->cli->exit_status)
			fleet_show_end(stderr, fleet->boards, fleet->count, colour);
	}
}

static struct fleet_view view_here(const struct cli *cli, size_t count)
{
	const char *term = getenv("TERM");
	struct winsize size = {.ws_col = 80};
	bool terminal = isatty(STDERR_FILENO) && term && !text_equal(term, "dumb");

	if (terminal && (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0))
		size.ws_col = 80;
	return (struct fleet_view){.out = stderr,
				   /* what does not fit cannot be redrawn */
				   .terminal = terminal && count < size.ws_row,
				   .colour = term_has_colour(stderr),
				   .quiet = cli->json || cli->quiet,
				   .width = size.ws_col};
}

int fleet_flash(struct fleet *fleet, struct cli *cli, bool plan_only, struct err *err)
{
	struct crew crew = {.fleet = fleet, .cli = cli, .view = view_here(cli, fleet->count)};
	_cleanup_(closep) int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	int rc = 0;

	crew.epoll_fd = epoll_fd;
	crew.pass_on = cli->json;
	if (cli->json && !cli->yes && !plan_only) {
		err_set(err, ERR_REFUSED,
			"with --json nobody can be asked whether the boards may be "
			"written");
		return err_remedy(err, "say yes in advance with --yes");
	}
	if (!cli->yes || plan_only)
		rc = run_all(&crew, true, err);
	if (rc == 0 && !cli->yes && !plan_only && !crew.told)
		rc = ask(&crew, err);
	if (rc == 0 && !plan_only && !crew.told)
		rc = run_all(&crew, false, err);
	if (rc == 0)
		finish(&crew, plan_only);
	return rc;
}
