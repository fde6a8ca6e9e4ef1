// SPDX-License-Identifier: MIT
/*
 * What is known of each board while many are at work, from their events, and how that is shown: one
 * line a board, redrawn on a terminal, told when it changes without one.
 */
#ifndef ABOARD_CLI_FLEET_VIEW_H
#define ABOARD_CLI_FLEET_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/buf.h"
#include "cli/bar.h"

struct fleet_board {
	const char *name; /* borrowed */
	/* The process. */
	pid_t pid; /* 0: none */
	int fd;    /* its output; -1: none */
	struct buf line;
	struct buf said; /* what it printed that is no event */
	/* What it has told. */
	char *label; /* of the running stage; owned, NULL before the first */
	struct bar bar;
	json_t *plan;     /* the plan event; NULL: none yet */
	json_t *result;   /* the result event; NULL: none yet */
	char *trouble;    /* the last failed check or stage; owned, NULL: none */
	int status;       /* of the process; valid once it has ended */
	int64_t shown_ms; /* when its line was last told, without a terminal */
	bool changed;     /* there is something new to show */
};

struct fleet_view {
	FILE *out;
	bool terminal, colour, quiet;
	size_t width; /* columns */
	size_t drawn; /* lines on the terminal that are ours */
	int64_t drawn_ms;
};

/* Takes one event of a board in. */
void fleet_take(struct fleet_board *board, const json_t *event);

/* Whether the job of a board has come to a good end. */
bool fleet_is_well(const struct fleet_board *board);

/* Shows what has changed; `last`: the work is over, all is shown as it ended. */
void fleet_show(struct fleet_view *view, struct fleet_board *boards, size_t count, bool last,
		int64_t now_ms);

/* The plans before the question: the first one whole, then a line for each board. */
void fleet_show_plans(FILE *out, const struct fleet_board *boards, size_t count, bool colour);

/* The end, after all: how many are done, and for each that is not why. */
void fleet_show_end(FILE *out, const struct fleet_board *boards, size_t count, bool colour);

#endif
