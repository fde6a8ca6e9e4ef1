// SPDX-License-Identifier: MIT
#include "serve/http_range.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

/* Decimal digits only; a number too large for 64 bits is as good as the largest. */
static bool number(const char *text, size_t length, uint64_t *value)
{
	_cleanup_(freep) char *copy = xstrndup(text, length);

	if (!length || strspn(copy, "0123456789") != length)
		return false;
	if (!text_u64(copy, UINT64_MAX, value))
		*value = UINT64_MAX;
	return true;
}

static struct http_range part(uint64_t first, uint64_t last, uint64_t size)
{
	if (first >= size)
		return (struct http_range){.kind = HTTP_RANGE_OUTSIDE};
	if (last >= size)
		last = size - 1;
	return (struct http_range){HTTP_RANGE_PART, first, last - first + 1};
}

static struct http_range tail(uint64_t count, uint64_t size)
{
	if (!count)
		return (struct http_range){.kind = HTTP_RANGE_OUTSIDE};
	return part(count < size ? size - count : 0, UINT64_MAX, size);
}

struct http_range http_range_parse(const char *header, uint64_t size)
{
	struct http_range whole = {HTTP_RANGE_NONE, 0, size};
	uint64_t first, last = UINT64_MAX;
	const char *dash;
	size_t digits;

	if (!header || strncasecmp(header, "bytes=", 6) != 0)
		return whole;
	header += 6;
	dash = strchr(header, '-');
	if (!dash)
		return whole;
	digits = strlen(dash + 1);
	if (digits && !number(dash + 1, digits, &last))
		return whole;
	if (dash == header)
		return digits ? tail(last, size) : whole;
	if (!number(header, (size_t)(dash - header), &first) || first > last)
		return whole;
	return part(first, last, size);
}
