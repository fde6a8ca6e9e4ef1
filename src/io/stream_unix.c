// SPDX-License-Identifier: MIT
/* unix:PATH (we call) and unix:PATH?listen (we are called, by one peer after another). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/stream_kinds.h"

#define LISTEN "?listen"

int stream_check_path(const char *path, struct err *err)
{
	if (!*path)
		return err_set(err, ERR_CONFIG, "the path is missing");
	return 0;
}

/* The path without "?listen"; owned by the caller. */
static char *path_of(const char *address)
{
	size_t length = strlen(address);

	if (text_ends(address, LISTEN))
		length -= strlen(LISTEN);
	return xstrndup(address, length);
}

static int fill_name(struct sockaddr_un *name, const char *path, struct err *err)
{
	*name = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*path)
		return err_set(err, ERR_CONFIG, "the path is missing");
	if (strlen(path) >= sizeof(name->sun_path)) {
		err_set(err, ERR_CONFIG, "the path is longer than a Unix socket may have");
		return err_remedy(err, "at most %zu bytes; use a shorter folder",
				  sizeof(name->sun_path) - 1);
	}
	memcpy(name->sun_path, path, strlen(path));
	return 0;
}

int stream_check_unix(const char *address, struct err *err)
{
	_cleanup_(freep) char *path = path_of(address);
	struct sockaddr_un name;

	return fill_name(&name, path, err);
}

static int new_socket(int *fd, struct err *err)
{
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return err_errno(err, ERR_HOST, "cannot make a socket");
	return 0;
}

