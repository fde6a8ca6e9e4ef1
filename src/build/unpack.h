// SPDX-License-Identifier: MIT
/*
 * Unpacks a gzip or zstd file to its end, to see what is in it and that nothing is missing.
 */
#ifndef ABOARD_BUILD_UNPACK_H
#define ABOARD_BUILD_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Reads the whole of `fd` from its start; *size gets how many bytes of the unpacked data are in
   `head` (at most `max`). ERR_IMAGE when the data are damaged, cut short, or unpack to more than
   UNPACK_MAX bytes. */
#define UNPACK_MAX ((uint64_t)4 << 30)
int unpack_head(int fd, bool gzip, uint8_t *head, size_t max, size_t *size, struct err *err);

#endif
