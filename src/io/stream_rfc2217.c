// SPDX-License-Identifier: MIT
/* rfc2217://HOST:PORT: a serial port behind a telnet server, with its baud rate and lines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/stream_kinds.h"
#include "io/telnet.h"

#define AGREE_MS 5000 /* for the server to say whether it controls a COM port */
#define BAUD_MS  1000 /* for it to say which baud rate it has set; some never do */
#define LINE_MS  2000 /* for a line's command to leave us */
#define BREAK_MS 300

struct port {
	struct stream stream;
	int fd;
	char *name;
	struct telnet telnet;
	struct buf early; /* data that came while the port was set up */
	int early_fd;     /* readable while there is some */
	int poll_fd;      /* readable when one of both is */
	int cancel_fd;    /* of the job that opened it, for the lines, which have no deadline */
};

static struct port *self_of(struct stream *stream)
{
	return container_of(stream, struct port, stream);
}

static int send_all(struct port *self, const struct buf *bytes, struct deadline deadline,
		    struct err *err)
{
	size_t done;

	return fd_write(self->fd, buf_text(bytes), bytes->size, &done, deadline, err);
}

static int send_replies(struct port *self, struct deadline deadline, struct err *err)
{
	int rc = send_all(self, &self->telnet.reply, deadline, err);

	buf_clear(&self->telnet.reply);
	return rc;
}

/* Reads and answers once; *got may be 0 although the stream goes on, *ended tells. */
static int pump(struct port *self, void *data, size_t size, size_t *got, bool *ended,
		struct deadline deadline, struct err *err)
{
	int rc = fd_read(self->fd, data, size, got, deadline, err);

	if (rc < 0)
		return rc;
	*ended = *got == 0;
	*got = telnet_decode(&self->telnet, data, *got, data);
	return send_replies(self, deadline, err);
}

static void mark_early(const struct port *self)
{
	uint64_t count = 1;

	/* Neither blocks, nor does it matter what was there. */
	if (self->early.size)
		eventfd_write(self->early_fd, count);
	else
		eventfd_read(self->early_fd, &count);
}

static int read_port(struct stream *stream, void *data, size_t size, size_t *got,
		     struct deadline deadline, struct err *err)
{
	struct port *self = self_of(stream);
	bool ended = false;
	int rc = 0;

	if (self->early.size) {
		*got = size < self->early.size ? size : self->early.size;
		memcpy(data, self->early.data, *got);
		buf_drop(&self->early, *got);
		mark_early(self);
		return 0;
	}
	while (rc == 0 && !*got && !ended)
		rc = pump(self, data, size, got, &ended, deadline, err);
	return rc < 0 ? err_prefix(err, "%s", self->name) : 0;
}

static int write_port(struct stream *stream, const void *data, size_t size,
		      struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf bytes = {.max = 2 * size};
	struct port *self = self_of(stream);

	telnet_encode(data, size, &bytes);
	if (send_all(self, &bytes, deadline, err) < 0)
		return err_prefix(err, "%s", self->name);
	return 0;
}

static void close_port(struct stream *stream)
{
	struct port *self = self_of(stream);

	closep(&self->fd);
	closep(&self->early_fd);
	closep(&self->poll_fd);
	freep(&self->name);
	telnet_free(&self->telnet);
	buf_free(&self->early);
	free(self);
}

static int poll_fd_port(struct stream *stream)
{
	return self_of(stream)->poll_fd;
}

static int watch(struct port *self, struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN};

	self->early_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	self->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(self->poll_fd, EPOLL_CTL_ADD, self->fd, &event) < 0 ||
	    epoll_ctl(self->poll_fd, EPOLL_CTL_ADD, self->early_fd, &event) < 0)
		return err_errno(err, ERR_HOST, "cannot make an event descriptor");
	return 0;
}

/* The answers to these are not awaited: some servers never give them. */
static int control(struct stream *stream, enum com_port_control control, struct err *err)
{
	_cleanup_(buf_free) struct buf bytes = {0};
	struct port *self = self_of(stream);

	telnet_control(control, &bytes);
	if (send_all(self, &bytes, deadline_of_cancel(self->cancel_fd, LINE_MS), err) < 0)
		return err_prefix(err, "%s", self->name);
	return 0;
}

static int set_dtr(struct stream *stream, bool on, struct err *err)
{
	return control(stream, on ? COM_PORT_DTR_ON : COM_PORT_DTR_OFF, err);
}

static int set_rts(struct stream *stream, bool on, struct err *err)
{
	return control(stream, on ? COM_PORT_RTS_ON : COM_PORT_RTS_OFF, err);
}

static int send_break(struct stream *stream, struct err *err)
{
	int cancel_fd = self_of(stream)->cancel_fd;
	int rc = control(stream, COM_PORT_BREAK_ON, err);

	if (rc == 0)
		rc = deadline_pause(BREAK_MS, deadline_of_cancel(cancel_fd, LINE_MS), err);
	return rc < 0 ? rc : control(stream, COM_PORT_BREAK_OFF, err);
}

