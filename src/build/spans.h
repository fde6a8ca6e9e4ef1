// SPDX-License-Identifier: MIT
/*
 * Sets of bytes of a file, as sorted ranges that do not touch.
 */
#ifndef ABOARD_BUILD_SPANS_H
#define ABOARD_BUILD_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	uint64_t start, end; /* bytes; end is not in it */
};

struct spans {
	struct span *items;
	size_t count, space;
};

/* Adding is fast at the end, and costs a move elsewhere. Empty ranges are nothing. */
void spans_add(struct spans *spans, uint64_t start, uint64_t end);
/* Takes a range out. */
void spans_remove(struct spans *spans, uint64_t start, uint64_t end);
/* All of `other`, moved by `offset` and cut at `end`. */
void spans_add_all(struct spans *spans, const struct spans *other, uint64_t offset, uint64_t end);
bool spans_has(const struct spans *spans, uint64_t start, uint64_t end);
void spans_free(struct spans *spans);

#endif
