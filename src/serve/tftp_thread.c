// SPDX-License-Identifier: MIT
#include <poll.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "serve/tftp_internal.h"

#define POLL_STOP     0
#define POLL_LISTEN   1
#define POLL_TRANSFER 2

/* What is not served, and what the client is told. The codes are ones U-Boot does not retry. */
static void refuse(struct tftp_server *server, const struct sockaddr_storage *peer,
		   socklen_t peer_size, enum tftp_error_code code, const char *text)
{
	uint8_t packet[TFTP_BLKSIZE_DEFAULT];
	size_t size = tftp_build_error(packet, sizeof(packet), code, text);

	if (server->send_filter && !server->send_filter(server->filter_context, packet, size))
		return;
	sendto(server->listen_fd, packet, size, 0, (const struct sockaddr *)peer, peer_size);
}

static struct tftp_transfer *transfer_of(struct tftp_server *server,
					 const struct sockaddr_storage *peer)
{
	size_t i;

	for (i = 0; i < server->transfer_count; i++)
		if (memcmp(&server->transfers[i]->peer, peer, sizeof(*peer)) == 0)
			return server->transfers[i];
	return NULL;
}

/* A client that asks again from the same port (its request or our answer was lost, or it started
   over) gets the same transfer from its beginning, from the port it may know already. */
static void accept_request(struct tftp_server *server, const struct sockaddr_storage *peer,
			   socklen_t peer_size, const struct tftp_request *request,
			   struct tftp_file *file)
{
	struct tftp_transfer *transfer = transfer_of(server, peer);

	if (!transfer) {
		if (server->transfer_count == TFTP_TRANSFERS)
			return;
		if (tftp_transfer_open(&transfer, server, peer, peer_size, NULL) < 0)
			return;
		server->transfers[server->transfer_count++] = transfer;
	}
	tftp_transfer_start(transfer, server, request, file);
}

static void take_request(struct tftp_server *server, const void *packet, size_t size,
			 const struct sockaddr_storage *peer, socklen_t peer_size)
{
	unsigned int opcode = tftp_opcode(packet, size);
	struct tftp_request request;
	struct tftp_file *file;

	if (opcode != TFTP_RRQ && opcode != TFTP_WRQ)
		return;
	if (opcode == TFTP_WRQ)
		return refuse(server, peer, peer_size, TFTP_ACCESS, "this server is read only");
	if (tftp_parse_request(packet, size, &request, NULL) < 0)
		return refuse(server, peer, peer_size, TFTP_ACCESS, "malformed request");
	file = tftp_file_find(server, request.name);
	if (!file)
		return refuse(server, peer, peer_size, TFTP_NOT_FOUND, "no such file");
	if (!request.octet)
		return refuse(server, peer, peer_size, TFTP_ACCESS,
			      "only mode octet is served (tftp -m binary)");
	accept_request(server, peer, peer_size, &request, file);
}

static void take_requests(struct tftp_server *server)
{
	struct sockaddr_storage peer;
	socklen_t peer_size;
	uint8_t packet[2048];
	ssize_t size;

	for (;;) {
		peer = (struct sockaddr_storage){0};
		peer_size = sizeof(peer);
		size = recvfrom(server->listen_fd, packet, sizeof(packet), MSG_DONTWAIT,
				(struct sockaddr *)&peer, &peer_size);
		if (size < 0)
			return;
		take_request(server, packet, (size_t)size, &peer, peer_size);
	}
}

static void step_transfers(struct tftp_server *server)
{
	size_t i = 0;

	while (i < server->transfer_count) {
		if (tftp_transfer_step(server->transfers[i], server)) {
			i++;
			continue;
		}
		tftp_transfer_free(server->transfers[i]);
		server->transfers[i] = server->transfers[--server->transfer_count];
	}
}

static int64_t next_wake(const struct tftp_server *server)
{
	int64_t wake = INT64_MAX, one;
	size_t i;

	for (i = 0; i < server->transfer_count; i++) {
		one = tftp_send_wake(&server->transfers[i]->send);
		if (one < wake)
			wake = one;
	}
	return wake;
}

/* False: the server is to stop. */
static bool wait_for_work(struct tftp_server *server)
{
	struct pollfd fds[POLL_TRANSFER + TFTP_TRANSFERS];
	int64_t wake = next_wake(server), left = wake - tftp_clock_us();
	struct timespec timeout;
	nfds_t count = POLL_TRANSFER;
	size_t i;

	if (left < 0)
		left = 0;
	timeout = (struct timespec){.tv_sec = left / 1000000, .tv_nsec = left % 1000000 * 1000};
	fds[POLL_STOP] = (struct pollfd){.fd = server->stop_fd, .events = POLLIN};
	fds[POLL_LISTEN] = (struct pollfd){.fd = server->listen_fd, .events = POLLIN};
	for (i = 0; i < server->transfer_count; i++)
		fds[count++] = (struct pollfd){.fd = server->transfers[i]->fd, .events = POLLIN};
	if (ppoll(fds, count, wake == INT64_MAX ? NULL : &timeout, NULL) < 0)
		return true;
	if (fds[POLL_LISTEN].revents)
		take_requests(server);
	return !fds[POLL_STOP].revents;
}

void *tftp_thread(void *context)
{
	struct tftp_server *server = context;

	while (wait_for_work(server))
		step_transfers(server);
	while (server->transfer_count)
		tftp_transfer_free(server->transfers[--server->transfer_count]);
	return NULL;
}
