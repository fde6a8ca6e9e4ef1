// SPDX-License-Identifier: MIT
/*
 * The TFTP server of one job: a thread of its own that serves only the files that were staged, read
 * only, on one address and one port. Options blksize, timeout, tsize, windowsize (RFC 2347, 2348,
 * 2349, 7440), with gap recovery by a short timer of our own, because U-Boot's gap ACKs cannot be
 * relied on.
 */
#ifndef ABOARD_SERVE_TFTP_SERVER_H
#define ABOARD_SERVE_TFTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct tftp_server;

struct tftp_settings {
	const char *address; /* numeric local IPv4 or IPv6 address to bind */
	uint16_t port;       /* 0: any free one; 69 is the standard's */
	unsigned int window; /* largest windowsize granted; 0: 64 */
	/* For tests: seen for every datagram about to be sent; false drops it. NULL: all are sent.
	 */
	bool (*send_filter)(void *context, const void *packet, size_t size);
	void *filter_context;
};

/* Binds and starts. A port that cannot be bound is ERR_HOST with what to do about it. */
int tftp_server_start(struct tftp_server **server, const struct tftp_settings *settings,
		      struct err *err);

uint16_t tftp_server_port(const struct tftp_server *server);

/* Stages one file under a name (confined, at most 100 bytes); from now on it can be fetched. The
   file is opened now and read while it is sent. A name can be staged once. */
int tftp_server_add_file(struct tftp_server *server, const char *name, const char *path,
			 struct err *err);

/* The same from memory, which is copied. */
int tftp_server_add_data(struct tftp_server *server, const char *name, const void *data,
			 size_t size, struct err *err);

/* What was sent of a staged file. Zeros when it was never asked for. */
struct tftp_progress {
	uint64_t sent;        /* bytes acknowledged of the newest transfer */
	uint64_t size;        /* of the file */
	unsigned int begun;   /* transfers begun */
	unsigned int ended;   /* transfers acknowledged to the last block */
	uint64_t resent;      /* datagrams sent again, over all transfers */
	char last_error[128]; /* what the newest failed transfer ended with; empty: none failed */
};

void tftp_server_progress(struct tftp_server *server, const char *name,
			  struct tftp_progress *progress);

/* Ends all transfers and the thread, frees the port. NULL is fine. */
void tftp_server_stop(struct tftp_server *server);

/* Whether the port can be bound right now, for preflight checks. */
int tftp_server_can_bind(const char *address, uint16_t port, struct err *err);

#endif
