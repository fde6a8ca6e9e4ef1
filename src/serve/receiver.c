// SPDX-License-Identifier: MIT
#include "serve/receiver.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/mem.h"

#define PIECE ((size_t)256 << 10)

struct receiver {
	struct receiver_settings settings;
	int listener, stop;
	uint16_t port;
	pthread_t thread;
	pthread_mutex_t lock;
	struct receiver_progress progress; /* under the lock */
};

static void report(struct receiver *receiver, size_t more, bool ended, const struct err *err)
{
	pthread_mutex_lock(&receiver->lock);
	receiver->progress.bytes += more;
	receiver->progress.ended = ended;
	if (err) {
		receiver->progress.failed = true;
		receiver->progress.err = *err;
	}
	pthread_mutex_unlock(&receiver->lock);
}

/* Waits for the peer's connection; others are turned away. */
static int accept_peer(struct receiver *receiver, struct deadline deadline, struct err *err)
{
	struct pollfd ready = {.fd = receiver->listener, .events = POLLIN};
	struct sockaddr_in from;
	socklen_t size;
	int fd, rc;

	for (;;) {
		rc = deadline_poll(&ready, 1, deadline, err);
		if (rc < 0)
			return rc;
		size = sizeof(from);
		fd = accept4(receiver->listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		if (!receiver->settings.peer.s_addr ||
		    from.sin_addr.s_addr == receiver->settings.peer.s_addr)
			return fd;
		close(fd);
	}
}

static int drain(struct receiver *receiver, int fd, struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *piece = xmalloc(PIECE);
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	ssize_t got;
	int rc;

	for (;;) {
		rc = deadline_poll(&ready, 1, deadline, err);
		if (rc < 0)
			return rc;
		got = recv(fd, piece, PIECE, 0);
		if (got < 0)
			return err_errno(err, ERR_NETWORK, "receiving from the board");
		if (got == 0)
			return 0;
		rc = receiver->settings.take(receiver->settings.context, piece, (size_t)got, err);
		if (rc < 0)
			return rc;
		report(receiver, (size_t)got, false, NULL);
	}
}

static void *work(void *context)
{
	struct receiver *receiver = context;
	struct deadline deadline = {.at_ms = INT64_MAX, .cancel_fd = receiver->stop};
	struct err err = {0};
	_cleanup_(closep) int fd = accept_peer(receiver, deadline, &err);
	int rc = fd < 0 ? fd : drain(receiver, fd, deadline, &err);

	report(receiver, 0, true, rc < 0 ? &err : NULL);
	return NULL;
}

static int listen_on(struct receiver *receiver, struct err *err)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = receiver->settings.address};
	socklen_t size = sizeof(here);

	receiver->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (receiver->listener < 0 ||
	    bind(receiver->listener, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    listen(receiver->listener, 4) < 0 ||
	    getsockname(receiver->listener, (struct sockaddr *)&here, &size) < 0)
		return err_errno(err, ERR_HOST, "cannot listen for the board's stream");
	receiver->port = ntohs(here.sin_port);
	return 0;
}

int receiver_start(struct receiver **made, const struct receiver_settings *settings,
		   struct err *err)
{
	struct receiver *receiver = xcalloc(1, sizeof(*receiver));
	int rc;

	receiver->settings = *settings;
	receiver->stop = eventfd(0, EFD_CLOEXEC);
	rc = listen_on(receiver, err);
	if (rc < 0) {
		closep(&receiver->listener);
		closep(&receiver->stop);
		free(receiver);
		return rc;
	}
	pthread_mutex_init(&receiver->lock, NULL);
	if (pthread_create(&receiver->thread, NULL, work, receiver) != 0)
		abort();
	*made = receiver;
	return 0;
}

uint16_t receiver_port(const struct receiver *receiver)
{
	return receiver->port;
}

void receiver_progress(struct receiver *receiver, struct receiver_progress *progress)
{
	pthread_mutex_lock(&receiver->lock);
	*progress = receiver->progress;
	pthread_mutex_unlock(&receiver->lock);
}

void receiver_stop(struct receiver *receiver)
{
	uint64_t one = 1;

	if (!receiver)
		return;
	if (write(receiver->stop, &one, sizeof(one)) != sizeof(one))
		abort();
	pthread_join(receiver->thread, NULL);
	close(receiver->listener);
	close(receiver->stop);
	pthread_mutex_destroy(&receiver->lock);
	free(receiver);
}
