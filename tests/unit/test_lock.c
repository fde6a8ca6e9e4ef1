// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "engine/lock.h"
#include "rig/home_rig.h"

static void one_holder(void **state)
{
	struct board_lock *first, *second, *other;
	_cleanup_(freep) char *begin = NULL;
	struct err err;

	(void)state;
	assert_int_equal(board_lock(&first, "demo", "flash", &err), 0);
	assert_int_equal(board_lock(&other, "demo2", "flash", &err), 0);
	assert_int_equal(board_lock(&second, "demo", "dump", &err), -ERR_BUSY);
	begin = xasprintf("board 'demo' is busy: process %d (flash) has held it since 20",
			  getpid());
	assert_memory_equal(err.text, begin, strlen(begin));
	assert_string_equal(err.remedy, "wait until it has ended, or end that process");

	board_lock_job(first, 1234567890123);
	board_lock_job(first, 42);
	assert_int_equal(board_lock(&second, "demo", "dump", &err), -ERR_BUSY);
	free(begin);
	begin = xasprintf("board 'demo' is busy: job 42 (flash, process %d) has held it since 20",
			  getpid());
	assert_memory_equal(err.text, begin, strlen(begin));

	board_unlock(first);
	assert_int_equal(board_lock(&second, "demo", "dump", &err), 0);
	board_unlock(second);
	board_unlock(other);
	board_unlock(NULL);
}

/* A process that holds the board until it is killed. */
static pid_t start_holder(void)
{
	struct board_lock *lock;
	int ready[2];
	struct err err;
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (board_lock(&lock, "demo", "flash", &err) == 0 && write(ready[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void freed_by_kill(void **state)
{
	pid_t pid = start_holder();
	_cleanup_(freep) char *who = xasprintf("process %d (flash)", pid);
	struct board_lock *lock;
	struct err err;

	(void)state;
	assert_int_equal(board_lock(&lock, "demo", "flash", &err), -ERR_BUSY);
	assert_non_null(strstr(err.text, who));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(board_lock(&lock, "demo", "flash", &err), 0);
	board_unlock(lock);
}

static void odd_notes(void **state)
{
	static const char *const notes[] = {"", "{", "[]", "{\"pid\":\"x\"}", "\xff\xff"};
	_cleanup_(freep) char *path = xasprintf("%s/state/locks/demo.lock", (char *)*state);
	struct board_lock *lock, *second;
	struct err err;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(notes); i++) {
		assert_int_equal(board_lock(&lock, "demo", "flash", &err), 0);
		assert_int_equal(truncate(path, 0), 0);
		fd = open(path, O_WRONLY);
		assert_int_equal(write(fd, notes[i], strlen(notes[i])), strlen(notes[i]));
		close(fd);
		assert_int_equal(board_lock(&second, "demo", "dump", &err), -ERR_BUSY);
		assert_string_equal(err.text, "board 'demo' is busy with another job");
		board_unlock(lock);
	}
}

static void unwritable_state(void **state)
{
	_cleanup_(freep) char *path = xasprintf("%s/state", (char *)*state);
	struct board_lock *lock;
	struct err err;

	assert_int_equal(path_write(path, "x", 1, 0600, &err), 0);
	assert_int_equal(board_lock(&lock, "demo", "flash", &err), -ERR_HOST);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, home_set_up, home_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(one_holder),
		IN_PLACE(freed_by_kill),
		IN_PLACE(odd_notes),
		IN_PLACE(unwritable_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
