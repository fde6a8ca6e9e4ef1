// SPDX-License-Identifier: MIT
/* Fastboot over UDP: every packet of the host is answered before the next one goes out, and sent
   again until it is (AOSP fastboot/README.md, "UDP Protocol v1"). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/resolve.h"
#include "proto/fastboot_net.h"

#define RESEND_MS   500 /* at most; the first times sooner: a lost packet is rare, and cheap then */
#define RESEND_SOON 50
#define QUERY_MS    3000 /* whether anybody is there */
#define EMPTY_MS    20   /* an answer that is not there yet is asked for again */
#define FLAG_MORE   0x01u
#define NUMBER_SIZE 2

struct udp_link {
	struct fastboot_link link;
	int fd;              /* connected; owned */
	uint16_t sequence;   /* of the next packet */
	size_t packet_bytes; /* of a packet at most */
	uint8_t out[FASTBOOT_UDP_PACKET_MAX];
	uint8_t in[FASTBOOT_UDP_PACKET_MAX];
	const uint8_t
		*rest; /* data that came with the last packet and was not taken yet, in `in` */
	size_t rest_size;
};

static struct udp_link *udp_link_of(struct fastboot_link *link)
{
	return container_of(link, struct udp_link, link);
}

bool fastboot_udp_parse(const uint8_t *bytes, size_t size, struct fastboot_udp_packet *packet)
{
	if (size < FASTBOOT_UDP_HEADER || bytes[0] > FASTBOOT_UDP_DATA)
		return false;
	*packet = (struct fastboot_udp_packet){
		.id = bytes[0],
		.more = bytes[1] & FLAG_MORE,
		.sequence = be16(bytes + 2),
		.data = bytes + FASTBOOT_UDP_HEADER,
		.size = size - FASTBOOT_UDP_HEADER,
	};
	return true;
}

size_t fastboot_udp_build(uint8_t *out, const struct fastboot_udp_packet *packet)
{
	out[0] = packet->id;
	out[1] = packet->more ? FLAG_MORE : 0;
	put_be16(out + 2, packet->sequence);
	if (packet->size > 0)
		memcpy(out + FASTBOOT_UDP_HEADER, packet->data, packet->size);
	return FASTBOOT_UDP_HEADER + packet->size;
}

/* A port that nobody listens at is told by the network, sooner or later; while a board's loader
   starts that may pass. */
static int send_out(struct udp_link *self, size_t size, struct err *err)
{
	if (send(self->fd, self->out, size, 0) >= 0 || errno == ECONNREFUSED || errno == EAGAIN ||
	    errno == ENOBUFS || errno == EINTR)
		return 0;
	return err_errno(err, ERR_NETWORK, "sending");
}

