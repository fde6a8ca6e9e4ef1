// SPDX-License-Identifier: MIT
/* A USB/IP server that answers as the input says, one reply for each request. Six bytes make a
   reply: its kind, whom it is to, its status, and how many bytes went (and follow, for what was
   asked for). When the input is used up the server hangs up. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "io/usb_ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT_MS 1000
#define QUIET_MS 10 /* a client that waits for what never comes */
#define REPLY    6

struct server {
	int fd;
	const uint8_t *data;
	size_t size;
};

/* Kind 255: no header, bytes only. */
static void reply(struct server *server)
{
	static const int32_t statuses[] = {0, 0, 0, -32, -104, -2, -5, INT32_MIN};
	const uint8_t *data = server->data;
	struct usbip_header header = {
		.command = data[0] & 1 ? USBIP_RET_UNLINK : USBIP_RET_SUBMIT,
		.sequence = data[1],
		.status = statuses[data[2] % 8],
		.actual = le16(data + 3),
	};
	size_t left = server->size - REPLY, follow = data[5] < left ? data[5] : left;
	uint8_t bytes[USBIP_HEADER_SIZE + 255];
	size_t size = data[0] == 255 ? 0 : USBIP_HEADER_SIZE;

	usbip_put_header(bytes, &header);
	memcpy(bytes + size, data + REPLY, follow);
	send(server->fd, bytes, size + follow, MSG_NOSIGNAL);
	server->data += REPLY + follow;
	server->size -= REPLY + follow;
}

/* False: the client has gone. */
static bool take_request(const struct server *server)
{
	uint8_t bytes[USBIP_HEADER_SIZE], data[64];
	struct usbip_header header;

	if (recv(server->fd, bytes, sizeof(bytes), MSG_WAITALL) != sizeof(bytes))
		return false;
	if (!usbip_get_header(bytes, &header))
		abort();
	if (header.command != USBIP_CMD_SUBMIT || header.in || header.length == 0)
		return true;
	if (header.length > sizeof(data))
		abort();
	return recv(server->fd, data, header.length, MSG_WAITALL) == (ssize_t)header.length;
}

static void *serve(void *argument)
{
	struct server *server = argument;
	struct pollfd ready = {.fd = server->fd, .events = POLLIN};

	while (server->size >= REPLY) {
		if (poll(&ready, 1, QUIET_MS) > 0 && !take_request(server))
			return NULL;
		reply(server);
	}
	shutdown(server->fd, SHUT_WR);
	return NULL;
}

static void reap_all(struct usb_device *usb, size_t count)
{
	struct usb_transfer *transfer;
	struct err err;

	for (; count > 0; count--)
		if (usb_reap(usb, &transfer, deadline_of_cancel(-1, LIMIT_MS), &err) < 0 ||
		    transfer->got > transfer->size)
			abort();
}

/* Two each way at once, taken back in the middle or not. */
static void stream(struct usb_device *usb, bool take_back)
{
	uint8_t in[2][64], out[2][64] = {{0}};
	struct usb_transfer transfers[4];
	struct err err;
	size_t i, count;

	for (i = 0, count = 0; i < ARRAY_SIZE(transfers); i++) {
		transfers[i] = (struct usb_transfer){.type = USB_BULK,
						     .endpoint = i % 2 ? 0x81 : 0x01,
						     .data = i % 2 ? in[i / 2] : out[i / 2],
						     .size = 64};
		count += usb_submit(usb, &transfers[i], &err) == 0;
	}
	if (take_back)
		usb_cancel(usb);
	reap_all(usb, count);
}

static void converse(struct usb_device *usb, bool take_back)
{
	struct deadline deadline = deadline_of_cancel(-1, LIMIT_MS);
	uint8_t bytes[18];
	struct err err;
	size_t got;

	usb_control(usb, (struct usb_setup){0x80, 6, 0x0100, 0}, bytes, sizeof(bytes), &got,
		    deadline, &err);
	if (got > sizeof(bytes))
		abort();
	stream(usb, take_back);
	usb_bulk(usb, 0x81, bytes, sizeof(bytes), &got, deadline, &err);
	usb_set_alt(usb, 0, 1, deadline, &err);
	usb_reset(usb, deadline, &err);
	stream(usb, !take_back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct usbip_device device = {.busid = "1-1", .bus = 1, .device = 2};
	const struct usb_info info = {.path = "usbip://host:3240/1-1"};
	struct server server = {.data = data + 1, .size = size - 1};
	struct usb_device *usb;
	pthread_t thread;
	int ends[2];

	if (!size)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	server.fd = ends[1];
	if (pthread_create(&thread, NULL, serve, &server) != 0)
		abort();
	usb = usb_ip_link_new(ends[0], &device, &info);
	converse(usb, data[0] & 1);
	usb_close(usb);
	pthread_join(thread, NULL);
	close(ends[1]);
	return 0;
}
