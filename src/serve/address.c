// SPDX-License-Identifier: MIT
#include "serve/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static int read_address(const char *address, uint16_t port, struct serve_address *out,
			struct err *err)
{
	struct addrinfo wanted = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				  .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char text[8];
	int rc;

	snprintf(text, sizeof(text), "%u", port);
	rc = getaddrinfo(address, text, &wanted, &found);
	if (rc != 0)
		return err_set(err, ERR_CONFIG, "%s is not a numeric address: %s", address,
			       gai_strerror(rc));
	*out = (struct serve_address){.size = found->ai_addrlen};
	memcpy(&out->socket, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

int serve_socket(const char *address, uint16_t port, int type, struct serve_address *out, int *fd,
		 struct err *err)
{
	int rc = read_address(address, port, out, err);

	if (rc < 0)
		return rc;
	*fd = socket(out->socket.ss_family, type | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return err_errno(err, ERR_HOST, "making a socket");
	return 0;
}

uint16_t serve_port(int fd)
{
	struct sockaddr_storage local = {0};
	socklen_t size = sizeof(local);

	getsockname(fd, (struct sockaddr *)&local, &size);
	if (local.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)(void *)&local)->sin6_port);
	return ntohs(((struct sockaddr_in *)(void *)&local)->sin_port);
}

void serve_block_signals(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
}
