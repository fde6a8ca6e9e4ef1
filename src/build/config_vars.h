// SPDX-License-Identifier: MIT
/*
 * Every variable ImageBuilder's programs know: a table with what each is, and the warnings that
 * can be made from it.
 */
#ifndef ABOARD_BUILD_CONFIG_VARS_H
#define ABOARD_BUILD_CONFIG_VARS_H

#include "build/config.h"
#include "build/notes.h"

enum config_shape {
	SHAPE_ONE,     /* NAME */
	SHAPE_GUEST,   /* NAME[guest] */
	SHAPE_PAIR,    /* NAME[guest,vcpu] */
	SHAPE_OVERLAY, /* NAME[overlay] */
	SHAPE_POOL,    /* NAME[pool] */
	SHAPE_AUX,     /* NAME[file] */
	SHAPE_ONE_OR_GUEST,
};

enum config_type {
	TYPE_TEXT,
	TYPE_FILE, /* a name relative to the root folder */
	TYPE_NUMBER,
	TYPE_SWITCH,  /* 0 or 1 */
	TYPE_SET,     /* anything but empty means yes */
	TYPE_NUMBERS, /* numbers with blanks between */
	TYPE_COMMAND, /* U-Boot's */
};

struct config_variable {
	const char *name;
	enum config_shape shape;
	enum config_type type;
	const char *since; /* "seed", "amd", or the year it came */
	const char *help;
};

extern const struct config_variable config_variables[]; /* ends with an empty row */

/* NULL when there is none of that name. */
const struct config_variable *config_variable(const char *name);

/* Warns about what is set and can have no effect: names that look misspelt (with the nearest one),
   indexes that nothing counts up to, indexes where none belong. */
void config_check_names(const struct config *config, struct notes *notes);

#endif
