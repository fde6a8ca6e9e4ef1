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
	const struct yaml *usb;      /* NULL: none; see usb_keys in board_keys.c */
	const struct yaml *network;  /* NULL: none; see network_keys in board_keys.c */
	const struct yaml *bundle;   /* NULL: none; {ref, manifest, variant}, also for a plain
					text; see board_bundle() */
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

/* The same from memory, as if it were the only file; `file` is used in messages, and its folder for
   relative paths. */
int boards_load_text(struct boards *boards, const char *file, const void *data, size_t size,
		     const struct driver *const *drivers, struct err *err);
void boards_free(struct boards *boards);

/* ERR_NOT_FOUND with the nearest name and the list of files that were looked at. */
int boards_find(const struct boards *boards, const char *name, struct board **board,
		struct err *err);

/* The timeout of this name: the board's own, else the driver's default (the `fallback` of its
 * `timeouts` table), in milliseconds. 0 for a name that the table does not have. */
int64_t board_timeout_ms(const struct board *board, const char *name);

/* A path of the board file: relative ones are relative to the folder of that file. Owned by the
 * caller. */
char *board_path(const struct board *board, const char *name);

/* The reference of the board's bundle as bundle_open() wants it: a folder, beside the board file
   when it is relative, or an OCI reference as it is. Owned by the caller; NULL: none. */
char *board_bundle(const struct board *board);

/* The table of the common keys, for the manual. */
extern const struct key board_keys[];

#endif
