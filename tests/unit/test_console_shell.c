// SPDX-License-Identifier: MIT
/* The console on a real shell. */
#include "rig/console_rig.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHELL ON_A_TERMINAL("sh -i")

static const struct command_row commands[] = {
	{"true", 0, ""},
	{"false", 1, ""},
	{"(exit 42)", 42, ""},
	{"echo one; echo two", 0, "one\ntwo\n"},
	{"true && false || (exit 3)", 3, ""},
	{"echo hi # and a comment", 0, "hi\n"},
	{"# only a comment", 0, ""},
	{"", 0, ""},
	{"sleep 0 &", 0, NULL},
	{"printf 'no line end'", 0, "no line end"},
	{"printf 'a\\r\\nb\\tc\\033[1m\\n'", 0, "a\nb\tc\033[1m\n"},
	{"echo \"it's\" 'quo\"ted' \\$HOME", 0, "it's quo\"ted $HOME\n"},
	{"if", 2, NULL},
	{"echo \"open", 2, NULL},
	{"nosuchprogram", 127, NULL},
	{"cd /; _x=kept", 0, ""},
	{"pwd; echo $_x", 0, "/\nkept\n"},
	{"printf '=> \\n# \\n$ '", 0, "=> \n# \n$ "},
	{"set -- $(seq 1 3); echo $#", 0, "3\n"},
};

static void runs(void **state)
{
	_cleanup_(console_freep) struct console *console = console_on(open_stream(SHELL), NULL);
	size_t i;

	(void)state;
	log_in(console);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		must_run(console, SHELL_POSIX, &commands[i]);
}

/* As long as promised, and full of what must be quoted. */
static void long_lines(void **state)
{
	_cleanup_(console_freep) struct console *console = console_on(open_stream(SHELL), NULL);
	static const size_t sizes[] = {200, 699, 701, 1500, 3900};
	struct err err;
	int status;
	size_t i;

	(void)state;
	log_in(console);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_(freep) char *word = xmalloc(sizes[i] + 1);
		_cleanup_(freep) char *command = NULL, *output = NULL;

		memset(word, 'w', sizes[i]);
		memset(word + sizes[i] / 2, '\'', 10);
		word[sizes[i]] = '\0';
		command = xasprintf("echo \"%s\"; (exit 9)", word);
		output = xasprintf("%s\n", word);
		must_run(console, SHELL_POSIX, &(struct command_row){command, 9, output});
	}
	{
		_cleanup_(freep) char *command = xmalloc(4002);

		memset(command, ' ', 4001);
		command[4001] = '\0';
		assert_int_equal(
			console_run(console, SHELL_POSIX, command, NULL, &status, WAIT, &err),
			-ERR_INTERNAL);
	}
}

