// SPDX-License-Identifier: MIT
/*
 * Takes one stream of bytes over TCP from one peer: what a board sends when a target is read. A
 * thread of its own; what comes goes to a consumer. Connections from any other address are closed
 * unread.
 */
#ifndef ABOARD_SERVE_RECEIVER_H
#define ABOARD_SERVE_RECEIVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct receiver;

struct receiver_settings {
	struct in_addr address; /* ours, to listen on (network byte order) */
	struct in_addr peer;    /* the only one that is listened to; 0: any */
	/* Called from the thread with what came; an error ends the stream. */
	int (*take)(void *context, const void *data, size_t size, struct err *err);
	void *context;
};

int receiver_start(struct receiver **receiver, const struct receiver_settings *settings,
		   struct err *err);
uint16_t receiver_port(const struct receiver *receiver);

struct receiver_progress {
	uint64_t bytes;
	bool ended; /* the peer has closed its side, or `failed` */
	bool failed;
	struct err err;
};

void receiver_progress(struct receiver *receiver, struct receiver_progress *progress);

/* Ends the thread, also in the middle of a stream. NULL is fine. */
void receiver_stop(struct receiver *receiver);

#endif
