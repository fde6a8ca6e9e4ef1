// SPDX-License-Identifier: MIT
/*
 * JSON values of text that came from outside: JSON holds UTF-8 only, what a board or a server says
 * may be anything.
 */
#ifndef ABOARD_BASE_JSON_H
#define ABOARD_BASE_JSON_H

#include <jansson.h>

/* A JSON string; bytes that are no UTF-8 become U+FFFD, NULL becomes null. New reference. */
json_t *json_text(const char *text);

#endif
