// SPDX-License-Identifier: MIT
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct kind {
	const char *name;
	int exit_status;
	bool may_pass;
	const char *help;
};

static const struct kind kinds[ERR_KIND_COUNT] = {
	[ERR_NONE] = {"none", 0, false, "done, and proven"},
	[ERR_INTERNAL] = {"internal", 1, false, "a defect of aboard itself"},
	[ERR_USAGE] = {"usage", 2, false, "the command line is wrong"},
	[ERR_CONFIG] = {"config", 3, false, "a board file or manifest is wrong"},
	[ERR_NOT_FOUND] = {"not-found", 4, false, "a board, file, target or job does not exist"},
	[ERR_HOST] = {"host", 5, false, "this machine cannot do it (permission, port, disk space)"},
	[ERR_IMAGE] = {"image", 6, false, "the image is damaged, truncated or of an unknown kind"},
	[ERR_DIGEST] = {"digest", 7, false, "an input does not have the digest it should have"},
	[ERR_NETWORK] = {"network", 8, true, "a server did not answer, or not as agreed"},
	[ERR_AUTH] = {"auth", 9, false, "a server wants other credentials"},
	[ERR_POWER] = {"power", 10, true, "power could not be switched"},
	[ERR_CONSOLE] = {"console", 11, true, "the console was lost or stays silent"},
	[ERR_BOARD] = {"board", 12, true, "the board refused or answered something unexpected"},
	[ERR_TARGET] = {"target", 13, false, "the target is missing, ambiguous or too small"},
	[ERR_VERIFY] = {"verify", 14, true, "what was read back is not what was written"},
	[ERR_TIMEOUT] = {"timeout", 15, true, "a deadline has passed"},
	[ERR_REFUSED] = {"refused", 16, false, "not confirmed, or not the approved plan"},
	[ERR_BUSY] = {"busy", 17, false, "another job holds the board"},
	[ERR_USB] = {"usb", 18, true, "the USB device was lost"},
	[ERR_CANCELLED] = {"cancelled", 130, false, "cancelled by the user or a signal"},
};

static void fill(char *to, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static void fill(char *to, size_t size, const char *format, va_list args)
{
	int length = vsnprintf(to, size, format, args);

	if (length >= (int)size)
		memcpy(to + size - 4, "...", 4);
}

int err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	va_list args;

	if (!err)
		return -(int)kind;
	err->kind = kind;
	err->remedy[0] = '\0';
	va_start(args, format);
	fill(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -(int)kind;
}

int err_errno(struct err *err, enum err_kind kind, const char *format, ...)
{
	const char *reason = strerror(errno);
	size_t used;
	va_list args;

	if (!err)
		return -(int)kind;
	err->kind = kind;
	err->remedy[0] = '\0';
	va_start(args, format);
	fill(err->text, sizeof(err->text), format, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", reason);
	return -(int)kind;
}

int err_prefix(struct err *err, const char *format, ...)
{
	char prefix[256];
	size_t length, kept;
	va_list args;

	if (!err)
		return -(int)ERR_INTERNAL;
	va_start(args, format);
	fill(prefix, sizeof(prefix) - 2, format, args);
	va_end(args);
	length = strlen(prefix);
	memcpy(prefix + length, ": ", 3);
	length += 2;
	kept = strlen(err->text);
	if (kept > sizeof(err->text) - 1 - length)
		kept = sizeof(err->text) - 1 - length;
	memmove(err->text + length, err->text, kept);
	memcpy(err->text, prefix, length);
	err->text[length + kept] = '\0';
	return -(int)err->kind;
}

int err_remedy(struct err *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return -(int)ERR_INTERNAL;
	va_start(args, format);
	fill(err->remedy, sizeof(err->remedy), format, args);
	va_end(args);
	return -(int)err->kind;
}

void err_clear(struct err *err)
{
	*err = (struct err){0};
}

static const struct kind *kind_row(enum err_kind kind)
{
	return &kinds[kind < ERR_KIND_COUNT ? kind : ERR_INTERNAL];
}

const char *err_kind_name(enum err_kind kind)
{
	return kind_row(kind)->name;
}

int err_exit_status(enum err_kind kind)
{
	return kind_row(kind)->exit_status;
}

const char *err_kind_help(enum err_kind kind)
{
	return kind_row(kind)->help;
}

bool err_may_pass(enum err_kind kind)
{
	return kind_row(kind)->may_pass;
}
