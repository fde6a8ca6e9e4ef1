// SPDX-License-Identifier: MIT
/*
 * What the two servers of a job do alike: numeric addresses, the port that was given, threads that
 * leave signals to the main thread.
 */
#ifndef ABOARD_SERVE_ADDRESS_H
#define ABOARD_SERVE_ADDRESS_H

#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

/* A numeric IPv4 or IPv6 address and a port. */
struct serve_address {
	struct sockaddr_storage socket;
	socklen_t size;
};

/* Reads an address and opens a socket of `type` (SOCK_DGRAM, SOCK_STREAM, flags or-ed in) for it,
   close-on-exec, not bound. -ERR_CONFIG when it is not numeric. The caller closes *fd. */
int serve_socket(const char *address, uint16_t port, int type, struct serve_address *out, int *fd,
		 struct err *err);

/* The local port of a bound socket. */
uint16_t serve_port(int fd);

/* Blocks all signals, so that a thread made now starts so. The caller restores *before. */
void serve_block_signals(sigset_t *before);

#endif
