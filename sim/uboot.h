// SPDX-License-Identifier: MIT
/*
 * A small part of U-Boot's command line: what a script needs that prepares, writes and checks
 * media. Numbers are hexadecimal, as there; memory and environment are modelled. A script can stop
 * in the middle, in `fastboot`, and go on.
 */
#ifndef ABOARD_SIM_UBOOT_H
#define ABOARD_SIM_UBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "sim/env.h"
#include "sim/media.h"

#define UBOOT_WORDS 32
#define UBOOT_DEPTH 16 /* of `if` in each other */

/* Why a script stands still. */
enum uboot_stop {
	UBOOT_GOES_ON, /* it does not */
	UBOOT_ENDED,   /* at the prompt */
	UBOOT_FASTBOOT,
	UBOOT_UMS,
	UBOOT_RESET,
};

enum uboot_kind {
	UBOOT_COMMAND,
	UBOOT_IF,
	UBOOT_THEN,
	UBOOT_ELSE,
	UBOOT_FI
};
enum uboot_join {
	UBOOT_ALWAYS,
	UBOOT_AND,
	UBOOT_OR
};

struct uboot_line {
	enum uboot_kind kind;
	enum uboot_join join; /* with the one before */
	char *text;           /* owned; not expanded */
};

struct uboot_if {
	bool outer, taken; /* whether what is around is carried out; whether a branch was */
};

struct uboot {
	bool no_crc32, no_hash, no_fastboot, no_ums; /* not built in */
	struct media_set *media;                     /* borrowed, as is the device */
	struct sim_device *device;
	struct env *env;
	uint64_t ram_base, ram_size; /* bytes */
	uint8_t *ram;
	unsigned int mmc, hwpart; /* current device */
	int console;              /* a descriptor that gets what is printed; -1: none; borrowed */

	struct uboot_line *lines;
	size_t count, at;
	struct uboot_if frames[UBOOT_DEPTH];
	size_t depth;
	bool active; /* what stands here is carried out */
	int status;  /* of the last command */
	enum uboot_stop stop;
	struct medium *disk; /* what `ums` shows; borrowed */
};

/* Memory is made here; uboot_free() also frees a script. */
void uboot_begin(struct uboot *uboot);
void uboot_free(struct uboot *uboot);

/* Takes a script (instead of the one before), to be run from its start. */
void uboot_load(struct uboot *uboot, const char *text, size_t size);
/* Runs until it stops; again: goes on behind what it stopped for. */
enum uboot_stop uboot_run(struct uboot *uboot);

/* For the commands. */
void uboot_print(struct uboot *uboot, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Memory at an address of the board; NULL: there is none of that size. */
uint8_t *uboot_memory(struct uboot *uboot, uint64_t address, uint64_t size);

struct uboot_command {
	const char *name;
	/* argv[0] is the name; NULL behind the last word. The status, 0: it worked. */
	int (*run)(struct uboot *uboot, int argc, char **argv);
	bool (*built)(const struct uboot *uboot); /* NULL: always */
};

/* NULL: unknown, or not built in. */
const struct uboot_command *uboot_find(const struct uboot *uboot, const char *name);

#endif
