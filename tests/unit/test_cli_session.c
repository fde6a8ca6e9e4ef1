// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "cli/confirm.h"
#include "cli/session.h"
#include "cli/signals.h"

static void escape_key(void **state)
{
	static const struct {
		const char *keys;
		const char *actions; /* s: send, w: wait, e: end, h: help */
	} rows[] = {
		{"ab", "ss"},       {"\x1d.", "we"},      {"\x1dq", "we"},
		{"\x1d\x1d", "ws"}, {"\x1d\x1d.", "wss"}, {"\x1dx.", "whs"},
	};
	static const char names[] = {
		[ESCAPE_SEND] = 's', [ESCAPE_WAIT] = 'w', [ESCAPE_END] = 'e', [ESCAPE_HELP] = 'h'};
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct escape escape = {0};

		for (j = 0; rows[i].keys[j]; j++)
			assert_int_equal(names[escape_take(&escape, rows[i].keys[j])],
					 rows[i].actions[j]);
	}
}

static void prompt(void **state)
{
	struct prompt_watch watch = {0};

	(void)state;
	assert_false(prompt_waits(&watch));
	prompt_received(&watch, "\r\n/ # ", 6);
	assert_true(prompt_waits(&watch));
	prompt_typed(&watch, 'v');
	assert_false(prompt_waits(&watch));
	prompt_received(&watch, "# ", 2);
	assert_false(prompt_waits(&watch)); /* something stands on the line */
	prompt_typed(&watch, '\r');
	prompt_received(&watch, "out\r\n$", 6);
	assert_false(prompt_waits(&watch));
	prompt_received(&watch, " ", 1);
	assert_true(prompt_waits(&watch));
}

/* A stream over a descriptor: the board's end is the other one of a socket pair. */
struct fd_stream {
	struct stream stream;
	int fd;
};

static int fd_read(struct stream *stream, void *data, size_t size, size_t *got,
		   struct deadline deadline, struct err *err)
{
	struct fd_stream *own = container_of(stream, struct fd_stream, stream);
	struct pollfd ready = {.fd = own->fd, .events = POLLIN};
	int rc = deadline_poll(&ready, 1, deadline, err);
	ssize_t step;

	if (rc < 0)
		return rc;
	step = read(own->fd, data, size);
	*got = step > 0 ? (size_t)step : 0;
	return 0;
}

static int fd_write(struct stream *stream, const void *data, size_t size, struct deadline deadline,
		    struct err *err)
{
	struct fd_stream *own = container_of(stream, struct fd_stream, stream);

	(void)deadline;
	(void)err;
	assert_int_equal(write(own->fd, data, size), size);
	return 0;
}

static int fd_poll(struct stream *stream)
{
	return container_of(stream, struct fd_stream, stream)->fd;
}

static const struct stream_ops fd_ops = {.read = fd_read, .write = fd_write, .poll_fd = fd_poll};

struct place {
	int terminal, person; /* a pseudo terminal: what the session has, what the person has */
	int board[2];         /* [0]: the session's, [1]: the board's */
	int log[2];
	struct fd_stream stream;
	struct session session;
	struct termios before;
};

static void place_begin(struct place *place)
{
	*place = (struct place){0};
	assert_int_equal(openpty(&place->person, &place->terminal, NULL, NULL, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, place->board), 0);
	assert_int_equal(pipe(place->log), 0);
	assert_int_equal(tcgetattr(place->terminal, &place->before), 0);
	place->stream = (struct fd_stream){{&fd_ops}, place->board[0]};
	place->session = (struct session){.stream = &place->stream.stream,
					  .in_fd = place->terminal,
					  .out_fd = place->terminal,
					  .log_fd = place->log[1],
					  .cancel_fd = -1};
}

static void place_end(struct place *place)
{
	struct termios after;

	assert_int_equal(tcgetattr(place->terminal, &after), 0);
	assert_int_equal(after.c_lflag, place->before.c_lflag);
	assert_int_equal(after.c_iflag, place->before.c_iflag);
	assert_int_equal(after.c_oflag, place->before.c_oflag);
	close(place->terminal);
	close(place->person);
	close(place->board[0]);
	close(place->board[1]);
	close(place->log[0]);
	close(place->log[1]);
}

