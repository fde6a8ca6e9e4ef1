// SPDX-License-Identifier: MIT
/* The pure part of the console: clean text, echo, frames, lines to type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/console_text.h"

#define KERNEL "[   12.345678] usb 1-1: new device\r\n"

static void clean_text(void **state)
{
	static const struct {
		const char *raw, *clean;
		size_t left; /* bytes that wait for more */
	} rows[] = {
		{"a\r\nb", "a\nb", 0},
		{"a\r\r\nb", "a\nb", 0},
		{"10%\r20%\r", "10%\n20%", 1},
		{"stop autoboot:  2 \b\b\b 0 \r\n=> ", "stop autoboot:  0 \n=> ", 0},
		{"\b\bx", "x", 0},
		{"a\n\bx", "a\nx", 0},
		{"/ # \x1b[6n", "/ # ", 0},
		{"\x1b[01;34mdir\x1b[0m", "dir", 0},
		{"a\x1b[1", "a", 3},
		{"a\x1b", "a", 1},
		{"\x1b]0;title\ax", "x", 0},
		{"\x1b]0;title\x1b\\x", "x", 0},
		{"\x1b(Bx", "x", 0},
		{"\x1b[1\nx", "\nx", 0},
		{"\x1b[11111111111111111111111111111111111x",
		 "[11111111111111111111111111111111111x", 0},
		{"ring\aring", "ringring", 0},
	};
	size_t i, used;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_free) struct buf clean = {0};

		used = console_clean(rows[i].raw, strlen(rows[i].raw), &clean);
		assert_string_equal(buf_text(&clean), rows[i].clean);
		assert_int_equal(strlen(rows[i].raw) - used, rows[i].left);
	}
}

static void clean_nul(void **state)
{
	_cleanup_(buf_free) struct buf clean = {0};

	(void)state;
	assert_int_equal(console_clean("a\0b", 3, &clean), 3);
	assert_string_equal(buf_text(&clean), "ab");
}

