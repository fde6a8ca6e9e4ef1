// SPDX-License-Identifier: MIT
/*
 * The reader of events for people: plan, checks, stages, a bar on a terminal or a line every few
 * seconds without one, and the end of it in a few lines. Text that came from a board or a server is
 * shown without its control characters.
 */
#ifndef ABOARD_CLI_TERM_H
#define ABOARD_CLI_TERM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "engine/events.h"

struct term;

enum term_detail {
	TERM_QUIET,  /* only what went wrong */
	TERM_NORMAL, /* plan, checks, stages, warnings and what is worth knowing */
	TERM_DEBUG,  /* everything */
};

struct term_settings {
	FILE *out;      /* stderr; not closed */
	FILE *plan_out; /* where the plan goes: stdout when it is what was asked for */
	bool bar;       /* out is a terminal that can move its cursor */
	bool colour, plan_colour;
	bool always_plan; /* show it also when quiet, because the person will be asked */
	enum term_detail detail;
	size_t (*width)(void);  /* columns, asked for each time */
	int64_t (*clock)(void); /* milliseconds that only grow */
};

struct term *term_new(const struct term_settings *settings);
struct event_sink term_sink(struct term *term);
void term_free(struct term *term);
void term_freep(struct term **term);

/* For what is not an event: leaves no bar on the line the cursor is on. */
void term_clear(struct term *term);

/* What holds for this process: stderr's terminal, NO_COLOR, TERM. */
struct term_settings term_here(FILE *plan_out, enum term_detail detail);
bool term_has_colour(FILE *file);

/* A plan event's `plan` and `digest`, aligned, warnings marked with "!". */
void print_plan(FILE *out, const json_t *plan, const char *digest, bool colour);

/* "aboard: TEXT" and the remedy below it. */
void print_err(FILE *out, const struct err *err, bool colour);

/* Text of others: control characters become "?"; a line end stays, and what follows is indented by
   that many columns. */
void print_clean(FILE *out, const char *text, size_t indent);

/* Colours by what they mean. An empty text without colour. */
enum colour {
	COLOUR_NONE,
	COLOUR_GOOD,
	COLOUR_WARN,
	COLOUR_BAD,
	COLOUR_FAINT,
};

const char *colour_begin(enum colour colour, bool on);
const char *colour_end(bool on);

#endif
