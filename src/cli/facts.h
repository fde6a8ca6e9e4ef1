// SPDX-License-Identifier: MIT
/*
 * Facts about a file, for people: a JSON object as aligned rows, lists of objects as blocks below.
 */
#ifndef ABOARD_CLI_FACTS_H
#define ABOARD_CLI_FACTS_H

#include <jansson.h>
#include <stdio.h>

/* Every member of an object; `indent` columns before each row. */
void print_facts(FILE *out, const json_t *facts, size_t indent);

#endif
