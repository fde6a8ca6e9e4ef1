// SPDX-License-Identifier: MIT
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "serve/tftp_internal.h"

#define SEND_BUFFER (1 << 20) /* bytes: a window is never dropped on our own side */

int64_t tftp_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void tftp_transfer_free(struct tftp_transfer *transfer)
{
	closep(&transfer->fd);
	free(transfer);
}

static void transfer_freep(struct tftp_transfer **transfer)
{
	if (*transfer)
		tftp_transfer_free(*transfer);
}

/* Our own address with any free port: the transfer's identifier of RFC 1350. */
static int bind_beside(const struct tftp_server *server, int fd)
{
	struct sockaddr_storage local = {0};
	socklen_t size = sizeof(local);

	if (getsockname(server->listen_fd, (struct sockaddr *)&local, &size) < 0)
		return -1;
	if (local.ss_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)&local)->sin6_port = 0;
	else
		((struct sockaddr_in *)(void *)&local)->sin_port = 0;
	return bind(fd, (struct sockaddr *)&local, size);
}

int tftp_transfer_open(struct tftp_transfer **transfer, struct tftp_server *server,
		       const struct sockaddr_storage *peer, socklen_t peer_size, struct err *err)
{
	_cleanup_(transfer_freep) struct tftp_transfer *made = xcalloc(1, sizeof(*made));
	/* Never stuck in send() for long: what a full queue swallows is sent again. */
	struct timeval patience = {.tv_usec = 100000};
	int bytes = SEND_BUFFER;

	made->peer = *peer;
	made->fd = socket(peer->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (made->fd < 0)
		return err_errno(err, ERR_HOST, "making a UDP socket");
	setsockopt(made->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(made->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (bind_beside(server, made->fd) < 0)
		return err_errno(err, ERR_HOST, "binding a UDP socket");
	if (connect(made->fd, (const struct sockaddr *)peer, peer_size) < 0)
		return err_errno(err, ERR_HOST, "connecting a UDP socket");
	*transfer = steal(made);
	return 0;
}

void tftp_transfer_start(struct tftp_transfer *transfer, struct tftp_server *server,
			 const struct tftp_request *request, struct tftp_file *file)
{
	struct tftp_source source = {.read = tftp_file_read, .context = file, .size = file->size};

	transfer->file = file;
	transfer->resent_before = 0;
	tftp_send_start(&transfer->send, request, &source, server->window, tftp_clock_us());
	pthread_mutex_lock(&server->lock);
	file->progress.begun++;
	file->progress.sent = 0;
	pthread_mutex_unlock(&server->lock);
}

/* False: the client's port is closed (the kernel passes on an ICMP error). */
static bool receive(struct tftp_transfer *transfer)
{
	uint8_t packet[2048];
	ssize_t size;

	for (;;) {
		size = recv(transfer->fd, packet, sizeof(packet), MSG_DONTWAIT);
		if (size < 0 && errno == ECONNREFUSED)
			return false;
		if (size < 0 && errno != EINTR)
			return true;
		if (size >= 0)
			tftp_send_receive(&transfer->send, packet, (size_t)size, tftp_clock_us());
	}
}

/* A datagram that cannot be sent now is as good as one lost on the way. One call a datagram:
   sendmmsg() was measured to save nothing. */
static void send_due(struct tftp_transfer *transfer, struct tftp_server *server)
{
	unsigned int count;
	size_t size;

	for (count = 0; count < TFTP_TURN; count++) {
		size = tftp_send_next(&transfer->send, server->scratch, tftp_clock_us());
		if (!size)
			return;
		if (server->send_filter &&
		    !server->send_filter(server->filter_context, server->scratch, size))
			continue;
		send(transfer->fd, server->scratch, size, MSG_NOSIGNAL);
	}
}

static void publish(struct tftp_transfer *transfer, struct tftp_server *server)
{
	struct tftp_progress *progress = &transfer->file->progress;
	struct tftp_send *send = &transfer->send;

	pthread_mutex_lock(&server->lock);
	progress->sent = tftp_send_bytes(send);
	progress->resent += send->resent - transfer->resent_before;
	transfer->resent_before = send->resent;
	if (send->state == TFTP_SEND_DONE)
		progress->ended++;
	if (send->state == TFTP_SEND_FAILED)
		snprintf(progress->last_error, sizeof(progress->last_error), "%s", send->error);
	pthread_mutex_unlock(&server->lock);
}

bool tftp_transfer_step(struct tftp_transfer *transfer, struct tftp_server *server)
{
	if (receive(transfer))
		send_due(transfer, server);
	else
		tftp_send_abandon(&transfer->send, "the client has closed its port");
	publish(transfer, server);
	return !tftp_send_ended(&transfer->send);
}
