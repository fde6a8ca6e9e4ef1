// SPDX-License-Identifier: MIT
/* A command's line and what comes back of it, framed by a marker. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "io/console_text.h"

#define CODE_DIGITS 6
#define RETURNS_MAX 16 /* CRs before one LF */

/* Kernel messages at `from`, which may stand anywhere: between two letters of a marker, too.
   Returns the place behind them, or CONSOLE_MORE. */
static size_t skip_messages(const char *data, size_t size, size_t from)
{
	size_t length;

	while (from < size) {
		length = console_kernel_message(data + from, size - from);
		if (length == CONSOLE_MORE)
			return CONSOLE_MORE;
		if (!length)
			break;
		from += length;
	}
	return from;
}

/* The place behind the marker that begins at `data`; 0: none begins here. */
static size_t match_marker(const char *data, size_t size, const char *marker)
{
	size_t at = 0;

	for (; *marker; marker++) {
		if (at)
			at = skip_messages(data, size, at);
		if (at == CONSOLE_MORE || at == size)
			return CONSOLE_MORE;
		if (data[at++] != *marker)
			return 0;
	}
	return at;
}

/* " 127" at `at`: the place behind it, and the number; 0: it is not there; CONSOLE_MORE. A number
   has ended only when another byte follows. */
static size_t match_number(const char *data, size_t size, size_t at, int *number)
{
	int digits;

	at = skip_messages(data, size, at);
	if (at == CONSOLE_MORE || at == size)
		return CONSOLE_MORE;
	if (data[at++] != ' ')
		return 0;
	*number = 0;
	for (digits = 0;; digits++) {
		at = skip_messages(data, size, at);
		if (at == CONSOLE_MORE || at == size)
			return CONSOLE_MORE;
		if (!isdigit((unsigned char)data[at]) || digits == CODE_DIGITS)
			return digits ? at : 0;
		*number = *number * 10 + (data[at++] - '0');
	}
}

/* The line end behind the first marker. */
static size_t match_end(const char *data, size_t size, size_t at)
{
	at = skip_messages(data, size, at);
	if (at == CONSOLE_MORE)
		return CONSOLE_MORE;
	while (at < size && data[at] == '\r')
		at++;
	if (at == size)
		return CONSOLE_MORE;
	return data[at] == '\n' ? at + 1 : at;
}

/* A marker with or without its code at `data`. */
struct mark {
	bool has_code;
	bool is_sure; /* both codes are the same */
	int code;
};

/* Behind a marker's letters: " 127 127", or a line end. */
static size_t match_rest(const char *data, size_t size, size_t at, struct mark *mark)
{
	size_t behind = match_number(data, size, at, &mark->code), again;
	int second;

	if (behind == CONSOLE_MORE)
		return CONSOLE_MORE;
	if (!behind)
		return match_end(data, size, at);
	again = match_number(data, size, behind, &second);
	if (again == CONSOLE_MORE)
		return CONSOLE_MORE;
	mark->has_code = true;
	mark->is_sure = again && second == mark->code;
	return again ? again : behind;
}

static size_t match_mark(const char *data, size_t size, const char *marker, struct mark *mark)
{
	size_t at = match_marker(data, size, marker);

	*mark = (struct mark){0};
	if (at == 0 || at == CONSOLE_MORE)
		return at;
	return match_rest(data, size, at, mark);
}

/* One byte of output, or a CR LF as LF; its length, or CONSOLE_MORE for a CR whose next byte is
   still to come. */
static size_t take_output(struct console_framing *framing, const char *data, size_t size)
{
	size_t length = 1;

	if (*data == '\r') {
		while (length < size && length < RETURNS_MAX && data[length] == '\r')
			length++;
		if (length == size && length < RETURNS_MAX)
			return CONSOLE_MORE;
		if (length < RETURNS_MAX && data[length] == '\n')
			data += length++;
		else
			length = 1;
	}
	if (framing->output)
		buf_add_char(framing->output, *data);
	return length;
}

