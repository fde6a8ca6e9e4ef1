// SPDX-License-Identifier: MIT
/*
 * The device tree compiler, for sources with /include/ and /incbin/. It is run by argument vector.
 */
#ifndef ABOARD_BUILD_DTC_H
#define ABOARD_BUILD_DTC_H

#include "base/buf.h"
#include "base/deadline.h"
#include "base/err.h"

/* Compiles a source into an empty buffer of at most `max` bytes; the tree is not looked at. What it
   includes is found beside the file that does, and in `folder`. ERR_CONFIG says what dtc said,
   without naming the source; ERR_HOST when there is no dtc. */
int dtc_compile(const char *source, const char *folder, size_t max, struct buf *tree,
		struct deadline deadline, struct err *err);

#endif
