// SPDX-License-Identifier: MIT
/*
 * The same verb on many boards at once: one process a board, so that what happens to one disturbs
 * no other. Each child is this program with --json; here its events are read, shown as one line a
 * board, or passed on as one stream.
 */
#ifndef ABOARD_CLI_FLEET_H
#define ABOARD_CLI_FLEET_H

#include "cli/cli.h"
#include "cli/fleet_view.h"
#include "engine/board.h"

/* Exit status when boards have failed: this and how many, at most FLEET_STATUS_MAX. */
#define FLEET_STATUS     100
#define FLEET_STATUS_MAX 125

struct fleet {
	struct boards known; /* the board files */
	struct fleet_board *boards;
	size_t count;
	const char *image; /* NULL: what to write is in the options; borrowed */
};

/* The boards that the command line names: its words, the last one being the image unless parts are
   given with -t; with --all every board of the board files. One board and no --all: the fleet is
   empty, for that is an ordinary job. Zeroed before; fleet_free() also after an error. */
int fleet_open(struct fleet *fleet, struct cli *cli, struct err *err);
void fleet_free(struct fleet *fleet);

/* The jobs: planned, asked for once, run. Sets the exit status of `cli`. */
int fleet_flash(struct fleet *fleet, struct cli *cli, bool plan_only, struct err *err);

#endif
