// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/console_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MARKER "0123456789"

static void frame(const char *text, size_t size)
{
	_cleanup_(buf_free) struct buf output = {0}, again = {0}, pending = {0};
	struct console_framing framing = {.marker = MARKER, .output = &again};
	bool done;
	size_t i;
	int status;

	done = console_frame(text, size, MARKER, &output, &status);
	for (i = 0; i < size && framing.state < FRAME_DONE; i++) {
		buf_add_char(&pending, text[i]);
		buf_drop(&pending, console_framing_feed(&framing, pending.data, pending.size));
	}
	if (done != (framing.state == FRAME_DONE) || output.size > size)
		abort();
	if (done && (status != framing.status || status < 0 || output.size != again.size ||
		     memcmp(buf_text(&output), buf_text(&again), again.size) != 0))
		abort();
}

static void echo(const char *text, size_t size)
{
	static const char expected[] = "echo \"01234\"\"56789\" $? $?";
	struct console_echo echo = {expected, sizeof(expected) - 1, 0};

	if (console_echo_feed(&echo, text, size) > size || echo.matched > echo.size)
		abort();
}

static void clean(const char *text, size_t size)
{
	_cleanup_(buf_free) struct buf clean = {0};

	if (console_clean(text, size, &clean) > size || clean.size > size)
		abort();
	if (clean.size && memchr(clean.data, '\0', clean.size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	frame(text, size);
	echo(text, size);
	clean(text, size);
	return 0;
}
