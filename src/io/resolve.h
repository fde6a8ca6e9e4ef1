// SPDX-License-Identifier: MIT
/*
 * Names of hosts to addresses, under a deadline: the system's resolver can neither be cancelled nor
 * limited, so it runs in a thread of its own that is left behind when the wait is given up.
 */
#ifndef ABOARD_IO_RESOLVE_H
#define ABOARD_IO_RESOLVE_H

#include <netdb.h>

#include "base/deadline.h"
#include "base/err.h"

/* "HOST:PORT", "[V6]:PORT" split into two texts of the caller's; ERR_CONFIG when it has not this
   form. PORT is decimal, 1..65535. */
int resolve_split(const char *host_port, char **host, char **port, struct err *err);

/* TCP addresses of a host; free with freeaddrinfo(). ERR_NETWORK for an unknown name. */
int resolve_tcp(struct addrinfo **list, const char *host, const char *port,
		struct deadline deadline, struct err *err);

#endif
