// SPDX-License-Identifier: MIT
#include "build/notes.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"

void notes_add(struct notes *notes, enum note_level level, const char *format, ...)
{
	va_list args;

	notes->items = xrealloc(notes->items, notes->count + 1, sizeof(*notes->items));
	va_start(args, format);
	notes->items[notes->count++] =
		(struct note){.level = level, .text = xvasprintf(format, args)};
	va_end(args);
}

void notes_free(struct notes *notes)
{
	size_t i;

	for (i = 0; i < notes->count; i++)
		free(notes->items[i].text);
	free(notes->items);
	*notes = (struct notes){0};
}
