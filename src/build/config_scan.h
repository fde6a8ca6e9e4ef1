// SPDX-License-Identifier: MIT
/*
 * The inside of the configuration language's parser: a place in the text, and the words with their
 * quotes and expansions. Only config_parse.c and config_scan.c use it.
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

/* The whole file into config->entries. */
int config_parse_text(struct config *config, const char *text, size_t size, struct err *err);

char scan_peek(const struct scanner *scanner); /* '\0' at the end */
void scan_next(struct scanner *scanner);
void scan_skip(struct scanner *scanner, size_t count);
bool scan_end(const struct scanner *scanner);
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

/* One word of an array; without quotes a variable's text falls apart at its blanks. */
int scan_words(struct scanner *scanner, struct scan_list *words);
void scan_list_free(struct scan_list *words);

#endif
