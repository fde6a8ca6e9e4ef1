// SPDX-License-Identifier: MIT
/*
 * For the tests of streams and consoles: a folder of their own, and streams that must open.
 */
#ifndef ABOARD_TESTS_STREAM_RIG_H
#define ABOARD_TESTS_STREAM_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "io/stream.h"

#define WAIT deadline_in(DEADLINE_NEVER, 20000)

static inline int folder_setup(void **state)
{
	char name[] = "/tmp/aboard-test-XXXXXX";

	*state = mkdtemp(name) ? xstrdup(name) : NULL;
	return *state ? 0 : -1;
}

static inline int folder_teardown(void **state)
{
	struct err err;
	int rc = path_remove_tree(*state, &err);

	free(*state);
	return rc;
}

static inline struct stream *open_stream(const char *address)
{
	struct stream *stream;
	struct err err;

	if (stream_open(&stream, address, NULL, WAIT, &err) < 0)
		fail_msg("%s", err.text);
	return stream;
}

static inline void must_write(struct stream *stream, const char *text, size_t size)
{
	struct err err;

	if (stream_write(stream, text, size, WAIT, &err) < 0)
		fail_msg("%s", err.text);
}

/* Reads exactly `size` bytes. */
static inline void must_read(struct stream *stream, char *data, size_t size)
{
	struct err err;
	size_t got, all;

	for (all = 0; all < size; all += got) {
		if (stream_read(stream, data + all, size - all, &got, WAIT, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_not_equal(got, 0);
	}
}

/* Every byte value from one to the other. */
static inline void must_pass(struct stream *from, struct stream *to)
{
	char bytes[256], came[256];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	must_write(from, bytes, sizeof(bytes));
	must_read(to, came, sizeof(came));
	assert_memory_equal(bytes, came, sizeof(bytes));
}

#endif
