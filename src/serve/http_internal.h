// SPDX-License-Identifier: MIT
/*
 * What the parts of the HTTP server share: http_server.c is what its owner calls, http_items.c what
 * is served, http_reply.c the answers, given on libmicrohttpd's thread.
 */
#ifndef ABOARD_SERVE_HTTP_INTERNAL_H
#define ABOARD_SERVE_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>

#include "serve/http_server.h"

#define HTTP_BLOCK       ((size_t)256 << 10) /* bytes asked of a source at once */
#define HTTP_CONNECTIONS 32                  /* at once */

/* One thing that is served; lives until the server stops. `reader`, `taken`, `giving`, `removed`
   and `progress` are under the server's lock, the rest never changes. */
struct http_item {
	char *path; /* "/TOKEN/NAME" as it is compared */
	char *url;  /* the same with odd characters as %XX: what clients are given */
	int fd;     /* of a file, or -1 */
	void *data; /* of memory, or NULL */
	bool stream;
	struct reader *reader; /* of a stream that was not ended */
	bool taken;            /* a stream was asked for */
	bool removed;          /* as if it were not there */
	int giving;            /* connection that a stream is being given to, or -1 */
	uint64_t size;         /* bytes; UINT64_MAX: not known */
	char etag[80];         /* quoted; empty for a stream */
	struct http_progress progress;
	struct http_item *next;
};

struct http_server {
	struct MHD_Daemon *daemon;
	uint16_t port;
	pthread_mutex_t lock;
	pthread_cond_t given; /* a stream is not being given any more */
	struct http_item *items;
};

/* The item of a decoded path, or NULL; takes the same time for any path of one length. */
struct http_item *http_item_find(struct http_server *server, const char *path);
void http_item_free(struct http_item *item);

/* libmicrohttpd's callbacks; `server` is the struct http_server. */
enum MHD_Result http_reply(void *server, struct MHD_Connection *connection, const char *url,
			   const char *method, const char *version, const char *upload,
			   size_t *upload_size, void **request);
void http_completed(void *server, struct MHD_Connection *connection, void **request,
		    enum MHD_RequestTerminationCode how);

#endif
