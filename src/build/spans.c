// SPDX-License-Identifier: MIT
#include "build/spans.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The first item that ends at or after `at`. */
static size_t position(const struct spans *spans, uint64_t at)
{
	size_t low = 0, high = spans->count;

	if (high && spans->items[high - 1].end < at)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans->items[middle].end < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Replaces items [from, to) by `count` (0..2) others. */
static void replace(struct spans *spans, size_t from, size_t to, const struct span *with,
		    size_t count)
{
	if (spans->count + count > spans->space) {
		spans->space = 2 * spans->space + 16;
		spans->items = xrealloc(spans->items, spans->space, sizeof(*spans->items));
	}
	memmove(&spans->items[from + count], &spans->items[to],
		(spans->count - to) * sizeof(*spans->items));
	memcpy(&spans->items[from], with, count * sizeof(*with));
	spans->count = spans->count - (to - from) + count;
}

void spans_add(struct spans *spans, uint64_t start, uint64_t end)
{
	struct span with = {start, end};
	size_t from, to;

	if (start >= end)
		return;
	from = to = position(spans, start);
	for (; to < spans->count && spans->items[to].start <= end; to++) {
		if (spans->items[to].start < with.start)
			with.start = spans->items[to].start;
		if (spans->items[to].end > with.end)
			with.end = spans->items[to].end;
	}
	replace(spans, from, to, &with, 1);
}

void spans_remove(struct spans *spans, uint64_t start, uint64_t end)
{
	struct span rest[2];
	size_t from, to, count = 0;

	if (start >= end || !spans->count)
		return;
	from = to = position(spans, start + 1);
	for (; to < spans->count && spans->items[to].start < end; to++)
		;
	if (from == to)
		return;
	if (spans->items[from].start < start)
		rest[count++] = (struct span){spans->items[from].start, start};
	if (spans->items[to - 1].end > end)
		rest[count++] = (struct span){end, spans->items[to - 1].end};
	replace(spans, from, to, rest, count);
}

void spans_add_all(struct spans *spans, const struct spans *other, uint64_t offset, uint64_t end)
{
	size_t i;

	for (i = 0; i < other->count; i++) {
		uint64_t last = other->items[i].end + offset;

		spans_add(spans, other->items[i].start + offset, last < end ? last : end);
	}
}

bool spans_has(const struct spans *spans, uint64_t start, uint64_t end)
{
	size_t at = position(spans, start + 1);

	return at < spans->count && spans->items[at].start <= start && spans->items[at].end >= end;
}

void spans_free(struct spans *spans)
{
	free(spans->items);
	*spans = (struct spans){0};
}
