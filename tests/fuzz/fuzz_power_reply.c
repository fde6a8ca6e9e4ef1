// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "power/http_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is the path, the rest is what a plug answers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t length = end ? (size_t)(end - data) : 0;
	_cleanup_(freep) char *path = xstrndup((const char *)data, length);
	struct err err;
	char *text;

	if (!end)
		return 0;
	if (http_reply_value((const char *)end + 1, size - length - 1, path, &text, &err) == 0)
		free(text);
	return 0;
}
