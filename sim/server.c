// SPDX-License-Identifier: MIT
#include "sim/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define READ_SIZE ((size_t)256 << 10)

struct client {
	struct loop_watch watch;
	struct server *server;
	struct session session;
	struct client *next;
};

struct server {
	struct loop *loop;
	struct sim_bus *bus;
	struct loop_watch listener, ticker;
	struct client *clients;
	int64_t idle_us;  /* how long it may be idle; LOOP_NEVER: for ever */
	int64_t since_us; /* no client since then; LOOP_NEVER: none came yet */
	uint8_t data[READ_SIZE];
};

void server_address(int fd, char out[SERVER_ADDRESS])
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);
	char host[INET6_ADDRSTRLEN], port[8];

	snprintf(out, SERVER_ADDRESS, "?");
	if (getsockname(fd, (struct sockaddr *)&name, &size) < 0 ||
	    getnameinfo((struct sockaddr *)&name, size, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	snprintf(out, SERVER_ADDRESS, name.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* "HOST[:PORT]", "[V6][:PORT]" taken apart; *port stays when there is none. */
static void split(const char *address, char **host, char **port, const char *otherwise)
{
	const char *colon = strrchr(address, ':'), *bracket = strchr(address, ']');
	size_t length;

	if (bracket && colon && colon < bracket)
		colon = NULL;
	length = colon ? (size_t)(colon - address) : strlen(address);
	*port = xstrdup(colon ? colon + 1 : otherwise);
	if (address[0] == '[' && bracket)
		*host = xstrndup(address + 1, (size_t)(bracket - address - 1));
	else
		*host = xstrndup(address, length);
}

int server_bind(const char *address, const char *port, int type, int *fd, struct err *err)
{
	const struct addrinfo hints = {.ai_socktype = type,
				       .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	_cleanup_(freep) char *host = NULL, *service = NULL;
	_cleanup_(closep) int made = -1;
	struct addrinfo *list = NULL;
	int one = 1, rc;

	split(address, &host, &service, port);
	rc = getaddrinfo(host[0] ? host : NULL, service, &hints, &list);
	if (rc) {
		err_set(err, ERR_USAGE, "\"%s\": %s", address, gai_strerror(rc));
		return err_remedy(err, "give it as HOST:PORT, as in 127.0.0.1:3240; port 0 is any "
				       "free one");
	}
	made = socket(list->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made >= 0 && type == SOCK_STREAM)
		setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	rc = made < 0 || bind(made, list->ai_addr, list->ai_addrlen) < 0;
	freeaddrinfo(list);
	if (rc) {
		err_errno(err, ERR_HOST, "listening on %s", address);
		return err_remedy(err, "another program may hold the port (a usbipd?); port 0, as "
				       "in 127.0.0.1:0, takes any free one and tells which");
	}
	*fd = steal_fd(&made);
	return 0;
}

int server_listen(const char *address, const char *port, int *fd, struct err *err)
{
	int rc = server_bind(address, port, SOCK_STREAM, fd, err);

	if (rc < 0 || listen(*fd, 64) == 0)
		return rc;
	err_errno(err, ERR_HOST, "listening on %s", address);
	closep(fd);
	return -ERR_HOST;
}

static void client_free(struct client *client)
{
	struct server *server = client->server;
	struct client **at;

	for (at = &server->clients; *at != client; at = &(*at)->next)
		;
	*at = client->next;
	loop_remove(server->loop, &client->watch);
	session_end(&client->session, loop_now());
	close(client->watch.fd);
	free(client);
	if (!server->clients)
		server->since_us = loop_now();
}

/* False: the client is gone. */
static bool client_read(struct client *client, int64_t now_us)
{
	struct server *server = client->server;
	ssize_t got = read(client->watch.fd, server->data, READ_SIZE);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	session_take(&client->session, server->data, (size_t)got, now_us);
	return true;
}

static bool client_write(struct client *client)
{
	struct buf *out = &client->session.out;
	ssize_t sent;

	if (!out->size)
		return true;
	sent = send(client->watch.fd, out->data, out->size, MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_drop(out, (size_t)sent);
	return true;
}

/* A device that comes back later is looked at when it is time, and so is idleness. */
static void plan_tick(struct server *server)
{
	bool absent = false;
	size_t i;

	server->ticker.due_us = LOOP_NEVER;
	for (i = 0; i < server->bus->count; i++) {
		const struct sim_port *port = &server->bus->ports[i];

		if (port->present)
			continue;
		absent |= port->back_us != LOOP_NEVER;
		if (port->back_us < server->ticker.due_us)
			server->ticker.due_us = port->back_us;
	}
	if (absent || server->clients || server->idle_us == LOOP_NEVER ||
	    server->since_us == LOOP_NEVER)
		return;
	server->ticker.due_us = server->since_us + server->idle_us;
}

static void client_wake(struct loop_watch *watch, short events, int64_t now_us)
{
	struct client *client = container_of(watch, struct client, watch);
	struct session *session = &client->session;
	struct server *server = client->server;
	bool there = true;

	if (events & (POLLIN | POLLHUP | POLLERR) && !session->closing)
		there = client_read(client, now_us);
	session_work(session, now_us);
	there = there && client_write(client);
	if (!there || (session->closing && !session->out.size)) {
		client_free(client);
		plan_tick(server);
		return;
	}
	watch->events = session->closing || session_full(session) ? 0 : POLLIN;
	if (session->out.size)
		watch->events |= POLLOUT;
	watch->due_us = session->due_us;
	plan_tick(server);
}

static void accept_client(struct loop_watch *watch, short events, int64_t now_us)
{
	struct server *server = container_of(watch, struct server, listener);
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), one = 1;
	struct client *client;

	(void)events;
	(void)now_us;
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	client = xcalloc(1, sizeof(*client));
	client->server = server;
	client->watch = (struct loop_watch){fd, POLLIN, LOOP_NEVER, client_wake};
	session_begin(&client->session, server->bus);
	client->next = server->clients;
	server->clients = client;
	loop_add(server->loop, &client->watch);
	plan_tick(server);
}

static void tick(struct loop_watch *watch, short events, int64_t now_us)
{
	struct server *server = container_of(watch, struct server, ticker);
	size_t i;

	(void)events;
	for (i = 0; i < server->bus->count; i++)
		sim_port_tick(&server->bus->ports[i], now_us);
	if (!server->clients && server->since_us != LOOP_NEVER && server->idle_us != LOOP_NEVER &&
	    now_us >= server->since_us + server->idle_us)
		server->loop->stop = true;
	plan_tick(server);
}

struct server *server_new(struct loop *loop, struct sim_bus *bus, int fd)
{
	struct server *server = xcalloc(1, sizeof(*server));

	server->loop = loop;
	server->bus = bus;
	server->idle_us = server->since_us = LOOP_NEVER;
	server->listener = (struct loop_watch){fd, POLLIN, LOOP_NEVER, accept_client};
	server->ticker = (struct loop_watch){-1, 0, LOOP_NEVER, tick};
	loop_add(loop, &server->listener);
	loop_add(loop, &server->ticker);
	return server;
}

void server_until_idle(struct server *server, int64_t idle_ms)
{
	server->idle_us = idle_ms * 1000;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	while (server->clients)
		client_free(server->clients);
	loop_remove(server->loop, &server->listener);
	loop_remove(server->loop, &server->ticker);
	close(server->listener.fd);
	free(server);
}

void server_freep(struct server **server)
{
	server_free(*server);
}