/* One packet that belongs to the exchange; *there false when what came does not. */
static int take_in(struct udp_link *self, struct fastboot_udp_packet *reply, uint8_t id,
		   bool *there, struct err *err)
{
	struct fastboot_answer words;
	ssize_t size = recv(self->fd, self->in, sizeof(self->in), MSG_DONTWAIT);

	*there = false;
	if (size < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
		return err_errno(err, ERR_NETWORK, "receiving");
	if (size < 0 || !fastboot_udp_parse(self->in, (size_t)size, reply))
		return 0;
	if (reply->sequence != self->sequence)
		return 0;
	if (reply->id == FASTBOOT_UDP_ERROR) {
		fastboot_parse(reply->data, reply->size, &words);
		return err_set(err, ERR_BOARD, "the device ended it: %s", words.text);
	}
	*there = reply->id == id;
	return 0;
}

/* Waits for the answer to what is in self->out, which is sent again and again. */
static int converse(struct udp_link *self, uint8_t id, size_t size,
		    struct fastboot_udp_packet *reply, struct deadline deadline, struct err *err)
{
	struct pollfd ready = {.fd = self->fd, .events = POLLIN};
	struct deadline again;
	int64_t ms = RESEND_SOON;
	bool there = false;
	int rc;

	while (!there) {
		rc = send_out(self, size, err);
		again = deadline_in(deadline, ms);
		ms = 2 * ms < RESEND_MS ? 2 * ms : RESEND_MS;
		while (rc == 0 && !there) {
			rc = deadline_poll(&ready, 1, again, err);
			if (rc > 0)
				rc = take_in(self, reply, id, &there, err);
			if (rc == 0 && !there)
				rc = deadline_check(again, err);
		}
		if (rc == -ERR_TIMEOUT)
			rc = deadline_check(deadline, err);
		if (rc < 0)
			return rc;
	}
	self->sequence++;
	return 0;
}

/* Sends one packet and gets its answer, which stays in self->in until the next one. */
static int packet(struct udp_link *self, uint8_t id, bool more, const void *data, size_t size,
		  struct fastboot_udp_packet *reply, struct deadline deadline, struct err *err)
{
	struct fastboot_udp_packet out = {id, more, self->sequence, data, size};

	return converse(self, id, fastboot_udp_build(self->out, &out), reply, deadline, err);
}

/* A message in as many packets as it takes; each is acknowledged by an empty one. */
static int udp_send(struct fastboot_link *link, const void *data, size_t size,
		    struct deadline deadline, struct err *err)
{
	struct udp_link *self = udp_link_of(link);
	size_t room = self->packet_bytes - FASTBOOT_UDP_HEADER, done, step;
	struct fastboot_udp_packet reply;
	int rc;

	for (done = 0; done < size; done += step) {
		step = size - done < room ? size - done : room;
		rc = packet(self, FASTBOOT_UDP_DATA, done + step < size, (const char *)data + done,
			    step, &reply, deadline, err);
		if (rc < 0)
			return rc;
		if (reply.size > 0)
			return err_set(err, ERR_BOARD, "the device talks while it is talked to");
	}
	return 0;
}

/* Asks with an empty packet until there is something; *more: it goes on in the next one. */
static int ask(struct udp_link *self, struct fastboot_udp_packet *reply, struct deadline deadline,
	       struct err *err)
{
	int rc;

	for (;;) {
		rc = packet(self, FASTBOOT_UDP_DATA, false, NULL, 0, reply, deadline, err);
		if (rc < 0 || reply->size > 0)
			return rc;
		rc = deadline_pause(EMPTY_MS, deadline, err);
		if (rc < 0)
			return rc;
	}
}

static int udp_receive(struct fastboot_link *link, void *data, size_t size, size_t *got,
		       struct deadline deadline, struct err *err)
{
	struct udp_link *self = udp_link_of(link);
	struct fastboot_udp_packet reply = {.more = true};
	int rc;

	if (self->rest_size > 0)
		return err_set(err, ERR_BOARD, "the device gives more data than it said");
	for (*got = 0; reply.more; *got += reply.size) {
		rc = ask(self, &reply, deadline, err);
		if (rc < 0)
			return rc;
		if (reply.size > size - *got)
			return err_set(err, ERR_BOARD, "an answer of more than %zu bytes", size);
		memcpy((char *)data + *got, reply.data, reply.size);
	}
	return 0;
}

static int udp_receive_data(struct fastboot_link *link, void *data, size_t size, size_t *got,
			    struct deadline deadline, struct err *err)
{
	struct udp_link *self = udp_link_of(link);
	struct fastboot_udp_packet reply;
	int rc;

	*got = 0;
	if (self->rest_size == 0) {
		rc = ask(self, &reply, deadline, err);
		if (rc < 0)
			return rc;
		self->rest = reply.data;
		self->rest_size = reply.size;
	}
	*got = self->rest_size < size ? self->rest_size : size;
	memcpy(data, self->rest, *got);
	self->rest += *got;
	self->rest_size -= *got;
	return 0;
}

static int query(struct udp_link *self, struct deadline deadline, struct err *err)
{
	struct fastboot_udp_packet reply;
	int rc;

	self->sequence = 0;
	rc = packet(self, FASTBOOT_UDP_QUERY, false, NULL, 0, &reply,
		    deadline_in(deadline, QUERY_MS), err);
	if (rc == -ERR_TIMEOUT)
		return err_set(err, ERR_NETWORK, "nobody answers");
	if (rc == 0 && reply.size < NUMBER_SIZE)
		rc = err_set(err, ERR_BOARD, "what answers there does not speak fastboot");
	if (rc == 0)
		self->sequence = be16(reply.data);
	return rc;
}

/* Both sides tell what they can; the lower one holds. */
static int init(struct udp_link *self, struct deadline deadline, struct err *err)
{
	struct fastboot_udp_packet reply;
	uint8_t ours[2 * NUMBER_SIZE];
	uint16_t version, bytes;
	int rc;

	put_be16(ours, FASTBOOT_UDP_VERSION);
	put_be16(ours + NUMBER_SIZE, FASTBOOT_UDP_PACKET_MAX);
	rc = packet(self, FASTBOOT_UDP_INIT, false, ours, sizeof(ours), &reply, deadline, err);
	if (rc < 0)
		return rc;
	version = reply.size < sizeof(ours) ? 0 : be16(reply.data);
	bytes = reply.size < sizeof(ours) ? 0 : be16(reply.data + NUMBER_SIZE);
	if (version < 1 || bytes < FASTBOOT_UDP_PACKET_MIN)
		return err_set(err, ERR_BOARD,
			       "the device wants version %u and packets of %u bytes", version,
			       bytes);
	self->packet_bytes = bytes < FASTBOOT_UDP_PACKET_MAX ? bytes : FASTBOOT_UDP_PACKET_MAX;
	return 0;
}

static int udp_recover(struct fastboot_link *link, struct deadline deadline, struct err *err)
{
	struct udp_link *self = udp_link_of(link);
	int rc = query(self, deadline, err);

	self->rest_size = 0;
	return rc == 0 ? init(self, deadline, err) : rc;
}

static void udp_link_close(struct fastboot_link *link)
{
	struct udp_link *self = udp_link_of(link);

	closep(&self->fd);
	free(self);
}

/* The addresses of a host are the same for TCP and UDP; there is no way to tell which one is right
   but to ask, so the first that can be reached is taken. */
static int connect_udp(int *fd, const char *host_port, struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *host = NULL, *port = NULL;
	struct addrinfo *list = NULL;
	const struct addrinfo *to;
	int rc = resolve_split(host_port, &host, &port, err);

	if (rc == 0)
		rc = resolve_tcp(&list, host, port, deadline, err);
	if (rc < 0)
		return rc;
	rc = err_set(err, ERR_NETWORK, "%s cannot be reached", host);
	for (to = list; to && rc < 0; to = to->ai_next) {
		closep(fd);
		*fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (*fd >= 0 && connect(*fd, to->ai_addr, to->ai_addrlen) == 0)
			rc = 0;
	}
	freeaddrinfo(list);
	return rc;
}

char *fastboot_address(const char *address)
{
	const char *bracket = strrchr(address, ']');

	if (strchr(bracket ? bracket : address, ':'))
		return xstrdup(address);
	return xasprintf("%s:%u", address, FASTBOOT_PORT);
}

int fastboot_udp(struct fastboot_link **link, const char *address, struct deadline deadline,
		 struct err *err)
{
	static const struct fastboot_link_ops ops = {
		.send = udp_send,
		.receive = udp_receive,
		.send_data = udp_send,
		.receive_data = udp_receive_data,
		.recover = udp_recover,
		.close = udp_link_close,
	};
	_cleanup_(freep) char *host_port = fastboot_address(address);
	struct udp_link *self = xcalloc(1, sizeof(*self));
	int rc;

	self->link = (struct fastboot_link){&ops, FASTBOOT_COMMAND};
	self->fd = -1;
	self->packet_bytes = FASTBOOT_UDP_PACKET_MIN;
	rc = connect_udp(&self->fd, host_port, deadline, err);
	if (rc == 0)
		rc = udp_recover(&self->link, deadline, err);
	if (rc == 0) {
		*link = &self->link;
		return 0;
	}
	udp_link_close(&self->link);
	return err_prefix(err, "udp:%s", host_port);
}
