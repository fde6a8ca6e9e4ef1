// SPDX-License-Identifier: MIT
/*
 * The inside of the configuration language's parser: a place in the text, and the words with their
 * quotes and expansions. Only config_parse.c, config_scan.c and config_dollar.c use it.
 */
#ifndef ABOARD_BUILD_CONFIG_SCAN_H
#define ABOARD_BUILD_CONFIG_SCAN_H

#include "base/buf.h"
#include "build/config.h"

struct scanner {
	struct config *config;
	const char *text; /* `size` bytes without NUL */
	size_t size, at;
	unsigned int line, column;
	unsigned int depth; /* of ${...} in ${...} */
	size_t work;        /* done so far, of CONFIG_WORK */
	struct err *err;
};

struct place {
	unsigned int line, column;
};

/* [i] or [i,j] */
struct key {
	bool indexed;
	int64_t index, second; /* second: -1 when there is none */
};

struct scan_list {
	char **items;
	size_t count;
};

/* Of ${} and parentheses in one another. */
#define SCAN_DEPTH_MAX 32

/* Where in a word we are: it decides what ends it and what a character means. */
enum where {
	PLAIN,       /* without quotes */
	IN_QUOTES,   /* in "..." */
	IN_BRACES,   /* the word of ${NAME:-word} */
	IN_ARITH,    /* in $(( )) */
	IN_BRACKETS, /* in [ ] */
};

/* A word being read. With a list, blanks that come from variables without quotes divide it. */
struct word {
	struct buf *text;
	struct scan_list *list;
	bool in_array;
	bool started;   /* there is a word, if only an empty one in quotes */
	bool no_words;  /* the quotes around us hold an array without elements: no word */
	bool in_quotes; /* the ${} around us stands in "..." */
	bool too_long;  /* something was longer than CONFIG_TEXT */
};

/* The whole file into config->entries. */
int config_parse_text(struct config *config, const char *text, size_t size, struct err *err);

char scan_peek(const struct scanner *scanner); /* '\0' at the end */
void scan_next(struct scanner *scanner);
void scan_skip(struct scanner *scanner, size_t count);
bool scan_end(const struct scanner *scanner);
bool scan_looking_at(const struct scanner *scanner, const char *text);
struct place scan_place(const struct scanner *scanner);
bool scan_continues(const struct scanner *scanner); /* at a backslash before a line end */
void scan_blanks(struct scanner *scanner);          /* blanks and continued lines */
void scan_skip_comment(struct scanner *scanner);
bool scan_statement_end(const struct scanner *scanner); /* at a line end, ';', '#' or the end */

int scan_error(struct scanner *scanner, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* [expression] or [expression,expression] */
int scan_key(struct scanner *scanner, struct key *key);

/* What stands behind '=': one word, empty when a blank follows at once. */
int scan_value(struct scanner *scanner, struct buf *value);

/* One word of an array; without quotes a variable's text falls apart at its blanks, unless `whole`
   (as behind [i]=). */
int scan_words(struct scanner *scanner, bool whole, struct scan_list *words);
void scan_list_free(struct scan_list *words);

/* Reads up to `end`, which is skipped. `what` began at `start`; both are for the error. */
int scan_until(struct scanner *scanner, struct word *word, enum where where, const char *end,
	       struct place start, const char *what);

/* Adds to the work done: an expression of `size` bytes may name variables all over. */
void scan_count_expression(struct scanner *scanner, size_t size);

/* At a '$': what it stands for is added to the word. */
int scan_dollar(struct scanner *scanner, struct word *word, enum where where);

/* Adds what a variable held; without quotes its blanks divide the word of an array. */
void word_put_text(struct word *word, const char *text, bool quoted);
/* Ends a word of an array, if there is one. */
void word_finish(struct word *word);

#endif
