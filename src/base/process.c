// SPDX-License-Identifier: MIT
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#define OUTPUT_MAX ((size_t)256 << 10)

/* What a child has of its parent until it becomes another program. */
struct start {
	int in_fd; /* -1: /dev/null */
	int out_fd;
	int report_fd; /* the errno of a failed exec goes back here */
	int go[2];     /* a byte here lets it go on; the end of file means: do not */
};

/* In the child: only async-signal-safe calls from here to exec. */
static void become(const char *const *argv, const struct start *start)
{
	sigset_t none;
	int reason;
	char go;

	setsid();
	close(start->go[1]);
	if (read(start->go[0], &go, 1) != 1)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(start->in_fd >= 0 ? start->in_fd : open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(start->out_fd, STDOUT_FILENO);
	dup2(start->out_fd, STDERR_FILENO);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	reason = errno;
	if (write(start->report_fd, &reason, sizeof(reason)) < 0)
		_exit(126);
	_exit(127);
}

/* Who is told of the process id before the program runs; all zero: nobody. */
struct note {
	int (*ready)(void *context, pid_t pid, struct err *err);
	void *context;
};

/* Lets the child go on, and waits until its exec has worked. */
static int let_go(const char *name, pid_t pid, int go_fd, int report_fd, struct err *err)
{
	int reason;
	ssize_t got;

	if (write(go_fd, "", 1) != 1)
		return err_errno(err, ERR_HOST, "cannot start %s", name);
	do {
		got = read(report_fd, &reason, sizeof(reason));
	} while (got < 0 && errno == EINTR);
	if (got != sizeof(reason))
		return 0;
	waitpid(pid, NULL, 0);
	errno = reason;
	return err_errno(err, ERR_HOST, "cannot run %s", name);
}

/* Forks and execs; 0 once the exec has worked. */
static int spawn(const char *const *argv, int in_fd, int out_fd, const struct note *note,
		 pid_t *pid, struct err *err)
{
	_cleanup_(closep) int report_in = -1, report_out = -1, go_in = -1, go_out = -1;
	int report[2], go[2], rc = 0;

	if (pipe2(report, O_CLOEXEC) < 0)
		return err_errno(err, ERR_HOST, "cannot make a pipe");
	report_in = report[0];
	report_out = report[1];
	if (pipe2(go, O_CLOEXEC) < 0)
		return err_errno(err, ERR_HOST, "cannot make a pipe");
	go_in = go[0];
	go_out = go[1];
	*pid = fork();
	if (*pid == 0)
		become(argv, &(struct start){in_fd, out_fd, report_out, {go_in, go_out}});
	closep(&report_out);
	if (*pid < 0)
		return err_errno(err, ERR_HOST, "cannot start %s", argv[0]);
	if (note->ready)
		rc = note->ready(note->context, *pid, err);
	if (rc < 0) {
		closep(&go_out);
		waitpid(*pid, NULL, 0);
		return rc;
	}
	return let_go(argv[0], *pid, go_out, report_in, err);
}

int process_spawn(const char *const *argv, int in_fd, int out_fd, pid_t *pid, struct err *err)
{
	return spawn(argv, in_fd, out_fd, &(struct note){0}, pid, err);
}

static void end_group(pid_t pid)
{
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Collects output until the program closes it. */
static int collect(int fd, struct buf *out, struct deadline deadline, struct err *err)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char piece[4096];
	ssize_t got;
	int rc;

	for (;;) {
		rc = deadline_poll(&ready, 1, deadline, err);
		if (rc < 0)
			return rc;
		got = read(fd, piece, sizeof(piece));
		if (got <= 0)
			return 0;
		buf_add(out, piece, (size_t)got);
	}
}

/* Waits for the end of a program that has closed its output already. */
static int reap(pid_t pid, int *status, struct deadline deadline, struct err *err)
{
	_cleanup_(closep) int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ready = {.fd = pid_fd, .events = POLLIN};
	int raw = 0, rc = deadline_poll(&ready, 1, deadline, err);

	if (rc < 0)
		return rc;
	waitpid(pid, &raw, 0);
	*status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
	return 0;
}

int process_run(const char *const *argv, struct process_result *result, struct deadline deadline,
		struct err *err)
{
	_cleanup_(closep) int out_in = -1;
	int out[2], rc;
	pid_t pid;

	*result = (struct process_result){.out.max = OUTPUT_MAX};
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(err, ERR_HOST, "cannot make a pipe");
	out_in = out[0];
	rc = process_spawn(argv, -1, out[1], &pid, err);
	close(out[1]);
	if (rc < 0)
		return rc;
	rc = collect(out_in, &result->out, deadline, err);
	if (rc == 0)
		rc = reap(pid, &result->status, deadline, err);
	if (rc < 0) {
		end_group(pid);
		return err_prefix(err, "running %s", argv[0]);
	}
	return 0;
}

int process_start_noted(const char *const *argv, const char *log_path,
			int (*ready)(void *context, pid_t pid, struct err *err), void *context,
			pid_t *pid, struct err *err)
{
	_cleanup_(closep) int out = -1;

	out = open(log_path ? log_path : "/dev/null", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		   0600);
	if (out < 0)
		return err_errno(err, ERR_HOST, "cannot write %s", log_path);
	return spawn(argv, -1, out, &(struct note){ready, context}, pid, err);
}

int process_start(const char *const *argv, const char *log_path, pid_t *pid, struct err *err)
{
	return process_start_noted(argv, log_path, NULL, NULL, pid, err);
}

static bool is_plain(const char *word)
{
	return *word &&
	       strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "_-./:=,+@%") == strlen(word);
}

char *process_describe(const char *const *argv)
{
	struct buf text = {0};

	for (; *argv; argv++)
		buf_addf(&text, is_plain(*argv) ? "%s%s" : "%s'%s'", text.size ? " " : "", *argv);
	return buf_steal(&text);
}
