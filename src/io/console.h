// SPDX-License-Identifier: MIT
/*
 * A board's console: waits for text, runs commands and knows their results. A prompt alone is never
 * trusted, because prompts also occur inside output: every command is framed by an unguessable
 * marker that is echoed before and after it, with its return code behind the second one.
 */
#ifndef ABOARD_IO_CONSOLE_H
#define ABOARD_IO_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/err.h"
#include "io/stream.h"

struct console;

/* Who else sees what the board says (log file, screen). Called with raw bytes as they arrive. */
struct console_tap {
	void (*received)(void *context, const char *bytes, size_t size);
	void *context;
};

struct console_settings {
	struct console_tap tap;
	size_t chunk;          /* bytes of a command sent before its echo is awaited; 0: 32 */
	int64_t char_delay_us; /* pause after each byte for boards that lose fast typing; 0: none */
};

/* Takes the stream over. */
struct console *console_new(struct stream *stream, const struct console_settings *settings);
void console_free(struct console *console);
void console_freep(struct console **console);

/* The stream, borrowed; for interactive use. */
struct stream *console_stream(struct console *console);

int console_send(struct console *console, const void *data, size_t size, struct deadline deadline,
		 struct err *err);

/* Reads until one of `count` extended regular expressions (POSIX, matched per line: ^ and $ are
   line ends) matches what came since the last match; *which is its index. What came before the
   match, and the match, are forgotten. `before`, if not NULL, receives it. A timeout's text quotes
   the last line that came; a closed stream is ERR_CONSOLE. */
int console_expect(struct console *console, const char *const *patterns, size_t count,
		   size_t *which, struct buf *before, struct deadline deadline, struct err *err);

/* The shells whose quoting and `echo` the framing knows. */
enum console_shell {
	SHELL_UBOOT, /* U-Boot's hush: echo "AB""CD", $? */
	SHELL_POSIX, /* busybox ash and the like */
};

/* Runs one line and waits for its end. `output`, if not NULL, receives what it printed (CR LF as
   LF, the echo and the markers removed, other bytes as they came). *status receives the return
   code. The line is sent in pieces, each after the echo of the one before; a line whose echo does
   not come is given up (Ctrl-C; in a POSIX shell first Ctrl-U) and sent once more, byte by byte.
   What is typed is

     echo "AB""CD";COMMAND;echo "AB""CD" $? $?                     U-Boot
     echo "AB""CD";command eval 'COMMAND';echo "AB""CD" $? $?      a POSIX shell

   (the code twice, so that a lost digit is no other code) and fits a line of 46 bytes more than the
   command in U-Boot, whose buffer (CONFIG_SYS_CBSIZE) is 256 bytes or more; there a comment and
   trailing semicolons are left off. A POSIX shell takes any command, also one with a syntax error
   or a & at its end; a long one goes into the variable _aboard first, because busybox edits lines
   of at most 1024 bytes. A line over 4000 bytes or with control characters is ERR_INTERNAL; with an
   open quote, in U-Boot, ERR_CONFIG; one that the shell does not begin to run is given up with
   Ctrl-C and ERR_BOARD. A command that still runs when the time is over is left running. If the
   first marker or a code was lost on the way the result is not known: ERR_CONSOLE. Never call this
   with a secret: consoles are logged. */
int console_run(struct console *console, enum console_shell shell, const char *command,
		struct buf *output, int *status, struct deadline deadline, struct err *err);

/* Types one line and returns when the shell has begun to run it: for a command that does not come
   back, such as a boot. Typing, echo and errors as in console_run(); what it prints is left for
   console_expect(). */
int console_start(struct console *console, enum console_shell shell, const char *command,
		  struct deadline deadline, struct err *err);

/* How to stop a boot loader's countdown. */
struct console_interrupt {
	const char *prompt;      /* regular expression of the prompt, e.g. "^=> ?$" */
	const char *const *keys; /* strings sent in turn, e.g. " ", "\x03"; NULL-terminated */
	int64_t every_ms;        /* how often a key is sent */
};

/* Sends the keys until the prompt is there and a framed echo proves that a shell is behind it.
   Recognises a prompt that is there already. */
int console_interrupt(struct console *console, const struct console_interrupt *how,
		      struct deadline deadline, struct err *err);

/* Logs in to a shell, or recognises that it is there already. */
struct console_login {
	const char *login_prompt; /* regular expression, e.g. "login: *$" */
	const char *prompt;       /* regular expression of the shell's prompt, e.g. "# *$" */
	const char *username;     /* NULL: no login is wanted, only the shell */
	const char *password;     /* NULL: none. Typed only when "assword:" is asked, with the tap
				     silenced; not a secret: it is in the manifest */
};

int console_login(struct console *console, const struct console_login *how,
		  struct deadline deadline, struct err *err);

/* The last lines that came (at most 20), for messages and records; borrowed until the next call. */
const char *console_tail(struct console *console);

/* The pure part of console_run(), for tests and fuzzing: looks for MARKER line, output, MARKER,
   code and code in what came so far. Returns true when complete. `marker` is what the board prints,
   not the split form that is typed. */
bool console_frame(const char *received, size_t size, const char *marker, struct buf *output,
		   int *status);

#endif
