// SPDX-License-Identifier: MIT
#include "io/resolve.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

int resolve_split(const char *host_port, char **host, char **port, struct err *err)
{
	const char *colon = strrchr(host_port, ':'), *start = host_port, *end = colon;
	uint64_t number;

	if (!colon || !text_u64(colon + 1, 65535, &number) || !number ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return err_set(err, ERR_CONFIG, "'%s' has no port; HOST:PORT is needed", host_port);
	if (*start == '[') {
		start++;
		end--;
		if (end <= start || *end != ']')
			return err_set(err, ERR_CONFIG, "'%s' is not [IPV6]:PORT", host_port);
	} else if (memchr(start, ':', (size_t)(end - start))) {
		return err_set(err, ERR_CONFIG, "'%s' is ambiguous; an IPv6 address needs brackets",
			       host_port);
	}
	if (end <= start)
		return err_set(err, ERR_CONFIG, "'%s' has no host; HOST:PORT is needed", host_port);
	*host = xstrndup(start, (size_t)(end - start));
	*port = xstrdup(colon + 1);
	return 0;
}

/* Shared by the thread and the one who waits; the last of them frees it. */
struct lookup {
	atomic_int users;
	int done_fd;
	int status;
	struct addrinfo *list;
	char *host, *port;
};

static void lookup_release(struct lookup *lookup)
{
	if (atomic_fetch_sub(&lookup->users, 1) > 1)
		return;
	if (lookup->list)
		freeaddrinfo(lookup->list);
	closep(&lookup->done_fd);
	freep(&lookup->host);
	freep(&lookup->port);
	free(lookup);
}

static void lookup_releasep(struct lookup **lookup)
{
	if (*lookup)
		lookup_release(*lookup);
}

static void *lookup_run(void *context)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct lookup *lookup = context;
	uint64_t one = 1;

	lookup->status = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->list);
	if (write(lookup->done_fd, &one, sizeof(one)) != sizeof(one))
		abort();
	lookup_release(lookup);
	return NULL;
}

static int lookup_start(struct lookup *lookup, struct err *err)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int failed;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&lookup->users, 1);
	failed = pthread_create(&thread, &attributes, lookup_run, lookup);
	pthread_attr_destroy(&attributes);
	if (!failed)
		return 0;
	atomic_fetch_sub(&lookup->users, 1);
	return err_set(err, ERR_HOST, "cannot start a thread: %s", strerror(failed));
}

static int lookup_wait(struct lookup *lookup, struct addrinfo **list, struct deadline deadline,
		       struct err *err)
{
	struct pollfd done = {.fd = lookup->done_fd, .events = POLLIN};
	int rc = deadline_poll(&done, 1, deadline, err);
	uint64_t one;

	if (rc < 0)
		return rc;
	/* Reading, and not only seeing that there is something, orders what the thread wrote. */
	if (read(lookup->done_fd, &one, sizeof(one)) != sizeof(one))
		return err_errno(err, ERR_INTERNAL, "reading an event descriptor");
	if (lookup->status)
		return err_set(err, ERR_NETWORK, "%s", gai_strerror(lookup->status));
	*list = steal(lookup->list);
	return 0;
}

int resolve_tcp(struct addrinfo **list, const char *host, const char *port,
		struct deadline deadline, struct err *err)
{
	const struct addrinfo number = {.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	_cleanup_(lookup_releasep) struct lookup *lookup = NULL;
	int rc;

	if (getaddrinfo(host, port, &number, list) == 0)
		return 0;
	lookup = xcalloc(1, sizeof(*lookup));
	lookup->users = 1;
	lookup->host = xstrdup(host);
	lookup->port = xstrdup(port);
	lookup->done_fd = eventfd(0, EFD_CLOEXEC);
	if (lookup->done_fd < 0)
		return err_errno(err, ERR_HOST, "cannot make an event descriptor");
	rc = lookup_start(lookup, err);
	if (rc == 0)
		rc = lookup_wait(lookup, list, deadline, err);
	return rc < 0 ? err_prefix(err, "looking up %s", host) : 0;
}
