// SPDX-License-Identifier: MIT
#include "bundle/warnings.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"

void warnings_add(struct warnings *warnings, const char *format, ...)
{
	va_list args;

	if (!warnings)
		return;
	warnings->texts = xrealloc(warnings->texts, warnings->count + 1, sizeof(char *));
	va_start(args, format);
	warnings->texts[warnings->count++] = xvasprintf(format, args);
	va_end(args);
}

void warnings_free(struct warnings *warnings)
{
	size_t i;

	for (i = 0; i < warnings->count; i++)
		free(warnings->texts[i]);
	free(warnings->texts);
	*warnings = (struct warnings){0};
}
