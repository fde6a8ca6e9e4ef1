// SPDX-License-Identifier: MIT
/* Descriptors as streams: polled under the deadline, interrupted calls and partial writes taken up
   again. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/stream_kinds.h"

/* Not ready after all, or interrupted: poll again. */
static bool is_passing(int reason)
{
	return reason == EAGAIN || reason == EINTR;
}

int fd_read(int fd, void *data, size_t size, size_t *got, struct deadline deadline, struct err *err)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	ssize_t count;
	int rc;

	*got = 0;
	do {
		rc = deadline_poll(&ready, 1, deadline, err);
		if (rc < 0)
			return rc;
		count = read(fd, data, size);
	} while (count < 0 && is_passing(errno));
	/* A serial adapter that was pulled, the closed other side of a pseudo terminal, a peer that
	   left what we wrote unread. */
	if (count < 0 && (errno == EIO || errno == ECONNRESET))
		return 0;
	if (count < 0)
		return err_errno(err, ERR_CONSOLE, "cannot read");
	*got = (size_t)count;
	return 0;
}

/* Sockets must not raise SIGPIPE, which is not ours to ignore. */
static ssize_t write_some(int fd, const void *data, size_t size)
{
	ssize_t count = send(fd, data, size, MSG_NOSIGNAL);

	if (count < 0 && errno == ENOTSOCK)
		count = write(fd, data, size);
	return count;
}

int fd_write(int fd, const void *data, size_t size, size_t *done, struct deadline deadline,
	     struct err *err)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	ssize_t count;
	int rc;

	for (*done = 0; *done < size;) {
		rc = deadline_poll(&ready, 1, deadline, err);
		if (rc < 0)
			return rc;
		count = write_some(fd, (const char *)data + *done, size - *done);
		if (count < 0 && !is_passing(errno))
			return err_errno(err, ERR_CONSOLE, "cannot write");
		if (count > 0)
			*done += (size_t)count;
	}
	return 0;
}

static struct fd_stream *self_of(struct stream *stream)
{
	return container_of(stream, struct fd_stream, stream);
}

int fd_stream_read(struct stream *stream, void *data, size_t size, size_t *got,
		   struct deadline deadline, struct err *err)
{
	struct fd_stream *self = self_of(stream);

	if (fd_read(self->fd, data, size, got, deadline, err) < 0)
		return err_prefix(err, "%s", self->name);
	return 0;
}

int fd_stream_write(struct stream *stream, const void *data, size_t size, struct deadline deadline,
		    struct err *err)
{
	struct fd_stream *self = self_of(stream);
	size_t done;

	if (fd_write(self->fd, data, size, &done, deadline, err) < 0)
		return err_prefix(err, "%s", self->name);
	return 0;
}

void fd_stream_close(struct stream *stream)
{
	struct fd_stream *self = self_of(stream);

	closep(&self->fd);
	freep(&self->name);
	free(self);
}

int fd_stream_poll_fd(struct stream *stream)
{
	return self_of(stream)->fd;
}

void fd_stream_init(struct fd_stream *stream, const struct stream_ops *ops, int fd,
		    const char *name)
{
	*stream = (struct fd_stream){.stream.ops = ops, .fd = fd, .name = xstrdup(name)};
}
