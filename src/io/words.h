// SPDX-License-Identifier: MIT
/*
 * Splits a command line into words as sh quotes them: blanks separate, 'as it is', "with \" and
 * \\", and \ before any character. Nothing is expanded and there are no operators: it is not a
 * shell.
 */
#ifndef ABOARD_IO_WORDS_H
#define ABOARD_IO_WORDS_H

#include "base/err.h"

/* *words is a NULL-terminated array, at least one word; free with words_free(). ERR_CONFIG for an
   open quote or no word at all. */
int words_split(const char *text, char ***words, struct err *err);
void words_free(char ***words);

#endif
