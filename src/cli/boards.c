// SPDX-License-Identifier: MIT
#include "engine/board.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/attached.h"
#include "cli/output.h"
#include "cli/sight.h"
#include "cli/verbs.h"
#include "drivers/table.h"
#include "engine/driver.h"
#include "engine/import_jumpstarter.h"

/* All boards together may take this long to be looked at. */
#define LOOK_MS 5000

static json_t *board_json(const struct board *board, const struct sight *sight)
{
	return json_pack("{s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "name", json_text(board->name),
			 "driver", board->driver->name, "file", board->node->file, "serial",
			 json_text(board->serial), "serial_seen", json_text(sight->serial_word),
			 "serial_note", json_text(sight->serial_note), "power",
			 json_text(sight->power), "power_note", json_text(sight->power_note), "job",
			 sight->job ? json_integer(sight->job) : json_null());
}

static void print_names(const struct boards *boards)
{
	size_t i;

	for (i = 0; i < boards->count; i++)
		printf("%s\n", boards->items[i].name);
}

/* How it is reached, in one word. */
static const char *address_of(const struct board *board)
{
	const char *usb = yaml_text(board->usb, "path", yaml_text(board->usb, "serial", NULL));

	if (board->serial)
		return board->serial;
	if (board->usb)
		return usb ? usb : yaml_text(board->usb, "id", "usb");
	return yaml_text(board->own, "link", "no serial");
}

static void print_row(const struct board *board, const struct sight *sight, int width)
{
	printf("%-*s  %-10s  %-8s", width, board->name, board->driver->name,
	       sight->power ? sight->power : "-");
	printf("  %s", address_of(board));
	if (sight->serial_word)
		printf(" (%s)", sight->serial_note ? sight->serial_note : sight->serial_word);
	if (sight->job)
		printf(" (job %" PRId64 " is running)", sight->job);
	putchar('\n');
	if (sight->power_note)
		printf("%*s  power: %s\n", width, "", sight->power_note);
}

static int name_width(const struct boards *boards)
{
	size_t width = strlen("board"), i;

	for (i = 0; i < boards->count; i++)
		if (strlen(boards->items[i].name) > width)
			width = strlen(boards->items[i].name);
	return width < 40 ? (int)width : 40;
}

static void print_table(const struct cli *cli, const struct boards *boards)
{
	struct deadline deadline = deadline_of_cancel(cli->cancel_fd, LOOK_MS);
	int width = name_width(boards);
	json_t *rows = json_array();
	size_t i;

	if (!cli->json && boards->count)
		printf("%-*s  %-10s  %-8s  %s\n", width, "board", "driver", "power", "at");
	for (i = 0; i < boards->count; i++) {
		_cleanup_(sight_free) struct sight sight = {0};

		look_at(&boards->items[i], &sight, deadline);
		if (cli->json)
			json_array_append_new(rows, board_json(&boards->items[i], &sight));
		else
			print_row(&boards->items[i], &sight, width);
	}
	if (cli->json)
		json_print(stdout, json_incref(rows));
	json_decref(rows);
}

static void tell_none(const struct cli *cli)
{
	_cleanup_(freep) char *config = NULL;
	struct err ignored;

	if (cli->boards_file)
		fprintf(stderr, "aboard: no boards in %s\n", cli->boards_file);
	else if (path_config(&config, &ignored) == 0)
		fprintf(stderr, "aboard: no boards in ./aboard.yaml and %s/boards\n", config);
	fprintf(stderr, "     -> aboard.yaml(5) says how one is written: 'man aboard.yaml'\n");
}

static int run(struct cli *cli, struct err *err)
{
	struct boards boards = {0};
	int rc;

	if (args_flag(cli->args, "watch", false))
		return attached_watch(cli, err);
	if (args_flag(cli->args, "attached", false))
		return attached_list(cli, err);
	rc = boards_load(&boards, cli->boards_file, drivers, err);

	if (rc == 0 && cli->quiet)
		print_names(&boards);
	else if (rc == 0)
		print_table(cli, &boards);
	if (rc == 0 && boards.count == 0 && !cli->quiet)
		tell_none(cli);
	boards_free(&boards);
	return rc;
}

static int run_import(struct cli *cli, struct err *err)
{
	_cleanup_(buf_free) struct buf yaml = {0};
	_cleanup_(buf_free) struct buf notes = {0};
	int rc = import_jumpstarter(args_word(cli->args, 0), &yaml, &notes, err);

	if (notes.size && !cli->quiet)
		fputs(buf_text(&notes), stderr);
	if (rc < 0)
		return rc;
	if (cli->json)
		json_print(stdout, json_pack("{soso}", "yaml", json_text(buf_text(&yaml)), "notes",
					     json_text(buf_text(&notes))));
	else
		fputs(buf_text(&yaml), stdout);
	return 0;
}

static const struct example import_examples[] = {
	{"aboard boards import exporter.yaml > aboard.yaml",
	 "Makes a board file; what could not be carried over is told on standard error."},
	{0},
};

static const struct verb import = {
	.name = "import",
	.summary = "make a board file of a Jumpstarter exporter file",
	.args = "FILE",
	.description = "Prints the board file. Notes on what could not be carried over, and what "
		       "should be looked at, go to standard error.",
	.examples = import_examples,
	.run = run_import,
};

static const struct verb *const subs[] = {&import, NULL};

static const struct option options[] = {
	{.name = "attached",
	 .help = "List the USB devices that a driver knows instead: recovery modes and boot "
		 "loaders, "
		 "on this machine and on those whose USB/IP servers the board files name, and "
		 "which "
		 "board each is."},
	{.name = "ask",
	 .help = "With --attached or --watch: ask devices of other machines for their serial "
		 "numbers "
		 "and names, too. It resets them: not while they are being flashed."},
	{.name = "watch",
	 .help = "The same, and then a line for each that comes (+) or goes (-), until Ctrl-C."},
	{0},
};

static const struct example examples[] = {
	{"aboard boards --attached", "Lists what is plugged in, as -l usb of other tools does."},
	{"aboard boards", "Lists them, with what can be seen of them."},
	{"aboard boards -q", "Prints their names only, and looks at nothing."},
	{0},
};

const struct verb verb_boards = {
	.name = "boards",
	.summary = "list the known boards and what can be seen of them",
	.description =
		"Reads the board files and looks at each board without touching it: whether its "
		"serial port is there and can be opened by us, whether the socket of its console "
		"answers, and its power where the switch can tell quickly.",
	.options = options,
	.subs = subs,
	.examples = examples,
	.run = run,
};
