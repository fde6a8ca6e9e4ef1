// SPDX-License-Identifier: MIT
/* The console on busybox ash, whose line editor redraws, asks for the cursor, and wraps. */
#include "rig/console_rig.h"

static const struct command_row commands[] = {
	{"true", 0, ""},
	{"(exit 42)", 42, ""},
	{"echo hi # and a comment", 0, "hi\n"},
	{"sleep 0 &", 0, NULL},
	{"if", 2, NULL},
	{"echo \"open", 2, NULL},
	{"echo 'quo\"ted' \"it's\"", 0, "quo\"ted it's\n"},
	{"echo "
	 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	 0,
	 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	 "\n"},
	{"printf 'no line end'; (exit 3)", 3, "no line end"},
};

#define QUOTES_20  "''''''''''''''''''''"
#define QUOTES_100 QUOTES_20 QUOTES_20 QUOTES_20 QUOTES_20 QUOTES_20
#define QUOTES     QUOTES_100 QUOTES_100 QUOTES_100 QUOTES_100

static void run_all(const char *address)
{
	_cleanup_(console_freep) struct console *console = console_on(open_stream(address), NULL);
	_cleanup_(freep) char *word = xmalloc(3001), *command = NULL, *output = NULL;
	struct err err;
	size_t i;

	log_in(console);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		must_run(console, SHELL_POSIX, &commands[i]);
	/* What somebody began to type is taken back. */
	assert_int_equal(console_send(console, "exit 1 #", 8, WAIT, &err), 0);
	log_in(console);
	must_run(console, SHELL_POSIX, &commands[1]);
	/* Longer than the editor's 1024 bytes. */
	for (i = 0; i < 3000; i++)
		word[i] = (char)('!' + i % 94);
	for (i = 0; i < 3000; i++)
		if (strchr("\"\\$`", word[i]))
			word[i] = '\'';
	word[3000] = '\0';
	command = xasprintf("echo \"%s\"; (exit 9)", word);
	output = xasprintf("%s\n", word);
	must_run(console, SHELL_POSIX, &(struct command_row){command, 9, output});
	/* Short, until its quotes are quoted. */
	must_run(console, SHELL_POSIX, &(struct command_row){"echo " QUOTES, 0, "\n"});
}

static void wide(void **state)
{
	(void)state;
	run_all(ON_A_TERMINAL("stty cols 200; exec busybox ash -i"));
}

static void usual(void **state)
{
	(void)state;
	run_all(ON_A_TERMINAL("busybox ash -i"));
}

static void narrow(void **state)
{
	(void)state;
	run_all(ON_A_TERMINAL("stty cols 20; exec busybox ash -i"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wide),
		cmocka_unit_test(usual),
		cmocka_unit_test(narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
