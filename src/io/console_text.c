// SPDX-License-Identifier: MIT
#include "io/console_text.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"

#define ESC         '\x1b'
#define CSI_MAX     32  /* bytes of an escape sequence; longer is no sequence */
#define OSC_MAX     256 /* bytes of a title and the like */
#define LINE_MAX    1024
#define RETURNS_MAX 16 /* CRs before one LF */

/* ESC ] text BEL, or ESC ] text ESC \ */
static size_t osc_length(const char *raw, size_t size)
{
	size_t i;

	for (i = 2; i < size && i < OSC_MAX; i++) {
		if (raw[i] == '\a')
			return i + 1;
		if (raw[i] == ESC)
			return i + 1 < size ? i + 2 : CONSOLE_MORE;
	}
	return i < OSC_MAX ? CONSOLE_MORE : 1;
}

/* ESC [ parameters, ending with a letter or the like */
static size_t csi_length(const char *raw, size_t size)
{
	size_t i;

	for (i = 2; i < size && i < CSI_MAX; i++) {
		if (raw[i] >= 0x40 && raw[i] <= 0x7e)
			return i + 1;
		if (raw[i] < 0x20)
			return i;
	}
	return i < CSI_MAX ? CONSOLE_MORE : 1;
}

static size_t escape_length(const char *raw, size_t size)
{
	if (size < 2)
		return CONSOLE_MORE;
	if (raw[1] == '[')
		return csi_length(raw, size);
	if (raw[1] == ']')
		return osc_length(raw, size);
	if (raw[1] == '(' || raw[1] == ')')
		return size < 3 ? CONSOLE_MORE : 3;
	return raw[1] >= 0x20 ? 2 : 1;
}

/* CRs with what they belong to: CR CR LF is one line end, a CR alone is one too. */
static size_t return_length(const char *raw, size_t size)
{
	size_t i = 0;

	while (i < size && i < RETURNS_MAX && raw[i] == '\r')
		i++;
	if (i == RETURNS_MAX)
		return i;
	if (i == size)
		return CONSOLE_MORE;
	return raw[i] == '\n' ? i + 1 : i;
}

static void take_back(struct buf *clean)
{
	if (clean->size && clean->data[clean->size - 1] != '\n')
		clean->data[--clean->size] = '\0';
}

/* Uses one character or sequence; returns its length or CONSOLE_MORE. */
static size_t clean_one(const char *raw, size_t size, struct buf *clean)
{
	size_t length;

	switch (*raw) {
	case ESC:
		return escape_length(raw, size);
	case '\r':
		length = return_length(raw, size);
		if (length != CONSOLE_MORE)
			buf_add_char(clean, '\n');
		return length;
	case '\b':
		take_back(clean);
		return 1;
	case '\0':
	case '\a':
		return 1;
	default:
		buf_add_char(clean, *raw);
		return 1;
	}
}

size_t console_clean(const char *raw, size_t size, struct buf *clean)
{
	size_t used, length;

	for (used = 0; used < size; used += length) {
		length = clean_one(raw + used, size - used, clean);
		if (length == CONSOLE_MORE)
			break;
	}
	return used;
}

/* The time stamp "[   12.345678] ": its length, 0 or CONSOLE_MORE. */
static size_t stamp_length(const char *text, size_t size)
{
	size_t i = 1, digits;

	while (i < size && i < 16 && text[i] == ' ')
		i++;
	for (digits = 0; i < size && digits < 10 && isdigit((unsigned char)text[i]); digits++)
		i++;
	if (i == size)
		return CONSOLE_MORE;
	if (!digits || text[i++] != '.')
		return 0;
	for (digits = 0; i < size && digits < 6 && isdigit((unsigned char)text[i]); digits++)
		i++;
	if (i == size)
		return CONSOLE_MORE;
	return digits == 6 && text[i] == ']' ? i + 1 : 0;
}

size_t console_kernel_message(const char *text, size_t size)
{
	size_t stamp;
	const char *end;

	if (!size || *text != '[')
		return 0;
	stamp = stamp_length(text, size);
	if (!stamp || stamp == CONSOLE_MORE)
		return stamp;
	end = memchr(text, '\n', size < LINE_MAX ? size : LINE_MAX);
	if (end)
		return (size_t)(end - text) + 1;
	return size < LINE_MAX ? CONSOLE_MORE : stamp;
}

size_t console_echo_feed(struct console_echo *echo, const char *data, size_t size)
{
	size_t used = 0, skip;

	while (used < size && echo->matched < echo->size) {
		skip = 0;
		if (data[used] == echo->expected[echo->matched])
			echo->matched++;
		else
			skip = console_kernel_message(data + used, size - used);
		if (skip == CONSOLE_MORE)
			break;
		used += skip ? skip : 1;
	}
	return used;
}
