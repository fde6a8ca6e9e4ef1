// SPDX-License-Identifier: MIT
/*
 * The flash layout of STM32MP boards (.tsv): which partition of which medium gets which file. Read
 * as U-Boot's `stm32prog` reads it, and checked against its rules beforehand, because U-Boot says
 * what is wrong only once the board hangs on USB. Pure. Sources of the format: ST wiki
 * "STM32CubeProgrammer flashlayout", U-Boot arch/arm/mach-stm32mp/cmd_stm32prog/stm32prog.c.
 */
#ifndef ABOARD_DRIVERS_STM32MP_TSV_H
#define ABOARD_DRIVERS_STM32MP_TSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define TSV_LINES_MAX 240
#define TSV_SIZE_MAX  ((size_t)256 << 10) /* bytes, as sent: U-Boot's buffer */
#define TSV_NAME      17                  /* 16 characters */
#define TSV_DEVICE    16                  /* "spi-nand0" */
#define TSV_ID_MAX    0xf0u
#define TSV_ID_USER   0x10u /* ids below are parts of the boot chain */

enum tsv_medium {
	TSV_NO_MEDIUM,
	TSV_MMC,
	TSV_NOR,
	TSV_NAND,
	TSV_SPI_NAND,
	TSV_RAM,
};

struct tsv_type {
	const char *name;   /* "FIP" */
	const char *guid;   /* of its partition in a GPT; NULL: never in one */
	unsigned int since; /* first branch of ST's U-Boot that knows it: 202110 is v2021.10 */
};

/* One line that declares something. */
struct tsv_line {
	unsigned int number; /* in the file, from 1, comments and blank lines count */
	bool selected;       /* P: programmed */
	bool erase;          /* D: erased before */
	bool empty;          /* E: made, but nothing is sent to it */
	uint8_t id;          /* phase id */
	char name[TSV_NAME];
	const struct tsv_type *type;
	unsigned int copies; /* Binary(n); else 1 */
	enum tsv_medium medium;
	char device[TSV_DEVICE]; /* "mmc0"; "none" */
	unsigned int boot;       /* eMMC hardware boot partition 1 or 2; 0: user area */
	uint64_t offset;         /* bytes */
	uint64_t size; /* bytes up to the next line or the end; 0: not known. By tsv_check(). */
	char *file;    /* as written; NULL: none. Owned. */
};

enum tsv_gravity {
	TSV_ERROR,
	TSV_WARNING,
	TSV_UNKNOWN, /* could not be checked */
};

/* What was found. */
struct tsv_note {
	enum tsv_gravity gravity;
	unsigned int line; /* 0: the whole layout */
	char text[192];
};

#define TSV_NOTES_MAX 64

struct tsv {
	struct tsv_line lines[TSV_LINES_MAX];
	size_t count;
	struct tsv_note notes[TSV_NOTES_MAX]; /* more are left out; errors are counted */
	size_t note_count, error_count;
};

/* What is known of a medium. */
struct tsv_media {
	const char *device;  /* "mmc0"; NULL ends a list */
	uint64_t capacity;   /* bytes; 0: not known */
	uint64_t erase_size; /* bytes, the erase group of an eMMC; 0: not known */
};

/* Reads a layout. What is wrong is noted in the tsv, line by line. */
void tsv_parse(struct tsv *tsv, const void *text, size_t size);
void tsv_free(struct tsv *tsv); /* what it holds, not itself */

/* The rules that need the whole layout: ids, devices, offsets, sizes. `media` is a list, NULL: none
   is known. `uboot`: the branch of the board's U-Boot as 202110; 0: not known. */
void tsv_check(struct tsv *tsv, const struct tsv_media *media, unsigned int uboot);

/* 0 when no error was noted; else ERR_CONFIG with the first one as "FILE:LINE: TEXT", and how many
   more there are. */
int tsv_verdict(const struct tsv *tsv, const char *file, struct err *err);

/* The line with this phase id; NULL: none. */
const struct tsv_line *tsv_find(const struct tsv *tsv, uint8_t id);

/* Whether a line wants a file to be sent to its medium. */
bool tsv_is_sent(const struct tsv_line *line);

/* The columns that U-Boot needs; names of files stay here. */
void tsv_write(const struct tsv *tsv, struct buf *out);

/* A layout in an STM32 header of version 1 with its checksum, which TF-A before v2.4 demands and
   U-Boot takes. */
void tsv_wrap(const void *text, size_t size, struct buf *out);

/* "v2021.10-stm32mp-r2", "2021.10" as 202110; 0: it is no such name. */
unsigned int tsv_uboot_version(const char *text);

/* For tsv_check(), and for whoever else looks at a layout. */
void tsv_note(struct tsv *tsv, enum tsv_gravity gravity, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
