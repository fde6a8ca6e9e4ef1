// SPDX-License-Identifier: MIT
/*
 * A flash layout as ST's U-Boot reads it (arch/arm/mach-stm32mp/cmd_stm32prog/stm32prog.c): the
 * lines of the text, and what they mean on the media of a board.
 */
#ifndef ABOARD_SIM_STM32MP_LAYOUT_H
#define ABOARD_SIM_STM32MP_LAYOUT_H

#include "sim/media.h"

#define STM_LINES_MAX   240
#define STM_DEVICES_MAX 5
#define STM_ERROR       255
#define STM_ID_MAX      0xf0

enum stm_type {
	STM_BINARY,
	STM_FIP,
	STM_FWU_MDATA,
	STM_ENV,
	STM_ESP,
	STM_FS,
	STM_SYSTEM,
	STM_RAW
};

enum {
	STM_SELECT = 1,
	STM_EMPTY = 2,
	STM_DELETE = 4
};

struct stm_line {
	unsigned int number; /* in the text, from 1 */
	unsigned int option; /* STM_SELECT... */
	uint8_t id;
	char name[17];
	enum stm_type type;
	unsigned int copies; /* Binary(n) */
	char device[16];     /* "mmc0", "none", "ram" */
	uint8_t hwpart;      /* 1, 2: boot1, boot2 of an eMMC */
	uint64_t offset;     /* bytes */
	/* Once it is resolved. */
	struct media *media; /* NULL: none, or ram */
	uint64_t size;
};

struct stm_layout {
	struct stm_line lines[STM_LINES_MAX];
	size_t count;
};

/* Each returns false with U-Boot's kind of error text. */
bool stm_layout_parse(struct stm_layout *layout, const char *text, size_t size,
		      char error[STM_ERROR]);
/* Finds media and sizes, checks them, and (when it is right) erases and partitions. */
bool stm_layout_resolve(struct stm_layout *layout, struct media_set *media, char error[STM_ERROR]);
bool stm_layout_prepare(struct stm_layout *layout, struct media_set *media, char error[STM_ERROR]);

/* Whether the line is a place on the board: it has an alternate setting. */
bool stm_line_is_real(const struct stm_line *line);

/* Printf into an error; false. */
bool stm_error(char error[STM_ERROR], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
