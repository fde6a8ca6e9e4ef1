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

/* A numeric IPv4 or IPv6 address and a port as a socket address; -ERR_CONFIG when it is neither. */
int serve_address(const char *address, uint16_t port, struct sockaddr_storage *out, socklen_t *size,
		  struct err *err);

/* The local port of a bound socket. */
uint16_t serve_port(int fd);

/* Blocks all signals, so that a thread made now starts so. The caller restores *before. */
void serve_block_signals(sigset_t *before);

#endif
