// SPDX-License-Identifier: MIT
/*
 * What the tables of verbs and options say, in the forms people and shells read: --help, man pages
 * (man(7), and aboard.yaml(5) from the tables of keys) and completions for bash, zsh and fish.
 * Pure: tables in, text out.
 */
#ifndef ABOARD_CLI_HELP_H
#define ABOARD_CLI_HELP_H

#include "base/buf.h"
#include "base/yaml.h"
#include "cli/cli.h"

/* The help of the program (verb NULL) or of a verb, for a screen of 80 columns. */
void help_text(const struct program *program, const struct verb *parent, const struct verb *verb,
	       struct buf *out);

/* The first paragraph of a text, or the next one after *text; owned by the caller; NULL at the end.
   Paragraphs have an empty line between. */
char *next_paragraph(const char **text);

/* Manual pages: the program's, and one of a verb with its sub-verbs. */
void man_program(const struct program *program, struct buf *out);
void man_verb(const struct program *program, const struct verb *verb, struct buf *out);

/* aboard.yaml(5), from what the drivers and the ways to switch power understand. */
struct man_keys {
	const char *title;   /* "driver uboot" */
	const char *summary; /* NULL: none */
	const struct key *keys;
};

void man_yaml(const struct program *program, const struct man_keys *tables, size_t count,
	      struct buf *out);

/* For both kinds of pages. man_begin: header and NAME. man_text: text with what man(7) would
   misread escaped. man_fill: text in lines, and a line end. */
void man_begin(struct buf *out, const struct program *program, const char *page, int section,
	       const char *summary);
void man_text(struct buf *out, const char *text);
void man_fill(struct buf *out, const char *text);
void man_paragraphs(struct buf *out, const char *text);

/* Completion scripts, to be put where the shell looks for them. */
void complete_bash(const struct program *program, struct buf *out);
void complete_zsh(const struct program *program, struct buf *out);
void complete_fish(const struct program *program, struct buf *out);

#endif
