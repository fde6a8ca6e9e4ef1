// SPDX-License-Identifier: MIT
/* A fastboot device over UDP that answers as the input says, one packet for each of the host's.
   Four bytes make one: id, flags (bit 7: a wrong sequence number), and how many bytes follow. When
   the input is used up the device ends it. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "proto/fastboot_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT_MS   30
#define FETCH_SIZE 3000
#define PACKET     4

struct device {
	int fd;
	const uint8_t *data;
	size_t size;
};

/* The next packet of the input; false: there is none. */
static bool next_packet(struct device *device, struct fastboot_udp_packet *packet)
{
	const uint8_t *data = device->data;
	size_t follow;

	if (device->size < PACKET)
		return false;
	follow = le16(data + 2) & 0x3fff;
	if (follow > device->size - PACKET)
		follow = device->size - PACKET;
	packet->id = data[0];
	packet->more = data[1] & 1;
	packet->sequence = (uint16_t)(packet->sequence + (data[1] >> 7));
	packet->data = data + PACKET;
	packet->size = follow;
	device->data += PACKET + follow;
	device->size -= PACKET + follow;
	return true;
}

/* Until it has said that it ends, and the host has heard it: an empty datagram ends it. */
static void *serve(void *argument)
{
	struct device *device = argument;
	struct fastboot_udp_packet packet;
	struct sockaddr_in host;
	uint8_t in[FASTBOOT_UDP_PACKET_MAX], out[PACKET + 0x4000];
	socklen_t length = sizeof(host);
	ssize_t got;

	while ((got = recvfrom(device->fd, in, sizeof(in), 0, (struct sockaddr *)&host, &length)) >
	       0) {
		packet = (struct fastboot_udp_packet){.sequence = be16(in + 2)};
		if (!next_packet(device, &packet))
			packet.id = FASTBOOT_UDP_ERROR;
		sendto(device->fd, out, fastboot_udp_build(out, &packet), 0,
		       (struct sockaddr *)&host, length);
	}
	return NULL;
}

static int take(void *context, const void *data, size_t size, struct err *err)
{
	size_t *total = context;

	(void)data;
	(void)err;
	*total += size;
	return 0;
}

static void converse(const char *address)
{
	struct deadline deadline = deadline_of_cancel(-1, LIMIT_MS);
	struct fastboot fastboot = {0};
	char value[FASTBOOT_ANSWER];
	size_t total = 0;
	struct fastboot_sink sink = {take, &total};
	struct err err;
	bool known;

	if (fastboot_udp(&fastboot.link, address, deadline, &err) < 0)
		return;
	fastboot_getvar(&fastboot, "version", value, &known, deadline, &err);
	fastboot_download_bytes(&fastboot, "abcd", 4, deadline, &err);
	if (fastboot_fetch(&fastboot, "boot", 0, FETCH_SIZE, &sink, deadline, &err) == 0 &&
	    total != FETCH_SIZE)
		abort();
	fastboot_command(&fastboot, NULL, deadline, &err, "continue");
	fastboot_close(&fastboot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct device device = {.fd = -1, .data = data, .size = size};
	socklen_t length = sizeof(own);
	char address[64];
	pthread_t thread;

	device.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (device.fd < 0 || bind(device.fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
	    getsockname(device.fd, (struct sockaddr *)&own, &length) < 0 ||
	    pthread_create(&thread, NULL, serve, &device) != 0)
		abort();
	snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(own.sin_port));
	converse(address);
	sendto(device.fd, "", 0, 0, (struct sockaddr *)&own, sizeof(own));
	pthread_join(thread, NULL);
	close(device.fd);
	return 0;
}