static void put_text(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static const char *get_text(int fd, char *text, size_t size)
{
	ssize_t got = read(fd, text, size - 1);

	assert_true(got >= 0);
	text[got] = '\0';
	return text;
}

/* The person: types when the greeting says that the terminal is ready. */
struct person {
	int fd;
	const char *types;
	char seen[200];
	size_t size;
};

static void *sit_down(void *context)
{
	struct person *person = context;
	ssize_t got;

	while (!strstr(person->seen, "ends]") || !strstr(person->seen, "=> ")) {
		got = read(person->fd, person->seen + person->size,
			   sizeof(person->seen) - 1 - person->size);
		if (got <= 0)
			return NULL;
		person->size += (size_t)got;
	}
	if (write(person->fd, person->types, strlen(person->types)) < 0)
		return NULL;
	return NULL;
}

static void until_the_escape_key(void **state)
{
	struct place place;
	struct person person = {.types = "ab\003\x1d\x1d\x1d."};
	struct err err = {0};
	pthread_t thread;
	char text[200];
	int rc;

	(void)state;
	place_begin(&place);
	person.fd = place.person;
	place.session.at_prompt = true;
	put_text(place.board[1], "=> ");
	pthread_create(&thread, NULL, sit_down, &person);
	rc = session_run(&place.session, &err);
	pthread_join(thread, NULL);
	assert_int_equal(rc, 0);
	assert_string_equal(get_text(place.board[1], text, sizeof(text)), "\rab\003\x1d");
	assert_string_equal(get_text(place.log[0], text, sizeof(text)), "=> ");
	place_end(&place);
}

static void until_the_board_is_gone(void **state)
{
	struct place place;
	struct err err = {0};

	(void)state;
	place_begin(&place);
	shutdown(place.board[1], SHUT_WR);
	assert_int_equal(session_run(&place.session, &err), -ERR_CONSOLE);
	place_end(&place);
}

static void until_a_signal(void **state)
{
	struct place place;
	struct err err = {0};

	(void)state;
	place_begin(&place);
	put_text(place.log[1], "x"); /* any descriptor that is readable */
	place.session.cancel_fd = place.log[0];
	assert_int_equal(session_run(&place.session, &err), -ERR_CANCELLED);
	place_end(&place);
}

static void answers(void **state)
{
	static const struct {
		const char *typed;
		bool yes;
	} rows[] = {
		{"y\n", true},          {"Y\n", true},   {" yes \n", true},
		{"YES\n", true},        {"\n", false},   {"n\n", false},
		{"yesterday\n", false}, {"\x04", false}, /* the end of input */
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct asker asker = {.cancel_fd = -1, .board = "lab3"};
		int person;

		assert_int_equal(openpty(&person, &asker.fd, NULL, NULL, NULL), 0);
		put_text(person, rows[i].typed);
		assert_int_equal(asker_ask(&asker, NULL, NULL), rows[i].yes);
		asker_close(&asker);
		close(person);
	}
}

static void no_answer_is_no(void **state)
{
	struct asker asker = {.board = "lab3"};
	int person, cancel[2];

	(void)state;
	assert_int_equal(openpty(&person, &asker.fd, NULL, NULL, NULL), 0);
	assert_int_equal(pipe(cancel), 0);
	put_text(cancel[1], "x");
	asker.cancel_fd = cancel[0];
	assert_false(asker_ask(&asker, NULL, NULL));
	asker_close(&asker);
	close(person);
	close(cancel[0]);
	close(cancel[1]);
}

/* SIGINT twice, SIGTERM, SIGHUP: the descriptor becomes readable and stays so. */
static void signals_cancel(void **state)
{
	struct signals signals;
	struct pollfd cancelled = {.events = POLLIN};
	struct err err = {0};

	(void)state;
	assert_int_equal(signals_begin(&signals, &err), 0);
	cancelled.fd = signals.cancel_fd;
	assert_int_equal(poll(&cancelled, 1, 0), 0);
	assert_int_equal(kill(getpid(), SIGINT), 0);
	assert_int_equal(poll(&cancelled, 1, 10000), 1);
	assert_int_equal(kill(getpid(), SIGINT), 0);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	assert_int_equal(poll(&cancelled, 1, 0), 1);
	signals_end(&signals);
	signals_end(&signals); /* once more does no harm */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escape_key),           cmocka_unit_test(prompt),
		cmocka_unit_test(until_the_escape_key), cmocka_unit_test(until_the_board_is_gone),
		cmocka_unit_test(until_a_signal),       cmocka_unit_test(answers),
		cmocka_unit_test(no_answer_is_no),      cmocka_unit_test(signals_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
