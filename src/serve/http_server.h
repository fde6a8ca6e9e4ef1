// SPDX-License-Identifier: MIT
/*
 * The HTTP server of one job, over libmicrohttpd: serves only what was added, each thing under an
 * unguessable path, read only, on one address and a free port. Files and memory answer HEAD and
 * ranges; a stream is given once, as it is produced, so nothing has to be staged on disk.
 */
#ifndef ABOARD_SERVE_HTTP_SERVER_H
#define ABOARD_SERVE_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/reader.h"

struct http_server;

/* Binds `address` (numeric) and starts the server's thread; port 0: any free one. */
int http_server_start(struct http_server **server, const char *address, uint16_t port,
		      struct err *err);
uint16_t http_server_port(const struct http_server *server);

/* Each returns in *path the absolute path of the thing: "/" 32 hexadecimal digits "/" NAME; owned
   by the caller. `name` is one confined file name. */
int http_server_add_file(struct http_server *server, const char *name, const char *file_path,
			 char **path, struct err *err);
int http_server_add_data(struct http_server *server, const char *name, const void *data,
			 size_t size, char **path, struct err *err);

/* The reader is taken over and closed by the server, after it was given or at http_server_stop().
   `size` UINT64_MAX: not known (chunked). A second request, or a range other than from 0, is
   answered 410. When the reader fails, or has more or fewer bytes than `size`, the connection is
   cut, never ended well: the end of the reader is awaited before the last bytes are given away.
   read() is called on the server's thread, which serves nothing else meanwhile and which
   http_server_stop() waits for: it has to return, if only with an error, when the job is cancelled
   or its own deadline has passed. The reader is taken over also when this fails. */
int http_server_add_stream(struct http_server *server, const char *name, struct reader *reader,
			   uint64_t size, char **path, struct err *err);

/* What was sent of one thing. */
struct http_progress {
	uint64_t sent;         /* body bytes handed to the network in the newest request */
	unsigned int requests; /* GETs begun */
	bool done;             /* a GET was given to its end */
	bool failed;           /* the stream's reader failed: `err` says why */
	struct err err;
};

void http_server_progress(struct http_server *server, const char *path,
			  struct http_progress *progress);

/* Nobody gets this thing any more. Of a stream that is being given the connection is cut; when the
   call returns its reader is closed, so what the reader stands on may go. A path that is not there
   is fine. */
void http_server_remove(struct http_server *server, const char *path);

/* Ends all connections and the thread, closes readers, frees the port. NULL is fine. */
void http_server_stop(struct http_server *server);

#endif