/* The kernel's messages come between any two bytes. */
static void noise(void **state)
{
	_cleanup_(console_freep) struct console *console = console_on(open_stream(SHELL), NULL);
	static const struct command_row begin = {"(while printf '[   12.345678] usb 1-1: "
						 "noise\\r\\n'; do sleep 0.002; done) >/dev/tty &",
						 0, NULL};
	struct err err;
	int status, i;

	(void)state;
	log_in(console);
	must_run(console, SHELL_POSIX, &begin);
	for (i = 0; i < 20; i++) {
		_cleanup_(buf_free) struct buf output = {0};

		if (console_run(console, SHELL_POSIX, "echo answer; (exit 7)", &output, &status,
				WAIT, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(status, 7);
		assert_non_null(strstr(buf_text(&output), "answer"));
	}
	must_run(console, SHELL_POSIX, &(struct command_row){"kill $!", 0, NULL});
}

static void large_output(void **state)
{
	_cleanup_(console_freep) struct console *console = console_on(open_stream(SHELL), NULL);
	_cleanup_(buf_free) struct buf output = {.max = (size_t)8 << 20}, small = {.max = 100};
	struct err err;
	int status;

	(void)state;
	log_in(console);
	assert_int_equal(
		console_run(console, SHELL_POSIX, "seq 1 400000", &output, &status, WAIT, &err), 0);
	assert_int_equal(output.size, 2688895);
	assert_memory_equal(output.data + output.size - 14, "399999\n400000\n", 14);
	assert_int_equal(console_run(console, SHELL_POSIX, "seq 1 1000; (exit 5)", &small, &status,
				     WAIT, &err),
			 0);
	assert_int_equal(status, 5);
	assert_true(buf_over(&small));
}

static void expects(void **state)
{
	_cleanup_(console_freep) struct console *console = console_on(open_stream(SHELL), NULL);
	_cleanup_(buf_free) struct buf before = {0};
	static const char *const two[] = {"^second$", "^fir"};
	static const char *const rest[] = {"^st", "st$"};
	static const char *const wrong[] = {"("};
	static const char *const never[] = {"never", "comes"};
	struct err err;
	size_t which;

	(void)state;
	log_in(console);
	assert_int_equal(console_start(console, SHELL_POSIX,
				       "printf 'zero\\r\\nfirst\\r\\nsecond\\r\\n50%%\\r100%%\\r'",
				       WAIT, &err),
			 0);
	assert_int_equal(console_expect(console, two, 2, &which, &before, WAIT, &err), 0);
	assert_int_equal(which, 1);
	assert_string_equal(buf_text(&before), "zero\n");
	/* The rest of a line does not begin where a line does. */
	assert_int_equal(console_expect(console, rest, 2, &which, NULL, WAIT, &err), 0);
	assert_int_equal(which, 1);
	assert_int_equal(console_expect(console, two, 1, &which, NULL, WAIT, &err), 0);
	assert_int_equal(console_expect(console, (const char *const[]){"^100%$"}, 1, &which, NULL,
					WAIT, &err),
			 0);
	assert_int_equal(console_expect(console, wrong, 1, &which, NULL, WAIT, &err), -ERR_CONFIG);
	assert_int_equal(console_expect(console, (const char *const[]){"[#$] $"}, 1, &which, NULL,
					WAIT, &err),
			 0);
	assert_int_equal(console_send(console, "echo last words\r", 16, WAIT, &err), 0);
	assert_int_equal(console_expect(console, never, 2, &which, NULL,
					deadline_in(DEADLINE_NEVER, 300), &err),
			 -ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "/never/ or /comes/; the last line that came is"));
	/* What a failed wait has seen is still there for the next. */
	assert_int_equal(console_expect(console, (const char *const[]){"^last words$"}, 1, &which,
					NULL, WAIT, &err),
			 0);
	assert_non_null(strstr(console_tail(console), "last words"));
}

static void closed(void **state)
{
	_cleanup_(console_freep) struct console *console =
		console_on(open_stream("exec:echo bye"), NULL);
	static const char *const never[] = {"never"};
	struct err err;
	size_t which;

	(void)state;
	assert_int_equal(console_expect(console, never, 1, &which, NULL, WAIT, &err), -ERR_CONSOLE);
}

static void silence(void **state)
{
	_cleanup_(console_freep) struct console *console =
		console_on(open_stream("exec:sleep 1000"), NULL);
	static const struct console_interrupt how = {"^=> ?$", NULL, 10};
	static const char *const never[] = {"never"};
	struct deadline soon = deadline_in(DEADLINE_NEVER, 200);
	struct err err;
	size_t which;

	(void)state;
	assert_int_equal(console_expect(console, never, 1, &which, NULL, soon, &err), -ERR_TIMEOUT);
	assert_non_null(strstr(err.remedy, "baud"));
	soon = deadline_in(DEADLINE_NEVER, 200);
	assert_int_equal(console_interrupt(console, &how, soon, &err), -ERR_CONSOLE);
	assert_non_null(strstr(err.remedy, "baud"));
}

/* What somebody began to type is taken back. */
static void half_typed(void **state)
{
	_cleanup_(console_freep) struct console *console = console_on(open_stream(SHELL), NULL);
	struct err err;

	(void)state;
	log_in(console);
	assert_int_equal(console_send(console, "exit 1 #", 8, WAIT, &err), 0);
	log_in(console);
	must_run(console, SHELL_POSIX, &commands[2]);
}

/* Echoes, and prints a prompt after every line, Ctrl-C and Ctrl-U, but runs nothing. */
static void talk(int fd)
{
	static const char prompt[] = "\r\n=> ";
	char byte;

	while (read(fd, &byte, 1) == 1) {
		bool ends = byte == '\r' || byte == '\x03' || byte == '\x15';

		if (write(fd, ends ? prompt : &byte, ends ? sizeof(prompt) - 1 : 1) < 0)
			break;
	}
}

/* In a process of its own, which ends when the console does. */
static pid_t start_talker(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	memcpy(name.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0)
		talk(fd);
	_exit(0);
}

/* A prompt is not yet a shell. */
static void false_prompt(void **state)
{
	static const struct console_interrupt how = {"^=> ?$", NULL, 50};
	_cleanup_(freep) char *path = path_join(*state, "talker");
	_cleanup_(freep) char *address = xasprintf("unix:%s?listen", path);
	_cleanup_(buf_free) struct buf said = {0};
	_cleanup_(console_freep) struct console *console = console_on(open_stream(address), &said);
	struct console_login login = {.prompt = "> *$"};
	struct err err;
	pid_t pid = start_talker(path);

	assert_int_equal(console_interrupt(console, &how, deadline_in(DEADLINE_NEVER, 2500), &err),
			 -ERR_TIMEOUT);
	assert_non_null(strstr(buf_text(&said), "$? $?"));
	assert_int_equal(console_login(console, &login, deadline_in(DEADLINE_NEVER, 2500), &err),
			 -ERR_TIMEOUT);
	assert_non_null(strstr(buf_text(&said), "command eval"));
	console_free(steal(console));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void cancelled(void **state)
{
	_cleanup_(console_freep) struct console *console = console_on(open_stream(SHELL), NULL);
	struct err err;
	int cancel[2], status;

	(void)state;
	log_in(console);
	assert_int_equal(pipe(cancel), 0);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	assert_int_equal(console_run(console, SHELL_POSIX, "sleep 1000", NULL, &status,
				     deadline_of_cancel(cancel[0], 20000), &err),
			 -ERR_CANCELLED);
	close(cancel[0]);
	close(cancel[1]);
}

/* A board's way from its kernel's banner over a login to a shell. */
static const char board[] = "printf '[    0.000000] Linux version 6.1 (gcc) #2 SMP\\r\\n#'\n"
			    "printf '2 SMP PREEMPT\\r\\nLast login: Monday\\r\\n'\n"
			    "while :; do\n"
			    "	printf 'board login: '; read -r name || exit\n"
			    "	stty -echo; printf 'Password: '; read -r word; stty echo; echo\n"
			    "	[ \"$name:$word\" = 'root:open sesame' ] && break\n"
			    "	printf '\\nLogin incorrect\\n'\n"
			    "done\n"
			    "PS1='# ' exec sh -i\n";

static struct console *console_on_board(const char *folder, struct buf *said)
{
	_cleanup_(freep) char *path = path_join(folder, "board.sh");
	_cleanup_(freep) char *address = xasprintf(ON_A_TERMINAL("sh %s"), path);
	struct err err;

	assert_int_equal(path_write(path, board, sizeof(board) - 1, 0600, &err), 0);
	return console_on(open_stream(address), said);
}

static const struct console_login good = {"login: *$", "# *$", "root", "open sesame"};

static void logs_in(void **state)
{
	_cleanup_(buf_free) struct buf said = {0};
	_cleanup_(console_freep) struct console *console = console_on_board(*state, &said);
	struct err err;

	if (console_login(console, &good, WAIT, &err) < 0)
		fail_msg("%s", err.text);
	must_run(console, SHELL_POSIX, &(struct command_row){"echo in", 0, "in\n"});
	/* Already there. */
	assert_int_equal(console_login(console, &good, WAIT, &err), 0);
	assert_non_null(strstr(buf_text(&said), "board login: root"));
	assert_null(strstr(buf_text(&said), "sesame"));
	assert_null(strstr(console_tail(console), "sesame"));
}

static void login_refused(void **state)
{
	_cleanup_(console_freep) struct console *console = console_on_board(*state, NULL);
	struct console_login wrong = good;
	int64_t start = clock_ms();
	struct err err;

	wrong.password = "wrong";
	assert_int_equal(console_login(console, &wrong, WAIT, &err), -ERR_BOARD);
	assert_non_null(strstr(err.remedy, "login.password"));
	assert_true(clock_ms() - start < 10000);
}

static void login_needs_password(void **state)
{
	_cleanup_(console_freep) struct console *console = console_on_board(*state, NULL);
	struct console_login none = good;
	struct err err;

	none.password = NULL;
	assert_int_equal(console_login(console, &none, WAIT, &err), -ERR_BOARD);
	assert_non_null(strstr(err.text, "asks for a password"));
}

/* Without a name there is no way past the login; the message says where it stands. */
static void login_not_wanted(void **state)
{
	_cleanup_(console_freep) struct console *console = console_on_board(*state, NULL);
	struct console_login none = {"login: *$", "# *$", NULL, NULL};
	struct err err;

	assert_int_equal(console_login(console, &none, deadline_in(DEADLINE_NEVER, 1500), &err),
			 -ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "board login:"));
}

/* The prompt was said long ago, and a message ran over it. */
static void hidden_prompt(void **state)
{
	_cleanup_(console_freep) struct console *console = console_on(
		open_stream(ON_A_TERMINAL("sh -c \"printf \\\"# [    1.000000] over it\\r\\n\\\"; "
					  "PS1= exec sh -i\"")),
		NULL);
	static const struct console_login shell = {.prompt = "^$"};
	struct err err;

	(void)state;
	if (console_login(console, &shell, WAIT, &err) < 0)
		fail_msg("%s", err.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(runs),
		TEST(long_lines),
		TEST(noise),
		TEST(large_output),
		TEST(expects),
		TEST(closed),
		TEST(silence),
		TEST(half_typed),
		TEST(false_prompt),
		TEST(cancelled),
		TEST(logs_in),
		TEST(login_refused),
		TEST(login_needs_password),
		TEST(login_not_wanted),
		TEST(hidden_prompt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
