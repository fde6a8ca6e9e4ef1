// SPDX-License-Identifier: MIT
/*
 * The USB/IP server: listens, and gives each client a session (session.h).
 */
#ifndef ABOARD_SIM_SERVER_H
#define ABOARD_SIM_SERVER_H

#include "base/err.h"
#include "sim/loop.h"
#include "sim/session.h"

struct server;

/* A TCP socket that listens on "HOST:PORT" (port 0: any free one) or "HOST" (with `port`); the
   caller closes *fd. ERR_HOST: it cannot be bound; ERR_USAGE: it is no address. */
int server_listen(const char *address, const char *port, int *fd, struct err *err);

/* The same for a socket of any type, not listening. */
int server_bind(const char *address, const char *port, int type, int *fd, struct err *err);

/* Serves the bus on a listening socket, which it closes. */
struct server *server_new(struct loop *loop, struct sim_bus *bus, int fd);
void server_free(struct server *server);
void server_freep(struct server **server);

/* Ends the loop when no client was there for so long, after one was. */
void server_until_idle(struct server *server, int64_t idle_ms);

/* "127.0.0.1:3240" of a bound socket. */
#define SERVER_ADDRESS 80
void server_address(int fd, char out[SERVER_ADDRESS]);

#endif
