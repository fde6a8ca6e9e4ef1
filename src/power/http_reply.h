// SPDX-License-Identifier: MIT
/*
 * Finds one value in the JSON that a plug answers.
 */
#ifndef ABOARD_POWER_HTTP_REPLY_H
#define ABOARD_POWER_HTTP_REPLY_H

#include <stddef.h>

#include "base/err.h"

/* The value at `path` as text: true, false, a number, or a string as it is. Steps of a path are
   joined by dots: a key, the place in a list from 0, or [KEY=VALUE] for the first item of a list
   with that member. *text is owned by the caller, NULL where there is no such value. Not JSON is
   ERR_POWER. */
int http_reply_value(const char *body, size_t size, const char *path, char **text, struct err *err);

#endif
