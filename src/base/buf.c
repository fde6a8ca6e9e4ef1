// SPDX-License-Identifier: MIT
#include "base/buf.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
	buf->size = 0;
	buf->over = false;
	if (buf->data)
		buf->data[0] = '\0';
}

static bool make_room(struct buf *buf, size_t size)
{
	size_t max = buf->max ? buf->max : BUF_MAX_DEFAULT;
	size_t space = buf->space ? buf->space : 64;

	if (size > max - buf->size) {
		buf->over = true;
		return false;
	}
	while (space < buf->size + size + 1)
		space *= 2;
	if (space != buf->space) {
		buf->data = xrealloc(buf->data, space, 1);
		buf->space = space;
	}
	return true;
}

bool buf_add(struct buf *buf, const void *data, size_t size)
{
	if (!make_room(buf, size))
		return false;
	if (size)
		memcpy(buf->data + buf->size, data, size);
	buf->size += size;
	buf->data[buf->size] = '\0';
	return true;
}

bool buf_add_text(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

bool buf_add_char(struct buf *buf, char c)
{
	return buf_add(buf, &c, 1);
}

bool buf_addf(struct buf *buf, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	return buf_add_text(buf, text);
}

void buf_drop(struct buf *buf, size_t size)
{
	if (size > buf->size)
		size = buf->size;
	if (!size)
		return;
	memmove(buf->data, buf->data + size, buf->size - size + 1);
	buf->size -= size;
}

bool buf_over(const struct buf *buf)
{
	return buf->over;
}

const char *buf_text(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

char *buf_steal(struct buf *buf)
{
	char *text = buf->data ? buf->data : xstrdup("");

	*buf = (struct buf){.max = buf->max};
	return text;
}
