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

/* In one piece and byte by byte it is the same, here and below. */
static void echo(const char *text, size_t size)
{
	static const char expected[] = "echo \"01234\"\"56789\" $? $?";
	struct console_echo whole = {expected, sizeof(expected) - 1, 0}, pieces = whole;
	_cleanup_(buf_free) struct buf pending = {0};
	size_t i;

	if (console_echo_feed(&whole, text, size) > size || whole.matched > whole.size)
		abort();
	for (i = 0; i < size; i++) {
		buf_add_char(&pending, text[i]);
		buf_drop(&pending, console_echo_feed(&pieces, pending.data, pending.size));
	}
	if (pieces.matched != whole.matched)
		abort();
}

static void clean(const char *text, size_t size)
{
	_cleanup_(buf_free) struct buf whole = {0}, pieces = {0}, pending = {0};
	size_t i;

	if (console_clean(text, size, &whole) > size || whole.size > size)
		abort();
	if (whole.size && memchr(whole.data, '\0', whole.size))
		abort();
	for (i = 0; i < size; i++) {
		buf_add_char(&pending, text[i]);
		buf_drop(&pending, console_clean(pending.data, pending.size, &pieces));
	}
	if (pieces.size != whole.size || memcmp(buf_text(&pieces), buf_text(&whole), whole.size))
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
