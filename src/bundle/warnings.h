// SPDX-License-Identifier: MIT
/*
 * Things to tell the user that are no errors: collected by library code, shown by whoever has a
 * screen.
 */
#ifndef ABOARD_BUNDLE_WARNINGS_H
#define ABOARD_BUNDLE_WARNINGS_H

#include <stddef.h>

struct warnings {
	char **texts;
	size_t count;
};

/* `warnings` may be NULL: then nobody wants to know. */
void warnings_add(struct warnings *warnings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void warnings_free(struct warnings *warnings);

#endif
