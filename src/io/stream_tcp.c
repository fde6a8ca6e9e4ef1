// SPDX-License-Identifier: MIT
/* socket://HOST:PORT: bytes over TCP as they are. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/resolve.h"
#include "io/stream_kinds.h"

/* A console may be silent for hours: a peer that vanished is noticed within a minute. */
static void tune(int fd)
{
	static const struct {
		int level, option, value;
	} rows[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},    {IPPROTO_TCP, TCP_KEEPIDLE, 30},
		{IPPROTO_TCP, TCP_KEEPINTVL, 10}, {IPPROTO_TCP, TCP_KEEPCNT, 3},
		{IPPROTO_TCP, TCP_NODELAY, 1},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		setsockopt(fd, rows[i].level, rows[i].option, &rows[i].value, sizeof(int));
}

static int await_connection(int fd, struct deadline deadline, struct err *err)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	int rc = deadline_poll(&ready, 1, deadline, err), reason = 0;
	socklen_t size = sizeof(reason);

	if (rc < 0)
		return rc;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size);
	if (!reason)
		return 0;
	errno = reason;
	return err_errno(err, ERR_NETWORK, "cannot connect");
}

static int connect_to(int *fd, const struct addrinfo *to, struct deadline deadline, struct err *err)
{
	_cleanup_(closep) int one = -1;
	int rc;

	one = socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
		     to->ai_protocol);
	if (one < 0)
		return err_errno(err, ERR_HOST, "cannot make a socket");
	tune(one);
	if (connect(one, to->ai_addr, to->ai_addrlen) < 0) {
		if (errno != EINPROGRESS)
			return err_errno(err, ERR_NETWORK, "cannot connect");
		rc = await_connection(one, deadline, err);
		if (rc < 0)
			return rc;
	}
	*fd = steal_fd(&one);
	return 0;
}

static void free_list(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

int tcp_connect(int *fd, const char *host_port, struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *host = NULL, *port = NULL;
	_cleanup_(free_list) struct addrinfo *list = NULL;
	const struct addrinfo *to;
	int rc = resolve_split(host_port, &host, &port, err);

	if (rc == 0)
		rc = resolve_tcp(&list, host, port, deadline, err);
	if (rc < 0)
		return rc;
	rc = err_set(err, ERR_NETWORK, "%s has no address", host);
	for (to = list; to; to = to->ai_next) {
		rc = connect_to(fd, to, deadline, err);
		if (rc == 0 || rc == -ERR_CANCELLED || rc == -ERR_TIMEOUT)
			break;
	}
	if (rc == -ERR_TIMEOUT)
		return err_prefix(err, "connecting");
	return rc;
}

int stream_check_host_port(const char *host_port, struct err *err)
{
	_cleanup_(freep) char *host = NULL, *port = NULL;

	return resolve_split(host_port, &host, &port, err);
}

static const struct stream_ops ops = {
	.read = fd_stream_read,
	.write = fd_stream_write,
	.close = fd_stream_close,
	.poll_fd = fd_stream_poll_fd,
};

int stream_open_tcp(struct stream **stream, const char *host_port,
		    const struct stream_settings *settings, struct deadline deadline,
		    struct err *err)
{
	struct fd_stream *self;
	int fd = -1, rc = tcp_connect(&fd, host_port, deadline, err);

	(void)settings;
	if (rc < 0)
		return rc;
	self = xcalloc(1, sizeof(*self));
	fd_stream_init(self, &ops, fd, host_port);
	*stream = &self->stream;
	return 0;
}
