// SPDX-License-Identifier: MIT
/*
 * YAML as a tree that remembers lines, and tables that say which keys a mapping may have. A table
 * check finds every unknown key, wrong type and missing key, and says file, line, column and the
 * nearest right name. After that the getters need no error handling.
 */
#ifndef ABOARD_BASE_YAML_H
#define ABOARD_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum yaml_kind {
	YAML_SCALAR,
	YAML_LIST,
	YAML_MAP,
};

/* One node; a tree is freed with its root. Numbers of line and column count from 1. */
struct yaml {
	enum yaml_kind kind;
	const char *file; /* for messages; lives as long as the tree */
	unsigned int line, column;
	char *key;   /* its name in the mapping that holds it; NULL in a list */
	char *text;  /* scalars only */
	bool quoted; /* scalars only: was written in quotes or as a block, so it is text whatever it
			looks like */
	struct yaml **items; /* lists and mappings, in the order of the file */
	size_t count;
};

#define YAML_FILE_MAX  ((size_t)1 << 20)
#define YAML_DEPTH_MAX 32
#define YAML_NODES_MAX 20000

/* Parses all documents of a text (an alias is copied; a key given twice is an error). `file` is
   used in messages only and copied. *roots is an array of *count trees; free with yaml_free_all().
 */
int yaml_parse(const char *file, const void *data, size_t size, struct yaml ***roots, size_t *count,
	       struct err *err);
int yaml_parse_file(const char *path, struct yaml ***roots, size_t *count, struct err *err);
void yaml_free_all(struct yaml **roots, size_t count);

/* Kinds of values for the tables. */
enum key_type {
	KEY_TEXT,     /* a scalar that is not null */
	KEY_BOOL,     /* true, false, yes, no, on, off */
	KEY_UINT,     /* 0 .. 2^63-1, decimal or 0x */
	KEY_SIZE,     /* text_size() */
	KEY_DURATION, /* text_duration() */
	KEY_SECRET,   /* the name of an entry of `secrets` */
	KEY_TEXTS,    /* a list of scalars, or one scalar as a list of one */
	KEY_TEXT_MAP, /* a mapping of free names to scalars */
	KEY_MAP,      /* a mapping described by `sub`, or unchecked when that is NULL */
	KEY_LIST,     /* a list of mappings described by `sub`, or unchecked when that is NULL */
	KEY_ANY,      /* not checked here */
};

/* One row of a table of keys; a table ends with a row without a name. */
struct key {
	const char *name;
	enum key_type type;
	bool required;
	const char
		*fallback; /* what holds when the key is missing, for the manual; NULL: nothing */
	const char *help;  /* one line */
	const struct key *sub; /* KEY_MAP, KEY_LIST */
};

/* Checks a mapping against a table, deeply. The first trouble is the error. */
int yaml_check(const struct yaml *map, const struct key *keys, struct err *err);

/* The same for a file format of others, that may have grown: unknown keys are told to `unknown` and
   passed over. */
typedef void yaml_unknown_fn(void *context, const struct yaml *node);
int yaml_check_loosely(const struct yaml *map, const struct key *keys, yaml_unknown_fn *unknown,
		       void *context, struct err *err);

/* ERR_CONFIG with "FILE:LINE:COLUMN: " before the text. */
int yaml_err(const struct yaml *at, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The child with this name; NULL when missing, null, or when map is NULL or no mapping. */
const struct yaml *yaml_get(const struct yaml *map, const char *key);

/* Values of checked mappings; the fallback when missing. Text is borrowed from the tree. */
const char *yaml_text(const struct yaml *map, const char *key, const char *fallback);
bool yaml_bool(const struct yaml *map, const char *key, bool fallback);
uint64_t yaml_uint(const struct yaml *map, const char *key, uint64_t fallback);
uint64_t yaml_size(const struct yaml *map, const char *key, uint64_t fallback);
int64_t yaml_duration_ms(const struct yaml *map, const char *key, int64_t fallback_ms);

/* KEY_TEXTS as a NULL-terminated array of borrowed texts; the array is the caller's to free; NULL
 * when missing. */
const char **yaml_texts(const struct yaml *map, const char *key);

#endif
