// SPDX-License-Identifier: MIT
/* "FB01" both ways, then messages with a length of 8 bytes before them, big endian. One client at a
   time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "sim/fb_usb.h"
#include "sim/server.h"

#define HANDSHAKE 4
#define LENGTH    8
#define COMMAND   64
#define READ_SIZE ((size_t)64 << 10)

struct tcp {
	struct fb_net net;
	struct loop_watch listener, client; /* client.fd -1: none */
	struct loop *loop;
	struct fb_device *fb;
	bool commands_only, greeted;
	uint64_t left; /* bytes of the message that is being taken */
	struct buf in, out;
};

static void hang_up(struct tcp *tcp)
{
	if (tcp->client.fd < 0)
		return;
	loop_remove(tcp->loop, &tcp->client);
	close(tcp->client.fd);
	tcp->client.fd = -1;
	tcp->greeted = false;
	tcp->left = 0;
	buf_clear(&tcp->in);
	buf_clear(&tcp->out);
	fb_begin(tcp->fb);
}

static void give_answers(struct tcp *tcp)
{
	uint8_t length[LENGTH] = {0};
	struct fb_answer answer;

	while (fb_give(tcp->fb, &answer)) {
		put_be32(length + 4, (uint32_t)strlen(answer.text));
		buf_add(&tcp->out, length, sizeof(length));
		buf_add_text(&tcp->out, answer.text);
	}
}

/* U-Boot's server cannot receive data: it takes them for commands. */
static void take_piece(struct tcp *tcp, const uint8_t *data, size_t size)
{
	if (tcp->commands_only)
		tcp->fb->receiving = 0;
	fb_take(tcp->fb, data, size);
	give_answers(tcp);
}

/* Data are given on as they come; a command when it is whole. Bytes taken; 0: more are needed. */
static size_t take_message(struct tcp *tcp, const uint8_t *data, size_t size)
{
	size_t step = size < tcp->left ? size : (size_t)tcp->left;

	if (!tcp->fb->receiving && step < tcp->left)
		return 0;
	take_piece(tcp, data, step);
	tcp->left -= step;
	return step;
}

static size_t take_some(struct tcp *tcp, const uint8_t *data, size_t size)
{
	if (!tcp->greeted) {
		if (size < HANDSHAKE)
			return 0;
		if (memcmp(data, "FB", 2) != 0)
			return SIZE_MAX;
		tcp->greeted = true;
		buf_add_text(&tcp->out, "FB01");
		return HANDSHAKE;
	}
	if (tcp->left)
		return take_message(tcp, data, size);
	if (size < LENGTH)
		return 0;
	tcp->left = (uint64_t)be32(data) << 32 | be32(data + 4);
	if (!tcp->fb->receiving && tcp->left > COMMAND)
		return SIZE_MAX;
	return LENGTH;
}

static bool take(struct tcp *tcp)
{
	size_t at = 0, step;

	while (at < tcp->in.size) {
		step = take_some(tcp, (const uint8_t *)tcp->in.data + at, tcp->in.size - at);
		if (step == SIZE_MAX)
			return false;
		if (!step)
			break;
		at += step;
	}
	buf_drop(&tcp->in, at);
	return true;
}

static bool client_read(struct tcp *tcp)
{
	_cleanup_(freep) uint8_t *data = xmalloc(READ_SIZE);
	ssize_t got = read(tcp->client.fd, data, READ_SIZE);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	buf_add(&tcp->in, data, (size_t)got);
	return take(tcp);
}

/* What the work took is what the answers wait for. */
static bool client_write(struct tcp *tcp, int64_t now_us)
{
	struct sim_device *device = tcp->fb->device;
	ssize_t sent;

	if (tcp->client.due_us == LOOP_NEVER && device->busy_us)
		tcp->client.due_us = now_us + device->busy_us;
	device->busy_us = 0;
	if (tcp->client.due_us != LOOP_NEVER && tcp->client.due_us > now_us)
		return true;
	tcp->client.due_us = LOOP_NEVER;
	if (tcp->out.size) {
		sent = send(tcp->client.fd, tcp->out.data, tcp->out.size, MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR;
		buf_drop(&tcp->out, (size_t)sent);
	}
	return tcp->out.size || fb_ended(tcp->fb) == FB_STAYS;
}

static void client_wake(struct loop_watch *watch, short events, int64_t now_us)
{
	struct tcp *tcp = container_of(watch, struct tcp, client);

	tcp->fb->device->now_us = now_us;
	if (events & (POLLIN | POLLHUP | POLLERR) && !client_read(tcp)) {
		hang_up(tcp);
		return;
	}
	if (!client_write(tcp, now_us)) {
		hang_up(tcp);
		return;
	}
	watch->events = POLLIN;
	if (tcp->out.size && watch->due_us == LOOP_NEVER)
		watch->events |= POLLOUT;
}

static void accept_client(struct loop_watch *watch, short events, int64_t now_us)
{
	struct tcp *tcp = container_of(watch, struct tcp, listener);
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	(void)now_us;
	if (fd < 0)
		return;
	hang_up(tcp); /* the last one to come has the device */
	tcp->client = (struct loop_watch){fd, POLLIN, LOOP_NEVER, client_wake};
	loop_add(tcp->loop, &tcp->client);
}

static void tcp_free(struct fb_net *net)
{
	struct tcp *tcp = container_of(net, struct tcp, net);

	hang_up(tcp);
	loop_remove(tcp->loop, &tcp->listener);
	close(tcp->listener.fd);
	buf_free(&tcp->in);
	buf_free(&tcp->out);
	free(tcp);
}

int fb_tcp_new(struct fb_net **net, struct fb_device *fb, struct loop *loop,
	       const struct fb_net_settings *settings, char bound[80], struct err *err)
{
	struct tcp *tcp;
	int fd, rc;

	rc = server_listen(settings->address, "5554", &fd, err);
	if (rc < 0)
		return rc;
	server_address(fd, bound);
	tcp = xcalloc(1, sizeof(*tcp));
	tcp->net.free = tcp_free;
	tcp->fb = fb;
	tcp->loop = loop;
	tcp->commands_only = settings->commands_only;
	tcp->client.fd = -1;
	tcp->listener = (struct loop_watch){fd, POLLIN, LOOP_NEVER, accept_client};
	loop_add(loop, &tcp->listener);
	*net = &tcp->net;
	return 0;
}
