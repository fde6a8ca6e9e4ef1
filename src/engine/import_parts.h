// SPDX-License-Identifier: MIT
/*
 * What the parts of the import share: notes, secrets and the writing of YAML. Only for the files
 * of the import.
 */
#ifndef ABOARD_ENGINE_IMPORT_PARTS_H
#define ABOARD_ENGINE_IMPORT_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/yaml.h"

struct import_remark {
	unsigned int line;
	char *text; /* owned */
};

/* One board in the making. */
struct import {
	const struct yaml *export;     /* the tree of drivers */
	struct import_remark *remarks; /* owned array */
	size_t remark_count;
	const char *board;        /* its name */
	struct buf secrets;       /* entries of `secrets` */
	const struct yaml **used; /* drivers that were looked at, owned array */
	size_t used_count;
};

/* What becomes of one field of a driver's `config`. */
struct import_field {
	const char *name;
	const char *key; /* copied under this key; NULL: it is not copied */
	const char *why; /* the note; NULL: none, it is dealt with */
};

/* Adds a note at the line of `at`. */
void import_note(struct import *import, const struct yaml *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends all notes to `out` as "FILE:LINE: ..." in the order of the lines, each once. */
void import_write_notes(const struct import *import, const char *file, struct buf *out);

void import_free(struct import *import);

/* Adds "KEY: TEXT\n" after `indent` blanks, quoted where YAML needs it. */
void import_add(struct buf *out, int indent, const char *key, const char *text);

/* A secret "WHAT" of the board, to be given in an environment variable; notes it at `at`. Returns
   nothing of the secret itself. */
void import_secret(struct import *import, const struct yaml *at, const char *what);

/* Goes through a driver's `config` by a table; fields that are not in it are noted. */
void import_fields(struct import *import, const struct yaml *config,
		   const struct import_field *fields, struct buf *out, int indent);

/* Follows `ref`; NULL, noted, where it leads nowhere. Marks what it finds as used. */
const struct yaml *import_driver(struct import *import, const struct yaml *node);

/* The last part of the Python class ("PySerial"); NULL for a node without a type. */
const char *import_class(const struct yaml *node);

/* Adds the board's `power:` for a power driver (NULL: there is none). */
void import_power(struct import *import, const struct yaml *node, struct buf *out);

#endif
