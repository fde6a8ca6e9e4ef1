// SPDX-License-Identifier: MIT
/*
 * The configuration language of Xen's ImageBuilder. Its files were written to be run by bash; here
 * they are read, never run. What real files use is understood: assignments, quotes, comments,
 * arrays, $VAR, ${VAR}, ${VAR:-x}, ${VAR-x}, ${VAR%suffix}, ${#A[@]}, $(( )), +=, export,
 * continued lines. Everything else is an error with file, line and column.
 *
 * "Set" means not empty, everywhere. An array element that was never given is empty.
 */
#ifndef ABOARD_BUILD_CONFIG_H
#define ABOARD_BUILD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "build/notes.h"

/* One variable, or one element of an array. */
struct config_entry {
	char *name;
	bool indexed;   /* written NAME[i]; NAME alone is the same as NAME[0] */
	int64_t index;  /* 0 when not indexed */
	int64_t second; /* of a two-part key NAME[i,j]; -1 when there is none */
	char *text;
	unsigned int line, column; /* of the last assignment, from 1 */
	bool used;                 /* something refers to it */
};

struct config {
	char *path; /* for messages */
	struct config_entry *entries;
	size_t count;
	char **environment; /* "NAME=VALUE", NULL-terminated */
};

/* Reads a file, or its text. `environment` ("NAME=VALUE", NULL-terminated, copied) is what $NAME
   falls back to; it sets no variable by itself. ERR_CONFIG with file, line, column. On failure
   *config is empty; either way config_free() is right. */
int config_read(struct config *config, const char *path, const char *const *environment,
		struct err *err);
int config_parse(struct config *config, const char *path, const char *text, size_t size,
		 const char *const *environment, struct err *err);
void config_free(struct config *config);

/* The entry of this key; NULL when there is none. `second` is -1 for a plain index. */
struct config_entry *config_find(const struct config *config, const char *name, int64_t index,
				 int64_t second);

/* The text of NAME, NAME[index] or NAME[index,second]; NULL when it is not set. Borrowed. */
const char *config_text(const struct config *config, const char *name);
const char *config_text_at(const struct config *config, const char *name, int64_t index);
const char *config_text_pair(const struct config *config, const char *name, int64_t index,
			     int64_t second);

/* The value of NAME[index] as bash's arithmetic reads it (0x: hexadecimal, a leading 0: octal,
   names are variables, 64 bits signed that wrap round); `fallback` when it is not set. */
int config_number(const struct config *config, const char *name, int64_t index, int64_t fallback,
		  int64_t *value, struct err *err);

/* An error about an entry: "FILE:LINE:COLUMN: NAME: ..."; without an entry only the file. */
int config_error(const struct config *config, const struct config_entry *entry, struct err *err,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Sets NAME from outside of the file (the command line). */
void config_set(struct config *config, const char *name, const char *text);

/* For the parser: the entry of a key, made when missing. ERR_CONFIG when there are too many. */
struct config_entry *config_entry(struct config *config, const char *name, int64_t index,
				  int64_t second);
void config_clear(struct config *config, const char *name);

/* Evaluates an expression. Names in it are variables of `config`, and are marked as used.
   ERR_CONFIG says what is wrong, without a position. */
int config_arithmetic(const struct config *config, const char *text, int64_t *value,
		      struct err *err);

/* The value $NAME or ${NAME[index]} expands to: the config's, else the environment's, else NULL. */
const char *config_lookup(const struct config *config, const char *name, int64_t index,
			  int64_t second);

/* A variable of the environment alone; NULL when it is not there. */
const char *config_environment(const struct config *config, const char *name);

/* Bounds, so that a hostile file costs little. */
#define CONFIG_ENTRIES   8192
#define CONFIG_TEXT      65536
#define CONFIG_FILE      ((size_t)1 << 20)
#define CONFIG_INDEX_MAX 65535
#define CONFIG_WORK      ((size_t)8 << 20) /* bytes assigned, and what finding variables costs */

#endif
