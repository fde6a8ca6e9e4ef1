// SPDX-License-Identifier: MIT
/* The console on a real U-Boot in an emulated board. */
#include "rig/console_rig.h"

#define BOARD                                                                           \
	"exec:qemu-system-aarch64 -M virt -cpu cortex-a57 -m 256 -nographic -nic none " \
	"-bios /usr/lib/u-boot/qemu_arm64/u-boot.bin"

#define A200                                                 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct command_row commands[] = {
	{"printenv arch", 0, "arch=arm\n"},
	{"printenv nosuch", 1, "## Error: \"nosuch\" not defined\n"},
	/* The prompt is part of the output. */
	{"crc32 40200000 100", 0, "crc32 for 40200000 ... 402000ff ==> 0d968558\n"},
	{"echo '=> '", 0, "=> \n"},
	{"nosuch", 1, NULL},
	{"true; false", 1, ""},
	{"false; echo goes on", 0, "goes on\n"},
	{"true && false || echo or", 0, "or\n"},
	{"echo hi; # and a comment", 0, "hi\n"},
	{"", 0, ""},
	{"setenv v '" A200 "'", 0, ""},
	{"echo ${v}${v}", 0, A200 A200 "\n"},
	{"setenv v 'echo \"one two\"; false'", 0, ""},
	{"run v", 1, "one two\n"},
	{"if true; then echo yes; else echo no; fi", 0, "yes\n"},
	{"setenv n 1; setenv n", 0, ""},
};

struct board {
	struct console *console;
	struct buf said;
};

static int board_setup(void **state)
{
	struct board *board = xcalloc(1, sizeof(*board));

	board->console = console_on(open_stream(BOARD), &board->said);
	stop_countdown(board->console);
	*state = board;
	return 0;
}

static int board_teardown(void **state)
{
	struct board *board = *state;

	console_free(board->console);
	buf_free(&board->said);
	free(board);
	return 0;
}

static void runs(void **state)
{
	struct board *board = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		must_run(board->console, SHELL_UBOOT, &commands[i]);
	/* The countdown was stopped, nothing was booted. */
	assert_null(strstr(buf_text(&board->said), "BOOTP"));
}

/* A prompt that is there already is found, and whatever was typed behind it is taken back. */
static void prompt_is_there(void **state)
{
	struct board *board = *state;
	struct err err;

	stop_countdown(board->console);
	assert_int_equal(console_send(board->console, "setenv x bad\x1b", 13, WAIT, &err), 0);
	stop_countdown(board->console);
	must_run(board->console, SHELL_UBOOT,
		 &(struct command_row){"test -z \"${x}\" && echo unset", 0, "unset\n"});
}

/* The keys themselves may spoil the line on which the prompt stands. */
static void any_keys(void **state)
{
	static const char *const stop[] = {"stop", "\x1b", NULL};
	static const struct console_interrupt how = {"^=> ?$", stop, 20};
	struct board *board = *state;
	struct err err;

	assert_int_equal(console_start(board->console, SHELL_UBOOT, "reset", WAIT, &err), 0);
	if (console_interrupt(board->console, &how, WAIT, &err) < 0)
		fail_msg("%s", err.text);
	must_run(board->console, SHELL_UBOOT, &commands[0]);
}

/* A line that the shell does not run is given up, and the next one is fine. */
static void syntax_error(void **state)
{
	struct board *board = *state;
	struct err err;
	int status;

	assert_int_equal(console_run(board->console, SHELL_UBOOT, "if", NULL, &status, WAIT, &err),
			 -ERR_BOARD);
	assert_non_null(strstr(err.text, "does not run the line"));
	must_run(board->console, SHELL_UBOOT, &commands[0]);
}

static void line_too_long(void **state)
{
	struct board *board = *state;
	_cleanup_(freep) char *command = xmalloc(1501);
	struct err err;
	int status;

	memset(command, 'a', 1500);
	memcpy(command, "echo ", 5);
	command[1500] = '\0';
	assert_int_equal(
		console_run(board->console, SHELL_UBOOT, command, NULL, &status, WAIT, &err),
		-ERR_BOARD);
	assert_non_null(strstr(err.text, "too long"));
	must_run(board->console, SHELL_UBOOT, &commands[0]);
}

/* What is typed with pauses, or one byte at a time, is the same line. */
static void slow_typing(void **state)
{
	struct board *board = *state;
	struct console_settings slow = {.chunk = 1, .char_delay_us = 500};
	_cleanup_(console_freep) struct console *console =
		console_new(borrow(console_stream(board->console)), &slow);

	must_run(console, SHELL_UBOOT, &commands[0]);
}

