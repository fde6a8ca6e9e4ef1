// SPDX-License-Identifier: MIT
/* Commands: typed with their echo as flow control, framed by a marker. */
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/console_parts.h"

#define COMMAND_MAX     4000
#define PIECE_MAX       700 /* bytes of a command in one line to a POSIX shell */
#define VARIABLE        "_aboard"
#define ECHO_MS         2000  /* no byte of the echo for so long: it is lost */
#define PROOF_MS        1000  /* the same, while it is not known that a shell is there */
#define ENTER_MS        2000  /* no first marker for so long: the Enter may be lost */
#define BEGIN_MS        10000 /* no first marker for so long: the line is not run */
#define QUIET_MS        200
#define CALM_MS         3000 /* the longest wait for quiet */
#define PROMPT_QUIET_MS 100
#define PROMPT_MS       500 /* the longest wait for a prompt, when it is never quiet */

#define CTRL_C "\x03"
#define CTRL_U "\x15"

/* U-Boot and the line editor of busybox say so when their buffer is full. */
#define BELL '\a'

/* Reads once more; a timeout after `patience_ms` without data is 1, of the deadline itself an
   error. */
static int fill_patiently(struct console *console, int64_t patience_ms, struct deadline deadline,
			  struct err *err)
{
	int rc = console_fill(console, deadline_in(deadline, patience_ms), err);

	return rc == -ERR_TIMEOUT && deadline_left_ms(deadline) > 0 ? 1 : rc;
}

/* Waits for the echo of what was typed so far. 1: it does not come. */
static int await_echo(struct console *console, struct console_echo *echo, int64_t patience_ms,
		      bool *bell, struct deadline deadline, struct err *err)
{
	int64_t until = clock_ms() + patience_ms, left;
	size_t before, used;
	int rc;

	for (;;) {
		before = echo->matched;
		used = console_echo_feed(echo, buf_text(&console->rx), console->rx.size);
		if (used && memchr(console->rx.data, BELL, used))
			*bell = true;
		buf_drop(&console->rx, used);
		if (echo->matched == echo->size)
			return 0;
		if (echo->matched > before)
			until = clock_ms() + patience_ms;
		left = until - clock_ms();
		if (left <= 0)
			return 1;
		rc = fill_patiently(console, left, deadline, err);
		if (rc < 0)
			return rc;
	}
}

struct typing {
	const char *line;
	size_t chunk;
	int64_t patience_ms;
	bool bell; /* came instead of the echo */
};

/* Types the line without its Enter. 1: its echo does not come back. */
static int type_line(struct console *console, struct typing *typing, struct deadline deadline,
		     struct err *err)
{
	struct console_echo echo = {.expected = typing->line};
	size_t length = strlen(typing->line), piece;
	int rc;