static int call(int fd, const struct sockaddr_un *name)
{
	int rc;

	do {
		rc = connect(fd, (const struct sockaddr *)name, sizeof(*name));
	} while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

static const struct stream_ops call_ops = {
	.read = fd_stream_read,
	.write = fd_stream_write,
	.close = fd_stream_close,
	.poll_fd = fd_stream_poll_fd,
};

static int open_call(struct stream **stream, const struct sockaddr_un *name, struct err *err)
{
	_cleanup_(closep) int fd = -1;
	struct fd_stream *self;
	int rc = new_socket(&fd, err);

	if (rc < 0)
		return rc;
	rc = call(fd, name);
	errno = -rc;
	if (rc == -ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no such socket");
	if (rc == -ECONNREFUSED)
		return err_set(err, ERR_CONSOLE, "nobody listens on this socket");
	if (rc < 0)
		return err_errno(err, ERR_HOST, "cannot connect");
	self = xcalloc(1, sizeof(*self));
	fd_stream_init(self, &call_ops, steal_fd(&fd), name->sun_path);
	*stream = &self->stream;
	return 0;
}

struct listen_stream {
	struct stream stream;
	int listen_fd, peer_fd; /* peer_fd is -1 while nobody is there */
	int epoll_fd;           /* both, for poll_fd() */
	char *path;
	dev_t device; /* the socket we made: only this one is removed at the end */
	ino_t inode;
};

static struct listen_stream *self_of(struct stream *stream)
{
	return container_of(stream, struct listen_stream, stream);
}

static void watch(struct listen_stream *self, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Waits until somebody is there. A peer that gave up while waiting is no error. */
static int need_peer(struct listen_stream *self, struct deadline deadline, struct err *err)
{
	struct pollfd ready = {.fd = self->listen_fd, .events = POLLIN};
	int rc;

	while (self->peer_fd < 0) {
		rc = deadline_poll(&ready, 1, deadline, err);
		if (rc < 0)
			return err_prefix(err, "%s: nobody has connected", self->path);
		self->peer_fd = accept4(self->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (self->peer_fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
			return err_errno(err, ERR_HOST, "%s: cannot accept", self->path);
		if (self->peer_fd >= 0)
			watch(self, self->peer_fd);
	}
	return 0;
}

static int read_listen(struct stream *stream, void *data, size_t size, size_t *got,
		       struct deadline deadline, struct err *err)
{
	struct listen_stream *self = self_of(stream);
	int rc;

	for (;;) {
		rc = need_peer(self, deadline, err);
		if (rc < 0)
			return rc;
		rc = fd_read(self->peer_fd, data, size, got, deadline, err);
		if (rc == 0 && *got)
			return 0;
		if (rc < 0 && rc != -ERR_CONSOLE)
			return err_prefix(err, "%s", self->path);
		closep(&self->peer_fd);
	}
}

/* A peer that goes in the middle gets nothing more; the next one gets the whole of it. */
static int write_listen(struct stream *stream, const void *data, size_t size,
			struct deadline deadline, struct err *err)
{
	struct listen_stream *self = self_of(stream);
	size_t done;
	int rc;

	for (;;) {
		rc = need_peer(self, deadline, err);
		if (rc < 0)
			return rc;
		rc = fd_write(self->peer_fd, data, size, &done, deadline, err);
		if (rc != -ERR_CONSOLE)
			return rc < 0 ? err_prefix(err, "%s", self->path) : 0;
		closep(&self->peer_fd);
	}
}

static void close_listen(struct stream *stream)
{
	struct listen_stream *self = self_of(stream);
	struct stat now;

	if (self->inode && lstat(self->path, &now) == 0 && now.st_dev == self->device &&
	    now.st_ino == self->inode)
		unlink(self->path);
	closep(&self->peer_fd);
	closep(&self->listen_fd);
	closep(&self->epoll_fd);
	freep(&self->path);
	free(self);
}

static int poll_fd_listen(struct stream *stream)
{
	return self_of(stream)->epoll_fd;
}

static const struct stream_ops listen_ops = {
	.read = read_listen,
	.write = write_listen,
	.close = close_listen,
	.poll_fd = poll_fd_listen,
};

/* An earlier owner that was killed leaves its socket behind; nobody answers there. */
static int remove_stale(const struct sockaddr_un *name, struct err *err)
{
	_cleanup_(closep) int fd = -1;
	struct stat now;
	int rc;

	if (lstat(name->sun_path, &now) < 0)
		return 0;
	if (!S_ISSOCK(now.st_mode))
		return err_set(err, ERR_CONFIG, "something that is no socket is there already");
	rc = new_socket(&fd, err);
	if (rc < 0)
		return rc;
	rc = call(fd, name);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0 || rc == -EAGAIN)
		return err_set(err, ERR_BUSY, "another program listens on this socket");
	errno = -rc;
	if (rc != -ECONNREFUSED || unlink(name->sun_path) < 0)
		return err_errno(err, ERR_HOST, "cannot replace the socket that is there");
	return 0;
}

static int bind_listen(struct listen_stream *self, const struct sockaddr_un *name, struct err *err)
{
	struct stat made;
	int rc = remove_stale(name, err);

	if (rc == 0)
		rc = new_socket(&self->listen_fd, err);
	if (rc < 0)
		return rc;
	/* Before bind, so that there is no moment in which others could connect. */
	fchmod(self->listen_fd, 0600);
	if (bind(self->listen_fd, (const struct sockaddr *)name, sizeof(*name)) < 0)
		return err_errno(err, ERR_HOST, "cannot make the socket");
	if (lstat(name->sun_path, &made) == 0) {
		self->device = made.st_dev;
		self->inode = made.st_ino;
	}
	if (listen(self->listen_fd, 4) < 0)
		return err_errno(err, ERR_HOST, "cannot listen on the socket");
	self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (self->epoll_fd < 0)
		return err_errno(err, ERR_HOST, "cannot make an event descriptor");
	watch(self, self->listen_fd);
	return 0;
}

static int open_listen(struct stream **stream, const struct sockaddr_un *name, struct err *err)
{
	_cleanup_(stream_closep) struct stream *opened = NULL;
	struct listen_stream *self = xcalloc(1, sizeof(*self));
	int rc;

	*self = (struct listen_stream){
		.stream.ops = &listen_ops, .listen_fd = -1, .peer_fd = -1, .epoll_fd = -1};
	self->path = xstrdup(name->sun_path);
	opened = &self->stream;
	rc = bind_listen(self, name, err);
	if (rc < 0)
		return rc;
	*stream = steal(opened);
	return 0;
}

int stream_open_unix(struct stream **stream, const char *address,
		     const struct stream_settings *settings, struct deadline deadline,
		     struct err *err)
{
	_cleanup_(freep) char *path = path_of(address);
	struct sockaddr_un name;
	int rc = fill_name(&name, path, err);

	(void)settings, (void)deadline;
	if (rc < 0)
		return rc;
	if (text_ends(address, LISTEN))
		return open_listen(stream, &name, err);
	return open_call(stream, &name, err);
}
