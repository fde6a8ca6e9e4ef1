// SPDX-License-Identifier: MIT
/*
 * One board of a board file: its mapping is put in form, checked against the tables and by the
 * rules that a table cannot say, and its parts are found.
 */
#ifndef ABOARD_ENGINE_BOARD_CHECK_H
#define ABOARD_ENGINE_BOARD_CHECK_H

#include "engine/board.h"

/* Fills *board from `node`, which belongs to the caller and outlives it; a plain text for `serial`
   or `bundle` is made a mapping in place. ERR_CONFIG with file, line and column; *board owns
   nothing then. */
int board_read(struct board *board, struct yaml *node, const struct driver *const *drivers,
	       struct err *err);

/* "did you mean 'NEAR'? known: A, B" as the remedy; `words` ends with NULL. Returns -kind of what
 * is in err. */
int board_suggest(struct err *err, const char *word, const char *const *words);

/* The rules of the `network` mapping: modes, IPv4 addresses, ports. `network` may be NULL. */
int board_check_network(const struct yaml *network, struct err *err);

/* The rules of the `usb` mapping: forms of paths and ids. `usb` may be NULL. */
int board_check_usb(const struct yaml *usb, struct err *err);

#endif
