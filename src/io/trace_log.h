// SPDX-License-Identifier: MIT
/*
 * The file that a trace transport writes to. For the files of src/io.
 */
#ifndef ABOARD_IO_TRACE_LOG_H
#define ABOARD_IO_TRACE_LOG_H

#include <stdio.h>

#include "base/err.h"

/* Opens it to add to what is there; only its owner may read it. ERR_HOST. */
int trace_log_open(FILE **log, const char *path, struct err *err);

#endif
