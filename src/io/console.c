// SPDX-License-Identifier: MIT
#include "io/console.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/console_parts.h"

#define HISTORY_MAX ((size_t)1 << 20)
#define RECENT_MAX  ((size_t)16 << 10)
#define TAIL_LINES  20

struct console *console_new(struct stream *stream, const struct console_settings *settings)
{
	struct console *console = xcalloc(1, sizeof(*console));

	console->stream = stream;
	if (settings)
		console->settings = *settings;
	if (!console->settings.chunk)
		console->settings.chunk = 32;
	console->rx.max = 2 * HISTORY_MAX;
	return console;
}

void console_free(struct console *console)
{
	if (!console)
		return;
	stream_close(console->stream);
	buf_free(&console->rx);
	buf_free(&console->recent);
	freep(&console->tail);
	free(console);
}

void console_freep(struct console **console)
{
	console_free(*console);
	*console = NULL;
}

struct stream *console_stream(struct console *console)
{
	return console->stream;
}

/* Old bytes make room in big steps, so that a flood does not move memory for every read. */
static void keep_last(struct buf *buf, size_t max, const char *data, size_t size)
{
	if (buf->size + size > 2 * max)
		buf_drop(buf, buf->size - max);
	buf_add(buf, data, size);
}

static void show(struct console *console, const char *data, size_t size)
{
	const char *end = console->muted ? memchr(data, '\n', size) : data;

	if (!end)
		return;
	size -= (size_t)(end - data);
	console->muted = false;
	keep_last(&console->recent, RECENT_MAX, end, size);
	if (console->settings.tap.received)
		console->settings.tap.received(console->settings.tap.context, end, size);
}

int console_fill(struct console *console, struct deadline deadline, struct err *err)
{
	char piece[4096];
	size_t got;
	int rc = stream_read(console->stream, piece, sizeof(piece), &got, deadline, err);

	if (rc < 0)
		return rc;
	if (!got) {
		err_set(err, ERR_CONSOLE, "the console was closed by the other side");
		return err_remedy(err,
				  "is the adapter still plugged in, the server still running?");
	}
	console->heard = true;
	if (console->rx.size + got > 2 * HISTORY_MAX)
		console->mid_line = true;
	keep_last(&console->rx, HISTORY_MAX, piece, got);
	show(console, piece, got);
	return 0;
}

int console_settle(struct console *console, int64_t quiet_ms, struct deadline deadline,
		   struct err *err)
{
	int rc, came = 0;

	for (;;) {
		rc = console_fill(console, deadline_in(deadline, quiet_ms), err);
		if (rc == -ERR_TIMEOUT)
			return came;
		if (rc < 0)
			return rc;
		came = 1;
	}
}

static int pause_us(int64_t us, struct deadline deadline, struct err *err)
{
	const struct timespec part = {.tv_nsec = (long)(us % 1000) * 1000};
	int rc = us >= 1000 ? deadline_pause(us / 1000, deadline, err) : 0;

	if (rc == 0 && part.tv_nsec)
		nanosleep(&part, NULL);
	return rc;
}

int console_send(struct console *console, const void *data, size_t size, struct deadline deadline,
		 struct err *err)
{
	const char *bytes = data;
	size_t step = console->settings.char_delay_us ? 1 : size, i;
	int rc = 0;

	for (i = 0; i < size && rc == 0; i += step) {
		rc = stream_write(console->stream, bytes + i, step, deadline, err);
		if (rc == 0 && console->settings.char_delay_us)
			rc = pause_us(console->settings.char_delay_us, deadline, err);
	}
	return rc < 0 ? err_prefix(err, "typing on the console") : 0;
}

/* Clean text without anything a terminal or a log could take for a command. */
static void clean_recent(const struct console *console, struct buf *text)
{
	size_t i;

	console_clean(buf_text(&console->recent), console->recent.size, text);
	for (i = 0; i < text->size; i++)
		if (text->data[i] != '\n' && !isprint((unsigned char)text->data[i]))
			text->data[i] = '.';
}

/* The start of the last `count` lines; empty ones at the end do not count. */
static const char *last_lines(struct buf *text, size_t count)
{
	const char *at;

	while (text->size && isspace((unsigned char)text->data[text->size - 1]))
		text->data[--text->size] = '\0';
	for (at = buf_text(text) + text->size; at > buf_text(text); at--)
		if (at[-1] == '\n' && --count == 0)
			break;
	return at;
}

const char *console_tail(struct console *console)
{
	_cleanup_(buf_free) struct buf text = {0};

	clean_recent(console, &text);
	freep(&console->tail);
	console->tail = xstrdup(last_lines(&text, TAIL_LINES));
	return console->tail;
}

char *console_open_line(struct console *console)
{
	_cleanup_(buf_free) struct buf text = {0};
	const char *raw = buf_text(&console->rx), *end;
	size_t size = console->rx.size;

	end = memrchr(raw, '\n', size);
	if (end)
		size -= (size_t)(end + 1 - raw);
	console_clean(end ? end + 1 : raw, size, &text);
	end = memrchr(buf_text(&text), '\n', text.size);
	return xstrdup(end ? end + 1 : buf_text(&text));
}

char *console_last_line(struct console *console)
{
	_cleanup_(buf_free) struct buf text = {0};

	clean_recent(console, &text);
	return xstrndup(last_lines(&text, 1), 160);
}

static void add_silence(struct err *err)
{
	err_remedy(err, "check that the cable is on the right port, that the baud rate is the "
			"board's, and that the board has power");
}

int console_waited(struct console *console, int rc, int64_t start_ms, const char *what,
		   struct err *err)
{
	_cleanup_(freep) char *line = NULL;
	char lasted[TEXT_SIZE];

	if (rc != -ERR_TIMEOUT) {
		err_prefix(err, "waiting for %s", what);
		return rc;
	}
	text_of_duration(clock_ms() - start_ms, lasted);
	if (!console->heard) {
		err_set(err, ERR_TIMEOUT, "waited %s for %s; nothing at all came from the console",
			lasted, what);
		add_silence(err);
		return -ERR_TIMEOUT;
	}
	line = console_last_line(console);
	return err_set(err, ERR_TIMEOUT, "waited %s for %s; the last line that came is \"%s\"",
		       lasted, what, line);
}

int console_waited_for_shell(struct console *console, int rc, int64_t start_ms, const char *what,
			     struct err *err)
{
	if (rc == 0)
		return 0;
	rc = console_waited(console, rc, start_ms, what, err);
	if (rc != -ERR_TIMEOUT || console->heard)
		return rc;
	if (err)
		err->kind = ERR_CONSOLE;
	return -ERR_CONSOLE;
}