	while (echo.size < length) {
		piece = length - echo.size < typing->chunk ? length - echo.size : typing->chunk;
		rc = console_send(console, typing->line + echo.size, piece, deadline, err);
		if (rc < 0)
			return rc;
		echo.size += piece;
		rc = await_echo(console, &echo, typing->patience_ms, &typing->bell, deadline, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int give_up_line(struct console *console, const char *key, struct deadline deadline,
			struct err *err)
{
	int rc = console_send(console, key, strlen(key), deadline, err);

	if (rc == 0)
		rc = console_settle(console, QUIET_MS, deadline_in(deadline, CALM_MS), err);
	if (rc < 0)
		return rc;
	buf_clear(&console->rx);
	return deadline_check(deadline, err);
}

static int no_echo(const struct typing *typing, struct err *err)
{
	if (typing->bell) {
		err_set(err, ERR_BOARD,
			"the line is too long for the board's line buffer (%zu "
			"bytes typed)",
			strlen(typing->line));
		return err_remedy(err, "split the command; in U-Boot, put its parts into variables "
				       "and `run` them");
	}
	err_set(err, ERR_CONSOLE, "what is typed does not come back from the board");
	return err_remedy(err, "is there a prompt? a board that loses fast typing needs a pause "
			       "between characters");
}

/* What takes back a line that is not echoed, one try after the other. Ctrl-C is for a command that
   still runs; but the ash of busybox 1.35, which loses a byte when a job in the background ends
   just then, is ended by it, while Ctrl-U is harmless. */
static const char *const give_up_keys[][3] = {
	[SHELL_UBOOT] = {CTRL_C},
	[SHELL_POSIX] = {CTRL_U, CTRL_C},
};

/* Types the line, again byte by byte when it is not echoed. */
static int type_safely(struct console *console, enum console_shell shell, const char *line,
		       struct deadline deadline, struct err *err)
{
	struct typing typing = {
		.line = line, .chunk = console->settings.chunk, .patience_ms = ECHO_MS};
	int rc = type_line(console, &typing, deadline, err);
	const char *const *key;

	for (key = give_up_keys[shell]; rc == 1 && *key; key++) {
		rc = give_up_line(console, *key, deadline, err);
		typing.chunk = 1;
		if (rc == 0)
			rc = type_line(console, &typing, deadline, err);
	}
	if (rc != 1)
		return rc;
	rc = give_up_line(console, CTRL_C, deadline, err);
	return rc < 0 ? rc : no_echo(&typing, err);
}

/* Lets what is left of the command before pass by: its prompt, or whatever came since. Typing
   before the prompt is there would be echoed twice, or lost. */
static int await_prompt(struct console *console, struct deadline deadline, struct err *err)
{
	struct deadline soon = deadline_in(deadline, PROMPT_MS);
	bool due = console->prompt_due;
	int rc;

	console->prompt_due = false;
	for (;;) {
		_cleanup_(freep) char *line = console_open_line(console);

		if (due && console->prompt[0] && text_equal(line, console->prompt))
			break;
		rc = console_fill(console, deadline_in(soon, due ? PROMPT_QUIET_MS : 0), err);
		if (rc == -ERR_TIMEOUT && due && strlen(line) < sizeof(console->prompt))
			memcpy(console->prompt, line, strlen(line) + 1);
		if (rc == -ERR_TIMEOUT)
			break;
		if (rc < 0)
			return rc;
	}
	buf_clear(&console->rx);
	return deadline_check(deadline, err);
}

static void feed(struct console *console, struct console_framing *framing)
{
	size_t used = console_framing_feed(framing, buf_text(&console->rx), console->rx.size);

	buf_drop(&console->rx, used);
}

/* Reads until the frame is past FRAME_BEFORE. 1: it is not, within `patience_ms`. */
static int await_begin(struct console *console, struct console_framing *framing,
		       int64_t patience_ms, struct deadline deadline, struct err *err)
{
	int64_t until = clock_ms() + patience_ms, left;
	int rc;

	for (;;) {
		feed(console, framing);
		if (framing->state != FRAME_BEFORE)
			return 0;
		left = until - clock_ms();
		if (left <= 0)
			return 1;
		rc = fill_patiently(console, left, deadline, err);
		if (rc < 0)
			return rc;
	}
}

/* Enter, and the first marker. A lost Enter is sent again behind a blank: should the line have run
   unnoticed, that is an empty command, and not the empty line on which U-Boot repeats the last
   one. */
static int enter(struct console *console, struct console_framing *framing, struct deadline deadline,
		 struct err *err)
{
	_cleanup_(freep) char *said = NULL;
	int rc = console_send(console, "\r", 1, deadline, err);

	if (rc == 0)
		rc = await_begin(console, framing, ENTER_MS, deadline, err);
	if (rc == 1) {
		rc = console_send(console, " \r", 2, deadline, err);
		if (rc == 0)
			rc = await_begin(console, framing, BEGIN_MS, deadline, err);
	}
	if (rc != 1)
		return rc;
	said = console_last_line(console);
	rc = give_up_line(console, CTRL_C, deadline, err);
	if (rc < 0)
		return rc;
	return err_set(err, ERR_BOARD,
		       "the shell does not run the line; the last it said is \"%s\"", said);
}

static int await_end(struct console *console, struct console_framing *framing,
		     struct deadline deadline, struct err *err)
{
	int rc;

	for (feed(console, framing); framing->state < FRAME_DONE; feed(console, framing)) {
		rc = console_fill(console, deadline, err);
		if (rc < 0)
			return rc;
	}
	console->prompt_due = true;
	console->mid_line = true;
	if (framing->state == FRAME_LOST)
		return err_set(err, ERR_CONSOLE, "a part of what the board said was lost");
	return 0;
}

static int run_short(struct console *console, enum console_shell shell, const char *command,
		     struct console_framing *framing, struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *line = NULL;
	char marker[CONSOLE_MARKER];
	int rc;

	random_token(sizeof(marker) / 2, marker);
	framing->marker = marker;
	/* As in hush, where the command stands bare. */
	rc = console_frame_line(&line, framing->bare ? SHELL_UBOOT : shell, command, marker,
				!framing->begin_only, err);
	if (rc == 0)
		rc = await_prompt(console, deadline, err);
	if (rc == 0)
		rc = type_safely(console, shell, line, deadline, err);
	if (rc == 0)
		rc = enter(console, framing, deadline, err);
	if (rc == 0 && !framing->begin_only)
		rc = await_end(console, framing, deadline, err);
	framing->marker = NULL; /* it ends here */
	return rc;
}

/* Puts one more piece of a command into the shell's variable, as far as a short line holds it. */
static const char *quote_piece(struct buf *line, const char *command)
{
	buf_add_char(line, '\'');
	for (; *command && line->size < PIECE_MAX; command++) {
		if (*command == '\'')
			buf_add_text(line, "'\\''");
		else
			buf_add_char(line, *command);
	}
	buf_add_char(line, '\'');
	return command;
}

/* The line editor of busybox ends at 1024 bytes, whatever the kernel would take. A longer command
   goes into a variable first. */
static int store_long(struct console *console, const char *command, struct deadline deadline,
		      struct err *err)
{
	const char *rest = command;
	int rc = 0;

	while (*rest && rc == 0) {
		_cleanup_(buf_free) struct buf line = {0};
		struct console_framing framing = {.bare = true};

		buf_add_text(&line, rest == command ? VARIABLE "=" : VARIABLE "=$" VARIABLE);
		rest = quote_piece(&line, rest);
		rc = run_short(console, SHELL_POSIX, buf_text(&line), &framing, deadline, err);
		if (rc == 0 && framing.status)
			return err_set(err, ERR_BOARD, "the shell does not take a long command");
	}
	return rc;
}

/* With the escapes of its quotes. */
static size_t quoted_length(const char *command)
{
	size_t length = 0;

	for (; *command; command++)
		length += *command == '\'' ? 4 : 1;
	return length;
}

static int run_line(struct console *console, enum console_shell shell, const char *command,
		    struct console_framing *framing, struct deadline deadline, struct err *err)
{
	int rc = console_check_command(command, err);

	if (rc == 0 && strlen(command) > COMMAND_MAX)
		rc = err_set(err, ERR_INTERNAL, "a command of more than %d bytes", COMMAND_MAX);
	if (rc == 0 && shell == SHELL_POSIX && quoted_length(command) > PIECE_MAX) {
		rc = store_long(console, command, deadline, err);
		command = "eval \"$" VARIABLE "\"";
	}
	if (rc < 0)
		return rc;
	return run_short(console, shell, command, framing, deadline, err);
}

static int run_named(struct console *console, enum console_shell shell, const char *command,
		     struct console_framing *framing, struct deadline deadline, struct err *err)
{
	int64_t start = clock_ms();
	_cleanup_(freep) char *what = NULL;
	int rc = run_line(console, shell, command, framing, deadline, err);

	if (rc == 0)
		return 0;
	what = xasprintf("the board to %s `%.80s`", framing->begin_only ? "begin" : "end", command);
	return console_waited(console, rc, start, what, err);
}

int console_run(struct console *console, enum console_shell shell, const char *command,
		struct buf *output, int *status, struct deadline deadline, struct err *err)
{
	struct console_framing framing = {.output = output};
	int rc = run_named(console, shell, command, &framing, deadline, err);

	*status = framing.status;
	return rc;
}

int console_start(struct console *console, enum console_shell shell, const char *command,
		  struct deadline deadline, struct err *err)
{
	struct console_framing framing = {.begin_only = true};
	int rc = run_named(console, shell, command, &framing, deadline, err);

	if (rc == 0)
		console->mid_line = false;
	return rc;
}

int console_prove(struct console *console, enum console_shell shell, struct deadline deadline,
		  struct err *err)
{
	char marker[CONSOLE_MARKER];
	struct console_framing framing = {.marker = marker};
	_cleanup_(freep) char *line = NULL;
	struct typing typing = {.chunk = console->settings.chunk, .patience_ms = PROOF_MS};
	int rc;

	random_token(sizeof(marker) / 2, marker);
	rc = console_frame_line(&line, shell, "", marker, true, err);
	typing.line = line;
	if (rc == 0)
		rc = type_line(console, &typing, deadline, err);
	if (rc == 0)
		rc = console_send(console, "\r", 1, deadline, err);
	if (rc == 0)
		rc = await_begin(console, &framing, PROOF_MS, deadline, err);
	if (rc == 1 || (rc == 0 && framing.state == FRAME_LOST))
		return err_set(err, ERR_BOARD, "there is a prompt, but no shell answers");
	if (rc == 0)
		rc = await_end(console, &framing, deadline_in(deadline, PROOF_MS), err);
	if (rc == -ERR_TIMEOUT && deadline_left_ms(deadline) > 0)
		return err_set(err, ERR_BOARD, "there is a prompt, but no shell answers");
	return rc;
}
