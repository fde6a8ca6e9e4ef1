// SPDX-License-Identifier: MIT
/*
 * What the files of the console share. For src/io/console*.c only.
 */
#ifndef ABOARD_IO_CONSOLE_PARTS_H
#define ABOARD_IO_CONSOLE_PARTS_H

#include <regex.h>

#include "io/console.h"
#include "io/console_text.h"

#define CONSOLE_MARKER (10 + 1) /* 5 random bytes in hexadecimal */

struct console {
	struct stream *stream; /* owned */
	struct console_settings settings;
	struct buf rx;     /* what came and was not used yet, raw */
	bool mid_line;     /* rx does not begin at the beginning of a line */
	struct buf recent; /* the last bytes that came, raw, for messages */
	char *tail;        /* console_tail() */
	bool heard;        /* something came since the console was opened */
	bool muted;        /* what comes is kept from the tap and the messages */
	bool prompt_due;   /* a command has ended and the prompt behind it was not awaited yet */
	char prompt[64];   /* the prompt that was there after an earlier command */
};

/* A compiled regular expression; `= {0}` may be freed. */
struct console_pattern {
	regex_t compiled;
	bool ready;
};

/* ERR_CONFIG for a text that is none. */
int console_pattern_compile(struct console_pattern *pattern, const char *text, struct err *err);
void console_pattern_free(struct console_pattern *pattern);

/* Reads what is there once into rx; ERR_CONSOLE at the end of the stream. */
int console_fill(struct console *console, struct deadline deadline, struct err *err);

/* Reads until nothing came for `quiet_ms`. Passes the errors of console_fill() on, except a
   timeout. Returns 1 when something came, 0 when not. */
int console_settle(struct console *console, int64_t quiet_ms, struct deadline deadline,
		   struct err *err);

/* The last line that came, if it is not ended, clean; owned by the caller. */
char *console_open_line(struct console *console);

/* The last line that came and is not empty, ended or not, clean, for messages; owned by the caller.
 */
char *console_last_line(struct console *console);

/* Makes a timeout (`rc`) tell what was awaited since `start_ms` and what came last. Other errors
   are only prefixed. Returns rc. */
int console_waited(struct console *console, int rc, int64_t start_ms, const char *what,
		   struct err *err);

/* The same at the end of the wait for a shell (0 is passed on): a console that never said anything
   is ERR_CONSOLE, not a board that is late. */
int console_waited_for_shell(struct console *console, int rc, int64_t start_ms, const char *what,
			     struct err *err);

/* Whether the open line matches. */
bool console_stands_at(struct console *console, const struct console_pattern *pattern);

/* Types one framed `echo` and expects its marker and code within a short time: 0 when a shell is
   there; -ERR_BOARD when not; ERR_CONSOLE, ERR_CANCELLED, ERR_TIMEOUT (of `deadline`) as usual. */
int console_prove(struct console *console, enum console_shell shell, struct deadline deadline,
		  struct err *err);

#endif