/* The time is over while a command runs: the error says so, and the board can be had again. */
static void command_too_slow(void **state)
{
	struct board *board = *state;
	struct err err;
	int status;

	assert_int_equal(console_run(board->console, SHELL_UBOOT, "sleep 1000", NULL, &status,
				     deadline_in(DEADLINE_NEVER, 1000), &err),
			 -ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "sleep 1000"));
	stop_countdown(board->console);
	must_run(board->console, SHELL_UBOOT, &commands[0]);
}

/* What passes for this command, in both directions together: 80 bytes are typed and echoed in
   pieces of 32, then Enter, then what the board says. */
static const struct command_row victim = {"setenv w victim; printenv w; false", 1, "w=victim\n"};

#define TYPED(byte) (64 * ((byte) / 32) + (byte) % 32)
#define ENTER       (2 * 80)

static const uint64_t typed[] = {
	TYPED(0),  /* first byte */
	TYPED(9),  /* in the middle of the first marker */
	TYPED(30), /* in the command */
	TYPED(60), /* in the second marker */
	TYPED(79), /* last byte */
	ENTER,
};

static const uint64_t said[] = {
	40,         /* in the echo */
	ENTER + 1,  /* nothing of the answer yet */
	ENTER + 8,  /* in the first marker */
	ENTER + 14, /* behind it, in the line end */
	ENTER + 19, /* in the output */
	ENTER + 25, /* before the second marker */
	ENTER + 30, /* in it */
	ENTER + 36, /* in the first code */
	ENTER + 39, /* behind the second */
};

/* Runs the victim over a stream with a fault, then takes the board back, with nothing left to
   read. */
static int run_with(struct board *board, enum stream_fault_kind kind, uint64_t after, int64_t ms)
{
	struct stream_fault fault = {.kind = kind, .after = after};
	_cleanup_(console_freep) struct console *console =
		console_on(stream_fault(borrow(console_stream(board->console)), fault), NULL);
	static const char *const prompt[] = {"^=> $"};
	struct err err;
	size_t which;
	int rc = run_or_fail(console, SHELL_UBOOT, &victim, deadline_in(DEADLINE_NEVER, ms));

	stop_countdown(board->console);
	assert_int_equal(console_expect(board->console, prompt, 1, &which, NULL, WAIT, &err), 0);
	return rc;
}

static int nothing_left_setup(void **state)
{
	assert_int_equal(run_with(*state, FAULT_SHORT, UINT64_MAX, 20000), 0);
	return 0;
}

static void fault_cut(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(typed); i++)
		assert_int_equal(run_with(*state, FAULT_CUT, typed[i], 20000), -ERR_CONSOLE);
	for (i = 0; i < ARRAY_SIZE(said); i++)
		assert_int_equal(run_with(*state, FAULT_CUT, said[i], 20000), -ERR_CONSOLE);
}

static void fault_stall(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(said); i++)
		assert_int_equal(run_with(*state, FAULT_STALL, said[i], 300), -ERR_TIMEOUT);
}

static void fault_short(void **state)
{
	assert_int_equal(run_with(*state, FAULT_SHORT, 0, 20000), 0);
	assert_int_equal(run_with(*state, FAULT_SHORT, ENTER, 20000), 0);
}

/* A lost byte is typed again, wherever it was. Its loss is noticed after two seconds. */
static void fault_drop(void **state)
{
	int64_t start;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(typed); i++) {
		start = clock_ms();
		assert_int_equal(run_with(*state, FAULT_DROP, typed[i], 20000), 0);
		assert_true(clock_ms() - start > 1900);
	}
}

/* Random bytes may hide a marker, or stand in the output, where nobody can tell; the code is right,
   or it is an error. */
static void fault_garbage(void **state)
{
	const struct command_row status_only = {victim.command, victim.status, NULL};
	struct board *board = *state;
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(said); i++) {
		struct stream_fault fault = {FAULT_GARBAGE, said[i]};
		_cleanup_(console_freep) struct console *console = console_on(
			stream_fault(borrow(console_stream(board->console)), fault), NULL);

		rc = run_or_fail(console, SHELL_UBOOT, &status_only,
				 deadline_in(DEADLINE_NEVER, 1500));
		assert_true(rc == 0 || rc == -ERR_TIMEOUT || rc == -ERR_CONSOLE);
		if (said[i] < ENTER + 8)
			assert_int_equal(rc, 0);
		stop_countdown(board->console);
	}
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(runs),
		TEST(prompt_is_there),
		TEST(any_keys),
		TEST(syntax_error),
		TEST(line_too_long),
		TEST(slow_typing),
		TEST(command_too_slow),
		cmocka_unit_test_setup(fault_cut, nothing_left_setup),
		cmocka_unit_test_setup(fault_stall, nothing_left_setup),
		cmocka_unit_test_setup(fault_short, nothing_left_setup),
		cmocka_unit_test_setup(fault_drop, nothing_left_setup),
		TEST(fault_garbage),
	};

	return cmocka_run_group_tests(tests, board_setup, board_teardown);
}
