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

/* In the child: only async-signal-safe calls from here to exec. The errno of a failed exec goes
 * back through report_fd. */
static void become(const char *const *argv, int in_fd, int out_fd, int report_fd)
{
	sigset_t none;
	int reason;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(in_fd >= 0 ? in_fd : open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(out_fd, STDOUT_FILENO);
	dup2(out_fd, STDERR_FILENO);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	reason = errno;
	if (write(report_fd, &reason, sizeof(reason)) < 0)
		_exit(126);
	_exit(127);
}

int process_spawn(const char *const *argv, int in_fd, int out_fd, pid_t *pid, struct err *err)
{
	_cleanup_(closep) int report_in = -1;
	int report[2], reason;
	ssize_t got;

	if (pipe2(report, O_CLOEXEC) < 0)
		return err_errno(err, ERR_HOST, "cannot make a pipe");
	report_in = report[0];
	*pid = fork();
	if (*pid == 0)
		become(argv, in_fd, out_fd, report[1]);
	close(report[1]);
	if (*pid < 0)
		return err_errno(err, ERR_HOST, "cannot start %s", argv[0]);
	do {
		got = read(report_in, &reason, sizeof(reason));
	} while (got < 0 && errno == EINTR);
	if (got != sizeof(reason))
		return 0;
	waitpid(*pid, NULL, 0);
	errno = reason;
	return err_errno(err, ERR_HOST, "cannot run %s", argv[0]);
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

int process_start(const char *const *argv, const char *log_path, pid_t *pid, struct err *err)
{
	_cleanup_(closep) int out = -1;

	out = open(log_path ? log_path : "/dev/null", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		   0600);
	if (out < 0)
		return err_errno(err, ERR_HOST, "cannot write %s", log_path);
	return process_spawn(argv, -1, out, pid, err);
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
