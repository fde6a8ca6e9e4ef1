// SPDX-License-Identifier: MIT
/*
 * The parts of the command-line parser that judge: whether the words fit the verb, and what was
 * probably meant by those that do not.
 */
#ifndef ABOARD_CLI_ARGS_H
#define ABOARD_CLI_ARGS_H

#include "cli/cli.h"

/* All return -ERR_USAGE with a remedy that names the nearest right word, or where the list is. */
int unknown_option(const struct args *args, const char *name, struct err *err);
int unknown_letter(const struct args *args, char letter, struct err *err);
int unknown_verb(const struct args *args, const char *word, struct err *err);

/* Whether `text` is one of "a|b|c". */
int check_choice(const char *choices, const char *text, struct err *err);

#endif
