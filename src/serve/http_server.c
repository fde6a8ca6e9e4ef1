// SPDX-License-Identifier: MIT
#include "serve/http_server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "serve/address.h"
#include "serve/http_internal.h"

static int listen_refused(const char *address, uint16_t port, struct err *err)
{
	int reason = errno;

	err_errno(err, ERR_HOST, "binding TCP port %u of %s for HTTP", port, address);
	if (reason == EACCES)
		return err_remedy(err, "ports below 1024 need a privilege; 0 takes any free port");
	if (reason == EADDRINUSE)
		return err_remedy(err,
				  "another program or another aboard job holds it; `ss -tlpn sport "
				  "= :%u` shows which. 0 takes any free port",
				  port);
	if (reason == EADDRNOTAVAIL)
		return err_remedy(err,
				  "no interface of this machine has the address %s: see `ip "
				  "address`",
				  address);
	return -ERR_HOST;
}

/* With SO_REUSEADDR the port can be bound while connections of a job that was killed still linger;
   it does not let two servers listen at once. libmicrohttpd's own option would. */
static int listen_on(const char *address, uint16_t port, int *fd, int *family, struct err *err)
{
	_cleanup_(closep) int made = -1;
	struct serve_address local;
	int rc, on = 1;

	rc = serve_socket(address, port, SOCK_STREAM | SOCK_NONBLOCK, &local, &made, err);
	if (rc < 0)
		return rc;
	setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(made, (struct sockaddr *)&local.socket, local.size) < 0 ||
	    listen(made, HTTP_CONNECTIONS) < 0)
		return listen_refused(address, port, err);
	*fd = steal_fd(&made);
	*family = local.socket.ss_family;
	return 0;
}

static void server_free(struct http_server *server)
{
	struct http_item *item;

	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	while ((item = server->items)) {
		server->items = item->next;
		http_item_free(item);
	}
	pthread_cond_destroy(&server->given);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

static void server_freep(struct http_server **server)
{
	if (*server)
		server_free(*server);
}

/* libmicrohttpd takes the listening socket over. */
static int start_daemon(struct http_server *server, int fd, int family, struct err *err)
{
	unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC;
	sigset_t before;

	if (family == AF_INET6)
		flags |= MHD_USE_IPv6;
	serve_block_signals(&before);
	server->daemon =
		MHD_start_daemon(flags, 0, NULL, NULL, http_reply, server, MHD_OPTION_LISTEN_SOCKET,
				 fd, MHD_OPTION_NOTIFY_COMPLETED, http_completed, server,
				 MHD_OPTION_CONNECTION_LIMIT, (unsigned int)HTTP_CONNECTIONS,
				 /* A chunk is at most so long. */
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_BLOCK, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!server->daemon)
		return err_set(err, ERR_HOST, "starting the HTTP server");
	return 0;
}

int http_server_start(struct http_server **server, const char *address, uint16_t port,
		      struct err *err)
{
	_cleanup_(server_freep) struct http_server *made = xcalloc(1, sizeof(*made));
	_cleanup_(closep) int fd = -1;
	int family = AF_UNSPEC, rc;

	pthread_mutex_init(&made->lock, NULL);
	pthread_cond_init(&made->given, NULL);
	rc = listen_on(address, port, &fd, &family, err);
	if (rc < 0)
		return rc;
	made->port = serve_port(fd);
	rc = start_daemon(made, fd, family, err);
	if (rc < 0)
		return rc;
	steal_fd(&fd);
	*server = steal(made);
	return 0;
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}

void http_server_stop(struct http_server *server)
{
	if (server)
		server_free(server);
}
