// SPDX-License-Identifier: MIT
/*
 * What the parts of the TFTP server share: tftp_server.c is what its owner calls, tftp_files.c the
 * staged files, tftp_thread.c the thread, tftp_transfer.c one transfer with its own socket.
 */
#ifndef ABOARD_SERVE_TFTP_INTERNAL_H
#define ABOARD_SERVE_TFTP_INTERNAL_H

#include <pthread.h>
#include <sys/socket.h>

#include "proto/tftp_send.h"
#include "serve/tftp_server.h"

#define TFTP_TRANSFERS                                                                       \
	16           /* at once; a request beyond is not answered, and the client asks again \
		      */
#define TFTP_TURN 32 /* datagrams of one transfer before the others have their turn */

/* A staged file lives until the server stops. `progress` is under the server's lock, the rest never
   changes. */
struct tftp_file {
	char *name;
	int fd;     /* -1: from memory */
	void *data; /* NULL: from fd */
	uint64_t size;
	struct tftp_progress progress;
	struct tftp_file *next;
};

struct tftp_transfer {
	int fd; /* bound to our address, connected to the client's: nobody else gets in */
	struct sockaddr_storage peer;
	struct tftp_file *file;
	struct tftp_send send;
	uint64_t resent_before; /* how much of send.resent is counted in the progress already */
};

struct tftp_server {
	int listen_fd;
	int stop_fd; /* an eventfd: readable means end */
	unsigned int window;
	bool (*send_filter)(void *context, const void *packet, size_t size);
	void *filter_context;
	pthread_t thread;
	pthread_mutex_t lock; /* of `files` and their progress */
	struct tftp_file *files;
	/* Of the thread alone: */
	struct tftp_transfer *transfers[TFTP_TRANSFERS];
	size_t transfer_count;
	uint8_t *scratch; /* one datagram */
};

/* Microseconds on CLOCK_MONOTONIC. */
int64_t tftp_clock_us(void);

/* A bound UDP socket, close-on-exec. */
int tftp_bind(const char *address, uint16_t port, int *fd, struct err *err);

void *tftp_thread(void *server);

/* The staged file for a requested name ("/" and "./" before it are passed over), or NULL. */
struct tftp_file *tftp_file_find(struct tftp_server *server, const char *name);
void tftp_file_free(struct tftp_file *file);
int tftp_file_read(void *file, uint64_t offset, void *data, size_t size, struct err *err);

/* Opens the socket of a new transfer and begins it. */
int tftp_transfer_open(struct tftp_transfer **transfer, struct tftp_server *server,
		       const struct sockaddr_storage *peer, socklen_t peer_size, struct err *err);
void tftp_transfer_free(struct tftp_transfer *transfer);

/* Begins, or begins again, to send `file`. */
void tftp_transfer_start(struct tftp_transfer *transfer, struct tftp_server *server,
			 const struct tftp_request *request, struct tftp_file *file);

/* Takes what the client sent and sends what is due. False: it has ended. */
bool tftp_transfer_step(struct tftp_transfer *transfer, struct tftp_server *server);

#endif