static void take_mark(struct console_framing *framing, const struct mark *mark)
{
	if (!mark->has_code) {
		framing->state = FRAME_OUTPUT;
		return;
	}
	framing->state = framing->state == FRAME_OUTPUT && mark->is_sure ? FRAME_DONE : FRAME_LOST;
	framing->status = mark->code;
}

size_t console_framing_feed(struct console_framing *framing, const char *data, size_t size)
{
	struct mark mark;
	size_t used = 0, length;

	while (used < size && framing->state < FRAME_DONE) {
		if (framing->begin_only && framing->state == FRAME_OUTPUT)
			break;
		length = match_mark(data + used, size - used, framing->marker, &mark);
		if (length && length != CONSOLE_MORE)
			take_mark(framing, &mark);
		else if (!length && framing->state == FRAME_OUTPUT)
			length = take_output(framing, data + used, size - used);
		else if (!length)
			length = 1;
		if (length == CONSOLE_MORE)
			break;
		used += length;
	}
	return used;
}

bool console_frame(const char *received, size_t size, const char *marker, struct buf *output,
		   int *status)
{
	struct console_framing framing = {.marker = marker, .output = output};

	console_framing_feed(&framing, received, size);
	*status = framing.status;
	return framing.state == FRAME_DONE;
}

/* How far a line of U-Boot's hush goes: without a comment, trailing blanks and semicolons, which
   would swallow the end of the frame or make it a syntax error. */
static int hush_length(const char *command, size_t *length, struct err *err)
{
	char quote = '\0';
	size_t i;

	*length = 0;
	for (i = 0; command[i]; i++) {
		if (command[i] == '\\' && quote != '\'' && command[i + 1])
			i++;
		else if (quote && command[i] == quote)
			quote = '\0';
		else if (!quote && (command[i] == '\'' || command[i] == '"'))
			quote = command[i];
		else if (!quote && command[i] == '#' && (!i || strchr(" ;&|", command[i - 1])))
			break;
		else if (!quote && strchr(" ;", command[i]))
			continue;
		*length = i + 1;
	}
	if (quote)
		return err_set(err, ERR_CONFIG, "a quote (%c) is not closed in: %s", quote,
			       command);
	return 0;
}

/* For hush the command stands bare in the list; a failing one does not stop the list, and $? is
   that of the last one. */
static int add_hush(struct buf *line, const char *command, struct err *err)
{
	size_t length;
	int rc = hush_length(command, &length, err);

	if (rc < 0)
		return rc;
	buf_add_text(line, length ? ";" : ";true");
	buf_add(line, command, length);
	return 0;
}

/* For a POSIX shell it is an argument of eval: then it may end in a comment or &, and a syntax
   error is its own. "command" keeps that error from ending the whole line. */
static void add_posix(struct buf *line, const char *command)
{
	buf_add_text(line, ";command eval '");
	for (; *command; command++) {
		if (*command == '\'')
			buf_add_text(line, "'\\''");
		else
			buf_add_char(line, *command);
	}
	buf_add_text(line, "'");
}

static void add_echo(struct buf *line, const char *marker)
{
	size_t half = strlen(marker) / 2;

	buf_addf(line, "echo \"%.*s\"\"%s\"", (int)half, marker, marker + half);
}

int console_check_command(const char *command, struct err *err)
{
	const char *at;

	for (at = command; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return err_set(err, ERR_INTERNAL,
				       "a control character cannot be typed as part of a command");
	return 0;
}

int console_frame_line(char **line, enum console_shell shell, const char *command,
		       const char *marker, bool marked, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {0};
	int rc = console_check_command(command, err);

	if (rc < 0)
		return rc;
	add_echo(&text, marker);
	if (shell == SHELL_POSIX)
		add_posix(&text, command);
	else
		rc = add_hush(&text, command, err);
	if (rc < 0)
		return rc;
	if (marked) {
		buf_add_char(&text, ';');
		add_echo(&text, marker);
		buf_add_text(&text, " $? $?");
	}
	*line = buf_steal(&text);
	return 0;
}
