// SPDX-License-Identifier: MIT
/*
 * The line that shows how far the work is. Pure: numbers in, text out.
 */
#ifndef ABOARD_CLI_BAR_H
#define ABOARD_CLI_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct bar {
	const char *label; /* of the stage */
	double percent;    /* of the whole job, 0..100 */
	bool moving;       /* the stage has told how far it is: the rest is set */
	uint64_t done;     /* bytes */
	int64_t total;     /* bytes; -1: not known */
	double rate;       /* bytes a second; 0: not known */
	int64_t eta_ms;    /* of the stage; -1: not known */
};

/* One line for a terminal of `width` columns, at most width - 1 wide: what does not fit is left
   out, least important first. */
void bar_line(const struct bar *bar, size_t width, struct buf *out);

/* The same in words, for where there is no terminal. */
void bar_words(const struct bar *bar, struct buf *out);

#endif