static bool has_answered(const struct telnet *telnet)
{
	return telnet->ours[TELNET_COM_PORT] != TELNET_ASKED;
}

static bool has_baud(const struct telnet *telnet)
{
	return telnet->baud != 0;
}

/* Reads until the server has said something; what comes as data meanwhile is kept. 1: it does not.
 */
static int await(struct port *self, bool (*said)(const struct telnet *telnet), int64_t ms,
		 struct deadline deadline, struct err *err)
{
	struct deadline soon = deadline_in(deadline, ms);
	uint8_t piece[512];
	bool ended = false;
	size_t got;
	int rc;

	while (!said(&self->telnet)) {
		rc = pump(self, piece, sizeof(piece), &got, &ended, soon, err);
		if (rc == -ERR_TIMEOUT && deadline_left_ms(deadline) > 0)
			return 1;
		if (rc < 0)
			return rc;
		if (ended)
			return err_set(err, ERR_CONSOLE, "the server closes the connection");
		buf_add(&self->early, piece, got);
		mark_early(self);
	}
	return 0;
}

static int set_baud_until(struct port *self, unsigned int baud, struct deadline deadline,
			  struct err *err)
{
	_cleanup_(buf_free) struct buf bytes = {0};
	int rc;

	self->telnet.baud = 0;
	telnet_baud(baud, &bytes);
	rc = send_all(self, &bytes, deadline, err);
	if (rc == 0)
		rc = await(self, has_baud, BAUD_MS, deadline, err);
	if (rc < 0 || rc == 1 || self->telnet.baud == baud)
		return rc < 0 ? rc : 0;
	err_set(err, ERR_CONFIG, "the server sets %u baud instead of %u", self->telnet.baud, baud);
	return err_remedy(err, "set `baud` to what its port can do, or free the port from its "
			       "server's own setting");
}

static int set_baud(struct stream *stream, unsigned int baud, struct err *err)
{
	struct port *self = self_of(stream);

	return set_baud_until(self, baud, deadline_of_cancel(self->cancel_fd, LINE_MS), err);
}

static const struct stream_lines lines = {
	.set_dtr = set_dtr,
	.set_rts = set_rts,
	.set_baud = set_baud,
	.send_break = send_break,
};

static const struct stream_ops ops = {
	.read = read_port,
	.write = write_port,
	.close = close_port,
	.poll_fd = poll_fd_port,
	.lines = &lines,
};

static int no_com_port(struct err *err)
{
	err_set(err, ERR_NETWORK, "the server does not control a COM port (RFC 2217)");
	return err_remedy(err, "use socket://HOST:PORT if it passes bytes as they are, or switch "
			       "RFC 2217 on in the server");
}

static int agree(struct port *self, struct deadline deadline, struct err *err)
{
	int rc;

	telnet_begin(&self->telnet);
	rc = send_replies(self, deadline, err);
	if (rc == 0)
		rc = await(self, has_answered, AGREE_MS, deadline, err);
	if (rc < 0)
		return rc;
	return self->telnet.ours[TELNET_COM_PORT] == TELNET_ON ? 0 : no_com_port(err);
}

/* 8N1 without flow control. */
static int set_format(struct port *self, struct deadline deadline, struct err *err)
{
	static const struct {
		enum com_port command;
		uint8_t value;
	} rows[] = {
		{COM_PORT_DATA_SIZE, 8},
		{COM_PORT_PARITY, 1},
		{COM_PORT_STOP_SIZE, 1},
		{COM_PORT_CONTROL, COM_PORT_NO_FLOW_CONTROL},
	};
	_cleanup_(buf_free) struct buf bytes = {0};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		telnet_com_port(rows[i].command, &rows[i].value, 1, &bytes);
	return send_all(self, &bytes, deadline, err);
}

int stream_open_rfc2217(struct stream **stream, const char *host_port,
			const struct stream_settings *settings, struct deadline deadline,
			struct err *err)
{
	_cleanup_(stream_closep) struct stream *opened = NULL;
	struct port *self;
	int fd = -1, rc = tcp_connect(&fd, host_port, deadline, err);

	if (rc < 0)
		return rc;
	self = xcalloc(1, sizeof(*self));
	*self = (struct port){.stream.ops = &ops,
			      .fd = fd,
			      .early_fd = -1,
			      .poll_fd = -1,
			      .cancel_fd = deadline.cancel_fd};
	self->name = xstrdup(host_port);
	opened = &self->stream;
	rc = watch(self, err);
	if (rc == 0)
		rc = agree(self, deadline, err);
	if (rc == 0)
		rc = set_format(self, deadline, err);
	if (rc == 0)
		rc = set_baud_until(self, settings->baud, deadline, err);
	if (rc < 0)
		return rc;
	*stream = steal(opened);
	return 0;
}