static void kernel_messages(void **state)
{
	static const struct {
		const char *text;
		size_t length;
	} rows[] = {
		{KERNEL "x", sizeof(KERNEL) - 1},
		{"[12345.678901] x\n", 17},
		{"[    0.000000", CONSOLE_MORE},
		{"[    0.000000] no end", CONSOLE_MORE},
		{"[", CONSOLE_MORE},
		{"[ -e x ]\n", 0},
		{"[  OK  ] Started\n", 0},
		{"[1.5] x\n", 0},
		{"x", 0},
		{"", 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(console_kernel_message(rows[i].text, strlen(rows[i].text)),
				 rows[i].length);
}

static void echoes(void **state)
{
	static const struct {
		const char *expected, *came;
		bool complete;
	} rows[] = {
		{"echo hi", "echo hi", true},
		{"echo hi", "echo h", false},
		{"echo hi", "\r\n=> echo \r\r\nhi", true},               /* wrapped with CR LF */
		{"echo hi", "echo  \rhi", true},                         /* and with blank CR */
		{"echo hi", "e\be\x1b[Jcho \x1b[6nhi", true},            /* redrawn */
		{"echo hi", "ec" KERNEL "ho " KERNEL KERNEL "hi", true}, /* kernel in between */
		{"echo us", "echo " KERNEL, false},                      /* it does not count */
		{"echo [x]", "echo [x]", true},
		{"echo hi", "cho hi", false},
		{"echo hi", "eho hi", false},
		{"echo hi", "ehco hi", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct console_echo echo = {rows[i].expected, strlen(rows[i].expected), 0};

		console_echo_feed(&echo, rows[i].came, strlen(rows[i].came));
		assert_int_equal(echo.matched == echo.size, rows[i].complete);
	}
}

#define MARK "0123456789"

struct frame_row {
	const char *came;
	bool done;
	int status;
	const char *output;
};

static const struct frame_row frames[] = {
	{"echo \"01234\"\"56789\";x\r\n" MARK "\r\nout\r\n" MARK " 0 0\r\n=> ", true, 0, "out\n"},
	{MARK "\r\n" MARK " 127 127\r\n", true, 127, ""},
	{MARK "\r\nno line end" MARK " 1 1\r\n", true, 1, "no line end"},
	/* prompts, wrong markers and codes inside the output */
	{MARK "\r\n=> \r\ncrc32 ==> 0\r\n012345678 0 0\r\n" MARK " 2 2\r\n", true, 2,
	 "=> \ncrc32 ==> 0\n012345678 0 0\n"},
	/* half a marker before a whole one */
	{MARK "\r\n012340123401234" MARK " 3 3\r\n", true, 3, "012340123401234"},
	{MARK "\nlf only\n" MARK " 0 0\n", true, 0, "lf only\n"},
	{MARK "\r\r\na\r\r\nb\rc\r\n" MARK " 0 0\r\n", true, 0, "a\nb\rc\n"},
	/* the kernel on the marker's line, inside the marker, around and inside the code */
	{KERNEL MARK "\r\nx\r\n" KERNEL MARK " 4 4\r\n", true, 4,
	 "x\n[   12.345678] usb 1-1: new device\n"},
	{"01234" KERNEL "56789\r\nx\r\n0123456" KERNEL KERNEL "789 5 5\r\n", true, 5, "x\n"},
	{MARK KERNEL "\r\nx\r\n" MARK KERNEL " " KERNEL "1" KERNEL "2 1" KERNEL "2\r\n", true, 12,
	 "x\n"},
	{MARK "\r\nx\r\n" MARK " 7 7[   12.345678] usb\r\n\r\n", true, 7, "x\n"},
	{MARK "\r\nx\r\n" MARK " 7 7usb: no time stamp\r\n", true, 7, "x\n"},
	/* not complete */
	{"", false, 0, NULL},
	{MARK, false, 0, NULL},
	{MARK "\r\nout", false, 0, NULL},
	{MARK "\r\nout\r\n" MARK, false, 0, NULL},
	{MARK "\r\nout\r\n" MARK " ", false, 0, NULL},
	{MARK "\r\nout\r\n" MARK " 12", false, 0, NULL},
	{MARK "\r\nout\r\n" MARK " 12 12", false, 0, NULL},
	{"echo \"01234\"\"56789\" $? $?\r\n", false, 0, NULL},
	/* something was lost, or came in between */
	{"garbage\r\n" MARK " 0 0\r\n", false, 0, NULL},
	{MARK "\r\nout\r\n" MARK " 0 10\r\n", false, 0, NULL},
	{MARK "\r\nout\r\n" MARK " 1\r\n", false, 0, NULL},
	{MARK "\r\nout\r\n" MARK " 11\r\n", false, 0, NULL},
};

static void whole_frames(void **state)
{
	size_t i;
	int status;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(frames); i++) {
		_cleanup_(buf_free) struct buf output = {0};
		const char *came = frames[i].came;

		assert_int_equal(console_frame(came, strlen(came), MARK, &output, &status),
				 frames[i].done);
		if (!frames[i].done)
			continue;
		assert_int_equal(status, frames[i].status);
		assert_string_equal(buf_text(&output), frames[i].output);
	}
}

/* In pieces of `size` bytes it is the same, and what follows the code is left. */
static void feed_in_pieces(const struct frame_row *row, size_t size)
{
	_cleanup_(buf_free) struct buf output = {0}, pending = {0};
	struct console_framing framing = {.marker = MARK, .output = &output};
	size_t length = strlen(row->came), at, piece;

	for (at = 0; at < length && framing.state < FRAME_DONE; at += piece) {
		piece = length - at < size ? length - at : size;
		buf_add(&pending, row->came + at, piece);
		buf_drop(&pending, console_framing_feed(&framing, pending.data, pending.size));
	}
	assert_int_equal(framing.state == FRAME_DONE, row->done);
	if (!row->done)
		return;
	assert_int_equal(framing.status, row->status);
	assert_string_equal(buf_text(&output), row->output);
	assert_false(strchr("0123456789", *buf_text(&pending)) && pending.size);
}

static void frames_in_pieces(void **state)
{
	size_t i, size;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(frames); i++)
		for (size = 1; size < 20; size++)
			feed_in_pieces(&frames[i], size);
}

static void lost_frames(void **state)
{
	static const char *const rows[] = {
		"garbage\r\n" MARK " 3 3\r\n",
		MARK "\r\nout\r\n" MARK " 3 13\r\n",
		MARK "\r\nout\r\n" MARK " 3\r\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct console_framing framing = {.marker = MARK};

		console_framing_feed(&framing, rows[i], strlen(rows[i]));
		assert_int_equal(framing.state, FRAME_LOST);
	}
}

#define UBOOT(command) "echo \"01234\"\"56789\";" command ";echo \"01234\"\"56789\" $? $?"
#define POSIX(command) UBOOT("command eval '" command "'")

static void lines(void **state)
{
	static const struct {
		enum console_shell shell;
		const char *command, *line;
		enum err_kind kind;
	} rows[] = {
		{SHELL_UBOOT, "dhcp", UBOOT("dhcp"), 0},
		{SHELL_UBOOT, "a; b && c", UBOOT("a; b && c"), 0},
		{SHELL_UBOOT, "a ; ", UBOOT("a"), 0},
		{SHELL_UBOOT, "a # b; c", UBOOT("a"), 0},
		{SHELL_UBOOT, "a#b", UBOOT("a#b"), 0},
		{SHELL_UBOOT, "setenv a 'b # c;'", UBOOT("setenv a 'b # c;'"), 0},
		{SHELL_UBOOT, "setenv a \"b\\\" # c\"", UBOOT("setenv a \"b\\\" # c\""), 0},
		{SHELL_UBOOT, "setenv a b\\;", UBOOT("setenv a b\\;"), 0},
		{SHELL_UBOOT, "", UBOOT("true"), 0},
		{SHELL_UBOOT, "# nothing", UBOOT("true"), 0},
		{SHELL_UBOOT, "setenv a 'b", NULL, ERR_CONFIG},
		{SHELL_UBOOT, "setenv a \"b\\\"", NULL, ERR_CONFIG},
		{SHELL_UBOOT, "a\tb", NULL, ERR_INTERNAL},
		{SHELL_POSIX, "a\nb", NULL, ERR_INTERNAL},
		{SHELL_POSIX, "a & # b", POSIX("a & # b"), 0},
		{SHELL_POSIX, "echo 'x'", POSIX("echo '\\''x'\\''"), 0},
		{SHELL_POSIX, "echo 'x", POSIX("echo '\\''x"), 0},
	};
	struct err err;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *line = NULL;

		rc = console_frame_line(&line, rows[i].shell, rows[i].command, MARK, true, &err);
		assert_int_equal(rc, -(int)rows[i].kind);
		if (rc == 0)
			assert_string_equal(line, rows[i].line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean_text),      cmocka_unit_test(clean_nul),
		cmocka_unit_test(kernel_messages), cmocka_unit_test(echoes),
		cmocka_unit_test(whole_frames),    cmocka_unit_test(frames_in_pieces),
		cmocka_unit_test(lost_frames),     cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
