// SPDX-License-Identifier: MIT
/*
 * What can be seen of a board without touching it. A board that a job is working on is left alone:
 * a second connection to its console could push the first one out.
 */
#ifndef ABOARD_CLI_SIGHT_H
#define ABOARD_CLI_SIGHT_H

#include <stdint.h>

#include "base/deadline.h"
#include "engine/board.h"

struct sight {
	const char *serial_word; /* "there", "missing", "denied", "answers", "silent"; NULL: cannot
				    be told */
	char *serial_note;       /* why not; NULL: nothing to say */
	const char *power;       /* "on", "off", "unknown"; NULL: no switch, or it failed */
	char *power_note;        /* what failed; NULL: nothing */
	int64_t job; /* that is running on it: then nothing else is looked at; 0: none */
};

/* Zeroed before. Takes at most half a second for each of serial and power. */
void look_at(const struct board *board, struct sight *sight, struct deadline deadline);
void sight_free(struct sight *sight);

/* The path of a serial port, or NULL when the address is something else. */
const char *serial_path(const char *address);

#endif
