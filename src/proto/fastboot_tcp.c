// SPDX-License-Identifier: MIT
/* Fastboot over TCP: a version of each side, then messages with their length before them (AOSP
   fastboot/README.md, "TCP Protocol v1"). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/stream.h"
#include "proto/fastboot_net.h"

#define LENGTH_SIZE  8
#define HELLO_SIZE   4
#define HELLO        "FB01"
#define HANDSHAKE_MS 10000

struct tcp_link {
	struct fastboot_link link;
	struct stream *stream; /* owned */
	uint64_t left;         /* bytes of a message of data that are still to come */
};

static struct tcp_link *tcp_link_of(struct fastboot_link *link)
{
	return container_of(link, struct tcp_link, link);
}

/* A stream that is lost counts as a lost console. */
static int lost(int rc, struct err *err)
{
	if (rc != -ERR_CONSOLE)
		return rc;
	return err_set(err, ERR_NETWORK, "the connection is lost");
}

static int write_all(struct tcp_link *self, const void *data, size_t size, struct deadline deadline,
		     struct err *err)
{
	return lost(stream_write(self->stream, data, size, deadline, err), err);
}

static int read_all(struct tcp_link *self, void *data, size_t size, struct deadline deadline,
		    struct err *err)
{
	size_t done, got;
	int rc;

	for (done = 0; done < size; done += got) {
		rc = stream_read(self->stream, (char *)data + done, size - done, &got, deadline,
				 err);
		if (rc < 0)
			return lost(rc, err);
		if (got == 0)
			return err_set(err, ERR_NETWORK, "the device closed the connection");
	}
	return 0;
}

static int tcp_send(struct fastboot_link *link, const void *data, size_t size,
		    struct deadline deadline, struct err *err)
{
	struct tcp_link *self = tcp_link_of(link);
	uint8_t length[LENGTH_SIZE];
	int rc;

	put_be64(length, size);
	rc = write_all(self, length, sizeof(length), deadline, err);
	return rc == 0 ? write_all(self, data, size, deadline, err) : rc;
}

static int read_length(struct tcp_link *self, uint64_t *length, struct deadline deadline,
		       struct err *err)
{
	uint8_t raw[LENGTH_SIZE];
	int rc;

	if (self->left > 0)
		return err_set(err, ERR_BOARD, "the device gives more data than it said");
	rc = read_all(self, raw, sizeof(raw), deadline, err);
	*length = rc == 0 ? be64(raw) : 0;
	return rc;
}

static int tcp_receive(struct fastboot_link *link, void *data, size_t size, size_t *got,
		       struct deadline deadline, struct err *err)
{
	struct tcp_link *self = tcp_link_of(link);
	uint64_t length;
	int rc = read_length(self, &length, deadline, err);

	*got = 0;
	if (rc < 0)
		return rc;
	if (length > size)
		return err_set(err, ERR_BOARD, "an answer of %" PRIu64 " bytes is too long",
			       length);
	*got = (size_t)length;
	return read_all(self, data, *got, deadline, err);
}

static int tcp_receive_data(struct fastboot_link *link, void *data, size_t size, size_t *got,
			    struct deadline deadline, struct err *err)
{
	struct tcp_link *self = tcp_link_of(link);
	int rc = self->left ? 0 : read_length(self, &self->left, deadline, err);

	*got = 0;
	if (rc < 0)
		return rc;
	*got = self->left < size ? (size_t)self->left : size;
	self->left -= *got;
	return read_all(self, data, *got, deadline, err);
}

static int tcp_recover(struct fastboot_link *link, struct deadline deadline, struct err *err)
{
	(void)link;
	(void)deadline;
	return err_set(err, ERR_NETWORK, "the connection has to be opened anew");
}

static void tcp_link_close(struct fastboot_link *link)
{
	struct tcp_link *self = tcp_link_of(link);

	stream_close(self->stream);
	free(self);
}

/* The lower version holds; there is only 1 so far. */
static int shake_hands(struct tcp_link *self, struct deadline deadline, struct err *err)
{
	char theirs[HELLO_SIZE + 1] = "";
	uint64_t version;
	int rc = write_all(self, HELLO, HELLO_SIZE, deadline, err);

	if (rc == 0)
		rc = read_all(self, theirs, HELLO_SIZE, deadline, err);
	if (rc < 0)
		return rc;
	if (text_starts(theirs, "FB") && text_u64(theirs + 2, 99, &version) && version > 0)
		return 0;
	return err_set(err, ERR_BOARD, "what listens there does not speak fastboot");
}

struct fastboot_link *fastboot_tcp_over(struct stream *stream)
{
	static const struct fastboot_link_ops ops = {
		.send = tcp_send,
		.receive = tcp_receive,
		.send_data = tcp_send,
		.receive_data = tcp_receive_data,
		.recover = tcp_recover,
		.close = tcp_link_close,
	};
	struct tcp_link *self = xcalloc(1, sizeof(*self));

	self->link = (struct fastboot_link){&ops, FASTBOOT_COMMAND};
	self->stream = stream;
	return &self->link;
}

int fastboot_tcp(struct fastboot_link **link, const char *address, struct deadline deadline,
		 struct err *err)
{
	_cleanup_(freep) char *host_port = fastboot_address(address);
	_cleanup_(freep) char *url = xasprintf("socket://%s", host_port);
	struct deadline soon = deadline_in(deadline, HANDSHAKE_MS);
	struct stream_settings settings = {0};
	struct stream *stream;
	int rc = stream_open(&stream, url, &settings, soon, err);

	if (rc < 0)
		return err_prefix(err, "tcp:%s", host_port);
	*link = fastboot_tcp_over(stream);
	rc = shake_hands(tcp_link_of(*link), soon, err);
	if (rc == 0)
		return 0;
	err_prefix(err, "tcp:%s", host_port);
	tcp_link_close(steal(*link));
	return rc;
}
