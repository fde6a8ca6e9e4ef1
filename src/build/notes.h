// SPDX-License-Identifier: MIT
/*
 * What a build has to say beside its result. Library code never prints, so it collects notes; the
 * command line prints notices on standard output, as users of the older tools expect, and warnings
 * on standard error.
 */
#ifndef ABOARD_BUILD_NOTES_H
#define ABOARD_BUILD_NOTES_H

#include <stddef.h>

enum note_level {
	NOTE_NOTICE,  /* something worth knowing */
	NOTE_WARNING, /* probably not what was meant */
};

struct note {
	enum note_level level;
	char *text; /* one line, no newline */
};

struct notes {
	struct note *items;
	size_t count;
};

void notes_add(struct notes *notes, enum note_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void notes_free(struct notes *notes);

#endif
