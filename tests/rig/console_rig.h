// SPDX-License-Identifier: MIT
/*
 * For the tests of the console: one on a real shell or boot loader, what it said, and commands that
 * must work.
 */
#ifndef ABOARD_TESTS_CONSOLE_RIG_H
#define ABOARD_TESTS_CONSOLE_RIG_H

#include "stream_rig.h"

#include <string.h>

#include "io/console.h"

/* A shell on a terminal of its own. */
#define ON_A_TERMINAL(command) "exec:script -qec '" command "' /dev/null"

static inline void keep(void *context, const char *bytes, size_t size)
{
	buf_add(context, bytes, size);
}

/* `said`, if not NULL, receives what the tap gets. Takes the stream over. */
static inline struct console *console_on(struct stream *stream, struct buf *said)
{
	struct console_settings settings = {0};

	if (said)
		settings.tap = (struct console_tap){keep, said};
	return console_new(stream, &settings);
}

static inline void log_in(struct console *console)
{
	static const struct console_login shell = {.login_prompt = "login: *$",
						   .prompt = "[#$] *$"};
	struct err err;

	if (console_login(console, &shell, WAIT, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void stop_countdown(struct console *console)
{
	static const char *const keys[] = {" ", NULL};
	static const struct console_interrupt how = {"^=> ?$", keys, 50};
	struct err err;

	if (console_interrupt(console, &how, WAIT, &err) < 0)
		fail_msg("%s", err.text);
}

/* A stream that uses another one and leaves it open. */
struct borrowed_stream {
	struct stream stream;
	struct stream *from;
};

static inline int borrowed_read(struct stream *stream, void *data, size_t size, size_t *got,
				struct deadline deadline, struct err *err)
{
	struct stream *from = container_of(stream, struct borrowed_stream, stream)->from;

	return stream_read(from, data, size, got, deadline, err);
}

static inline int borrowed_write(struct stream *stream, const void *data, size_t size,
				 struct deadline deadline, struct err *err)
{
	struct stream *from = container_of(stream, struct borrowed_stream, stream)->from;

	return stream_write(from, data, size, deadline, err);
}

static inline void borrowed_close(struct stream *stream)
{
	free(container_of(stream, struct borrowed_stream, stream));
}

static inline struct stream *borrow(struct stream *from)
{
	static const struct stream_ops ops = {
		.read = borrowed_read, .write = borrowed_write, .close = borrowed_close};
	struct borrowed_stream *self = xcalloc(1, sizeof(*self));

	*self = (struct borrowed_stream){{&ops}, from};
	return &self->stream;
}

struct command_row {
	const char *command;
	int status;
	const char *output; /* NULL: whatever it is */
};

static inline void must_run(struct console *console, enum console_shell shell,
			    const struct command_row *row)
{
	_cleanup_(buf_free) struct buf output = {0};
	struct err err;
	int status;

	if (console_run(console, shell, row->command, &output, &status, WAIT, &err) < 0)
		fail_msg("%s: %s", row->command, err.text);
	assert_int_equal(status, row->status);
	if (row->output)
		assert_string_equal(buf_text(&output), row->output);
}

/* A command's result when the stream misbehaves: right, or an error, but never wrong. */
static inline int run_or_fail(struct console *console, enum console_shell shell,
			      const struct command_row *row, struct deadline deadline)
{
	_cleanup_(buf_free) struct buf output = {0};
	struct err err;
	int status,
		rc = console_run(console, shell, row->command, &output, &status, deadline, &err);

	if (rc < 0)
		return rc;
	assert_int_equal(status, row->status);
	if (row->output)
		assert_string_equal(buf_text(&output), row->output);
	return 0;
}

#endif
