// SPDX-License-Identifier: MIT
/*
 * A reader whose first bytes can be looked at before they are read.
 */
#ifndef ABOARD_IMAGE_PEEK_H
#define ABOARD_IMAGE_PEEK_H

#include <stdint.h>

#include "base/reader.h"

#define PEEK_SIZE 1024 /* reaches past a tar header */

/* Takes `below` over also when it fails. *head stays the reader's; fewer than PEEK_SIZE bytes in
 * *size are the whole stream. */
int peek_open(struct reader **reader, struct reader *below, const uint8_t **head, size_t *size,
	      struct err *err);

#endif
