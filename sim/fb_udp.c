// SPDX-License-Identifier: MIT
/* Packets of id, flags, sequence (big endian) and data. Each is answered, and an answer that was
   lost is given again without doing anything twice. The sequence is not reset between clients, and
   an INIT does not end what an earlier client left half-done: both as U-Boot does it. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "sim/fb_usb.h"
#include "sim/server.h"

#define HEAD       4
#define PACKET_MAX 1024
#define CONTINUES  1 /* flag: the message goes on in the next packet */

enum {
	ID_ERROR,
	ID_QUERY,
	ID_INIT,
	ID_FASTBOOT
};

struct udp {
	struct fb_net net;
	struct loop_watch watch;
	struct loop *loop;
	struct fb_device *fb;
	uint16_t sequence; /* expected next */
	uint64_t lose, seen;
	struct buf message;
	uint8_t reply[PACKET_MAX]; /* the last one */
	size_t reply_size;
	struct sockaddr_storage peer;
	socklen_t peer_size;
};

static bool lost(struct udp *udp)
{
	return udp->lose && ++udp->seen % udp->lose == 0;
}

static void send_reply(struct udp *udp)
{
	udp->watch.due_us = LOOP_NEVER;
	if (!lost(udp))
		sendto(udp->watch.fd, udp->reply, udp->reply_size, 0,
		       (const struct sockaddr *)&udp->peer, udp->peer_size);
}

static void begin_reply(struct udp *udp, const uint8_t *packet)
{
	memcpy(udp->reply, packet, HEAD);
	udp->reply[1] = 0;
	udp->reply_size = HEAD;
}

static void add_u16(struct udp *udp, uint16_t value)
{
	put_be16(udp->reply + udp->reply_size, value);
	udp->reply_size += 2;
}

/* Data, a command, or (empty) the wish to read an answer. */
static void take_fastboot(struct udp *udp, const uint8_t *packet, size_t size)
{
	struct fb_answer answer;
	size_t length = size - HEAD;

	if (udp->fb->receiving && length) {
		fb_take(udp->fb, packet + HEAD, length);
		return;
	}
	if (length) {
		buf_add(&udp->message, packet + HEAD, length);
		if (packet[1] & CONTINUES)
			return;
		fb_take(udp->fb, (const uint8_t *)buf_text(&udp->message), udp->message.size);
		buf_clear(&udp->message);
		return;
	}
	if (fb_give(udp->fb, &answer)) {
		memcpy(udp->reply + HEAD, answer.text, strlen(answer.text));
		udp->reply_size += strlen(answer.text);
	}
}

static void take_new(struct udp *udp, const uint8_t *packet, size_t size)
{
	udp->sequence++;
	begin_reply(udp, packet);
	if (packet[0] == ID_INIT) {
		add_u16(udp, 1);
		add_u16(udp, PACKET_MAX);
	} else if (packet[0] == ID_FASTBOOT) {
		take_fastboot(udp, packet, size);
	}
}

static void take(struct udp *udp, const uint8_t *packet, size_t size, int64_t now_us)
{
	struct sim_device *device = udp->fb->device;
	uint16_t sequence = be16(packet + 2);

	if (packet[0] == ID_QUERY) {
		uint8_t answer[HEAD + 2] = {ID_QUERY, 0, packet[2], packet[3]};

		put_be16(answer + HEAD, udp->sequence);
		if (!lost(udp))
			sendto(udp->watch.fd, answer, sizeof(answer), 0,
			       (const struct sockaddr *)&udp->peer, udp->peer_size);
		return;
	}
	if (udp->watch.due_us != LOOP_NEVER) /* at work */
		return;
	device->now_us = now_us;
	if (sequence == udp->sequence)
		take_new(udp, packet, size);
	else if (sequence != (uint16_t)(udp->sequence - 1) || !udp->reply_size)
		return;
	udp->watch.due_us = now_us + device->busy_us;
	device->busy_us = 0;
	if (udp->watch.due_us <= now_us)
		send_reply(udp);
}

static void wake(struct loop_watch *watch, short events, int64_t now_us)
{
	struct udp *udp = container_of(watch, struct udp, watch);
	uint8_t packet[PACKET_MAX];
	ssize_t got;

	if (watch->due_us <= now_us)
		send_reply(udp);
	if (!(events & POLLIN))
		return;
	udp->peer_size = sizeof(udp->peer);
	got = recvfrom(watch->fd, packet, sizeof(packet), 0, (struct sockaddr *)&udp->peer,
		       &udp->peer_size);
	if (got >= HEAD && !lost(udp))
		take(udp, packet, (size_t)got, now_us);
	if (fb_ended(udp->fb) != FB_STAYS)
		fb_begin(udp->fb);
}

static void udp_free(struct fb_net *net)
{
	struct udp *udp = container_of(net, struct udp, net);

	loop_remove(udp->loop, &udp->watch);
	close(udp->watch.fd);
	buf_free(&udp->message);
	free(udp);
}

int fb_udp_new(struct fb_net **net, struct fb_device *fb, struct loop *loop,
	       const struct fb_net_settings *settings, char bound[80], struct err *err)
{
	struct udp *udp;
	int fd, rc;

	rc = server_bind(settings->address, "5554", SOCK_DGRAM, &fd, err);
	if (rc < 0)
		return rc;
	server_address(fd, bound);
	udp = xcalloc(1, sizeof(*udp));
	udp->net.free = udp_free;
	udp->fb = fb;
	udp->loop = loop;
	udp->sequence = settings->sequence;
	udp->lose = settings->lose;
	udp->message.max = PACKET_MAX * 4;
	udp->watch = (struct loop_watch){fd, POLLIN, LOOP_NEVER, wake};
	loop_add(loop, &udp->watch);
	*net = &udp->net;
	return 0;
}
