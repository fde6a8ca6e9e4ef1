// SPDX-License-Identifier: MIT
/*
 * Boot scripts for U-Boot that start Xen with its guests, or Linux, as Xen's ImageBuilder
 * (uboot-script-gen) makes them, from the same configuration files. One call reads the config,
 * checks and places every file, makes the list of operations, and writes the script, its legacy
 * image, an edited device tree or a FIT: all of them, or none.
 */
#ifndef ABOARD_BUILD_SCRIPT_H
#define ABOARD_BUILD_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/err.h"
#include "build/notes.h"
#include "build/placement.h"

struct script_options {
	const char *config;   /* -c: the configuration file */
	const char *root;     /* -d: folder its paths are relative to */
	const char *load_cmd; /* -t; NULL: LOAD_CMD */
	const char *output;   /* -o: NAME.source and NAME.scr; NULL: UBOOT_SOURCE, UBOOT_SCRIPT */
	const char *prefix;   /* -p: folder in load commands; NULL: none */
	const char *key;      /* -k: FOLDER/HINT; NULL: FIT_ENC_KEY_DIR */
	const char *control_dtb; /* -u; NULL: FIT_ENC_UB_DTB */
	const char *form;        /* "seed", "2404", "next"; NULL: "next" */
	bool fit;                /* -f */
	bool dynamic;            /* -s: U-Boot works addresses and sizes out */
	bool strict;             /* the script stops at the first command that fails */
	/* "NAME=VALUE", NULL-terminated, for $NAME in the config. A PWD in it has to be the current
	   folder: relative paths start there. */
	const char *const *environment;
	int64_t now; /* seconds since 1970, when SOURCE_DATE_EPOCH is not set */
};

struct script_result {
	struct notes notes;   /* also after an error */
	struct map map;       /* also after an error, as far as it is known */
	bool map_is_at_fault; /* the error is about the map: show it */
	char **outputs;       /* paths of what was made, NULL-terminated */
	uint64_t address;     /* where the script or the FIT is to be loaded */
	char *headline;       /* what was made, in one line */
	char *commands;       /* what to type in U-Boot, in one line */
};

/* Makes everything. ERR_CONFIG, ERR_NOT_FOUND, ERR_IMAGE, ERR_HOST, ERR_TIMEOUT, ERR_CANCELLED. The
   result is the caller's to free, also after an error. */
int script_build(const struct script_options *options, struct script_result *result,
		 struct deadline deadline, struct err *err);
void script_result_free(struct script_result *result);

/* The names of the forms, NULL-terminated. */
extern const char *const script_forms[];

#endif
