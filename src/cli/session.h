// SPDX-License-Identifier: MIT
/*
 * A terminal connected to a board's console: raw mode that is always undone, a local escape key, a
 * log, and the window's size told to a remote shell.
 */
#ifndef ABOARD_CLI_SESSION_H
#define ABOARD_CLI_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "io/stream.h"

struct session {
	struct stream *stream; /* borrowed */
	int in_fd, out_fd;     /* the terminal */
	int log_fd;            /* -1: none */
	int cancel_fd;
	bool at_prompt; /* a shell waits at the other end: it is asked to show its prompt. Otherwise
			   nothing is sent that the person did not type: a countdown would stop */
	bool tell_size; /* that shell is a POSIX one with stty */
};

/* Until the person ends it (0), the console is lost (ERR_CONSOLE) or a signal comes
   (ERR_CANCELLED). */
int session_run(struct session *session, struct err *err);

/* The local escape key, one byte at a time. Pure. */
#define ESCAPE_KEY '\x1d' /* Ctrl-] */

struct escape {
	bool pending; /* the key was the last byte */
};

enum escape_action {
	ESCAPE_SEND, /* the byte is for the board */
	ESCAPE_WAIT, /* nothing yet */
	ESCAPE_END,
	ESCAPE_HELP,
};

enum escape_action escape_take(struct escape *escape, char byte);

/* Whether a shell waits for a command: what was received since the last byte was typed ends like a
   prompt. Pure. */
struct prompt_watch {
	char last[2]; /* the last two bytes received */
	bool typed;   /* something was typed since the last line end */
};

void prompt_received(struct prompt_watch *watch, const char *bytes, size_t size);
void prompt_typed(struct prompt_watch *watch, char byte);
bool prompt_waits(const struct prompt_watch *watch);

#endif
