// SPDX-License-Identifier: MIT
/*
 * JSON on standard output: events one a line, or one document, and the end of a command that never
 * came to a job. docs/json-events.md is the contract.
 */
#ifndef ABOARD_CLI_OUTPUT_H
#define ABOARD_CLI_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "base/err.h"
#include "engine/events.h"

/* The reader of events that writes one object a line. */
struct event_sink json_sink(FILE *out);

/* One document on a line; takes it over. */
void json_print(FILE *out, json_t *document);

/* A result event for an error outside any job. */
void json_print_err(FILE *out, const struct err *err);

#endif
