// SPDX-License-Identifier: MIT
/*
 * The pure part of the console: what a terminal's bytes mean as text, where a command's echo is in
 * them, and where its output begins and ends. No I/O, no clock; everything here may be fed with
 * hostile bytes in pieces of any size.
 */
#ifndef ABOARD_IO_CONSOLE_TEXT_H
#define ABOARD_IO_CONSOLE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "io/console.h"

/* Appends raw bytes to `clean` as plain lines: CR LF and a lone CR are LF, backspaces take back
   what they erase, ANSI escape sequences, bells and NULs are left out. Returns how many bytes were
   used: an escape sequence or CR at the end that may go on is left for the next call. */
size_t console_clean(const char *raw, size_t size, struct buf *clean);

/* The length of a message that the kernel put in between, "[   12.345678] text LF", at `text`: 0
   when there is none, CONSOLE_MORE when its end is still to come. */
#define CONSOLE_MORE ((size_t)-1)
size_t console_kernel_message(const char *text, size_t size);

/* Finds the bytes of `expected`, in order, in what came back. Other bytes may stand between them:
   kernel messages (skipped whole), line wrapping, redrawing, escape sequences. */
struct console_echo {
	const char *expected;
	size_t size;
	size_t matched; /* how many of them were seen */
};

/* Returns how many bytes were used; all but the beginning of a kernel message that is not complete,
   or what follows the last expected byte. */
size_t console_echo_feed(struct console_echo *echo, const char *data, size_t size);

/* Takes MARKER line, output, MARKER, code and code again apart while they come. */
enum console_frame_state {
	FRAME_BEFORE, /* the first marker has not come */
	FRAME_OUTPUT,
	FRAME_DONE, /* status is set */
	FRAME_LOST, /* the second marker came, but not the first, or not with the same code twice:
		       a byte was lost or came in between */
};

struct console_framing {
	const char *marker;
	struct buf *output; /* NULL: not wanted */
	bool bare;          /* typed without eval: the quotes are our own and closed */
	bool begin_only;    /* nothing behind the first marker's line is used */
	enum console_frame_state state;
	int status;
};

/* Returns how many bytes were used; what may be the beginning of a marker is left for the next
   call, and what follows the code is not touched. */
size_t console_framing_feed(struct console_framing *framing, const char *data, size_t size);

/* ERR_INTERNAL for control characters, which a line editor would obey. */
int console_check_command(const char *command, struct err *err);

/* The line to type so that a shell prints the marker, runs the command and prints the marker with
   its code; owned by the caller. The marker is typed in two halves, so no echo of the line equals
   it. `marked` false: without the second marker. ERR_CONFIG for a command that would swallow the
   end of the line (an open quote), else as console_check_command(). */
int console_frame_line(char **line, enum console_shell shell, const char *command,
		       const char *marker, bool marked, struct err *err);

#endif
