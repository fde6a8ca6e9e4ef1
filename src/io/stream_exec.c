// SPDX-License-Identifier: MIT
/* exec:PROGRAM ARG...: a program's standard input and output. What it says on standard error is
   part of the stream too, so that "connection refused" of an ssh or a telnet is seen. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "io/stream_kinds.h"
#include "io/words.h"

#define END_MS 1000

struct exec_stream {
	struct fd_stream fd;
	pid_t pid; /* leader of its own process group */
};

/* Closing its input ends most programs by itself; SIGTERM asks the others, SIGKILL does not ask. */
static void end_child(pid_t pid)
{
	_cleanup_(closep) int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd ended = {.fd = pid_fd, .events = POLLIN};

	kill(-pid, SIGTERM);
	if (pid_fd >= 0)
		deadline_poll(&ended, 1, deadline_of_cancel(-1, END_MS), NULL);
	kill(-pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void close_exec(struct stream *stream)
{
	struct exec_stream *self = container_of(stream, struct exec_stream, fd.stream);

	closep(&self->fd.fd);
	end_child(self->pid);
	fd_stream_close(stream);
}

static const struct stream_ops ops = {
	.read = fd_stream_read,
	.write = fd_stream_write,
	.close = close_exec,
	.poll_fd = fd_stream_poll_fd,
};

int stream_check_words(const char *text, struct err *err)
{
	_cleanup_(words_free) char **words = NULL;

	return words_split(text, &words, err);
}

/* One socket pair instead of pipes: writing to a program that has ended must not raise SIGPIPE. */
int stream_open_exec(struct stream **stream, const char *text,
		     const struct stream_settings *settings, struct deadline deadline,
		     struct err *err)
{
	_cleanup_(words_free) char **words = NULL;
	_cleanup_(closep) int ours = -1, theirs = -1;
	struct exec_stream *self;
	int pair[2], rc = words_split(text, &words, err);
	pid_t pid;

	(void)settings, (void)deadline;
	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, ERR_HOST, "cannot make a socket pair");
	ours = pair[0];
	theirs = pair[1];
	rc = process_spawn((const char *const *)words, theirs, theirs, &pid, err);
	if (rc < 0)
		return rc;
	fcntl(ours, F_SETFL, O_NONBLOCK);
	self = xcalloc(1, sizeof(*self));
	fd_stream_init(&self->fd, &ops, steal_fd(&ours), words[0]);
	self->pid = pid;
	*stream = &self->fd.stream;
	return 0;
}
