// SPDX-License-Identifier: MIT
/*
 * Board files: which boards there are and how each is reached. YAML, one or many boards a file (a
 * mapping, several documents, or a list under `boards`), checked against tables: the common keys
 * here, the driver's own in its record.
 */
#ifndef ABOARD_ENGINE_BOARD_H
#define ABOARD_ENGINE_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/yaml.h"

struct driver;

struct board {
	const char *name;
	const struct driver *driver;
	const struct yaml
		*node; /* the whole mapping; all pointers here are borrowed from its tree */
	const struct yaml *labels;   /* names to texts; NULL: none */
	const char *serial;          /* stream address; NULL: none */
	unsigned int baud;           /* 0: not said */
	const struct yaml *power;    /* NULL: none */
	const struct yaml *network;  /* NULL: none; see board_network_keys in board.c */
	const struct yaml *bundle;   /* NULL: none; {path|ref, manifest, variant, ...} after a plain
					text was put in form */
	const char *default_target;  /* NULL: the bundle's */
	const struct yaml *targets;  /* overrides: names to selectors; NULL: none */
	const struct yaml *timeouts; /* names of stages and waits to durations; NULL: none */
	const struct yaml *own;      /* the mapping under the driver's name; NULL: none */
	struct secrets *secrets;     /* owned */
};

struct boards {
	struct board *items; /* in the order of search path, file, and place in the file */
	size_t count;
	struct yaml ***files; /* owned trees */
	size_t *file_counts;
	size_t file_count;
};

/* Loads `file`, or, when NULL, ./aboard.yaml if it is there, and CONFIG/boards/\*.yaml in the order
   of their names. `drivers` is the table of drivers, ended by NULL. A name that is given twice is
   an error that names both places. No file at all is no error: the list is empty. */
int boards_load(struct boards *boards, const char *file, const struct driver *const *drivers,
		struct err *err);
void boards_free(struct boards *boards);

/* ERR_NOT_FOUND with the nearest name and the list of files that were looked at. */
int boards_find(const struct boards *boards, const char *name, struct board **board,
		struct err *err);

/* The timeout of this name: the board's own, else the driver's default (the `fallback` of its
 * `timeouts` table), in milliseconds. */
int64_t board_timeout_ms(const struct board *board, const char *name);

/* The tables of the common keys, for the manual. */
extern const struct key board_keys[];

#endif
