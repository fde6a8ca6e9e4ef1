// SPDX-License-Identifier: MIT
/*
 * What the three completion scripts have in common: what kind of thing a word is, and text in
 * single quotes for a shell.
 */
#ifndef ABOARD_CLI_COMPLETE_H
#define ABOARD_CLI_COMPLETE_H

#include "base/buf.h"
#include "cli/cli.h"

enum complete_kind {
	COMPLETE_NONE,
	COMPLETE_FILE,
	COMPLETE_BOARD,
	COMPLETE_CHOICE,
	COMPLETE_EITHER, /* a board or a file */
};

/* By the name of an argument: "FILE", "IMAGE", "BOARD", "on|off". */
enum complete_kind complete_kind(const char *argument);

/* Of word number `index`, whose spec is `spec`: one that repeats with another behind it may be
   either. Where it is, the words behind it have been told with it. */
enum complete_kind complete_word_kind(const char *args, size_t index, const struct arg_spec *spec);

/* The choices of "a|b|c" with a space between. */
void complete_choices(struct buf *out, const char *argument);

/* Text inside single quotes; what is in `also` gets a backslash. */
void complete_quoted(struct buf *out, const char *text, const char *also);

/* Calls `add` for every verb (parent NULL) and sub-verb. */

void complete_each(struct buf *out, const struct program *program,
		   void (*add)(struct buf *out, const struct verb *parent,
			       const struct verb *verb));

#endif
