// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "serve/http_internal.h"
#include "serve/http_range.h"

/* One GET or HEAD of a thing that is there. */
struct get {
	struct http_server *server;
	struct http_item *item;
	bool body;       /* false: a HEAD */
	int fd;          /* of the connection; borrowed */
	uint64_t start;  /* where in the item the body begins */
	uint64_t length; /* of the body; UINT64_MAX: not known */
	uint64_t given;  /* bytes handed to libmicrohttpd */
	bool ended;      /* the source was read to its end, and it ended well */
};

static enum MHD_Result queue(struct MHD_Connection *connection, unsigned int status,
			     struct MHD_Response *response)
{
	enum MHD_Result result = MHD_queue_response(connection, status, response);

	MHD_destroy_response(response);
	return result;
}

/* An answer without a body; `header` may be NULL. */
static enum MHD_Result plain(struct MHD_Connection *connection, unsigned int status,
			     const char *header, const char *value)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

	if (header)
		MHD_add_response_header(response, header, value);
	return queue(connection, status, response);
}

/* The client must not take what it has for all of it. A length or chunks would tell it; with
   neither (HTTP/1.0) only a reset does. A connect() to nowhere resets a TCP connection at once
   (Linux), and leaves libmicrohttpd to close it. */
static ssize_t cut(struct get *get, const struct err *err)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	connect(get->fd, &nowhere, sizeof(nowhere));
	pthread_mutex_lock(&get->server->lock);
	get->item->progress.failed = true;
	get->item->progress.err = *err;
	pthread_mutex_unlock(&get->server->lock);
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

static int read_file(struct get *get, char *to, size_t size, size_t *got, struct err *err)
{
	ssize_t step;

	do {
		step = pread(get->item->fd, to, size, (off_t)(get->start + get->given));
	} while (step < 0 && errno == EINTR);
	if (step < 0)
		return err_errno(err, ERR_HOST, "reading %s", path_base(get->item->path));
	if (step == 0)
		return err_set(err, ERR_HOST, "%s has become shorter", path_base(get->item->path));
	*got = (size_t)step;
	return 0;
}

static int read_data(struct get *get, char *to, size_t size, size_t *got)
{
	memcpy(to, (const char *)get->item->data + get->start + get->given, size);
	*got = size;
	return 0;
}

/* A stream proves only by its end that it is whole, so its end is looked for before the last bytes
   are given away. */
static int read_end(struct get *get, struct err *err)
{
	struct reader *reader = get->item->reader;
	size_t got;
	char more;
	int rc;

	rc = reader->read(reader, &more, 1, &got, err);
	if (rc < 0)
		return rc;
	if (got)
		return err_set(err, ERR_INTERNAL, "the stream is longer than %llu bytes",
			       (unsigned long long)get->length);
	get->ended = true;
	return 0;
}

static int read_stream(struct get *get, char *to, size_t size, size_t *got, struct err *err)
{
	struct reader *reader = get->item->reader;
	int rc;

	rc = reader->read(reader, to, size, got, err);
	if (rc < 0)
		return rc;
	if (*got && get->given + *got == get->length)
		return read_end(get, err);
	if (*got)
		return 0;
	if (get->length != UINT64_MAX)
		return err_set(err, ERR_IMAGE, "the stream ended after %llu of %llu bytes",
			       (unsigned long long)get->given, (unsigned long long)get->length);
	get->ended = true;
	return 0;
}

static int read_some(struct get *get, char *to, size_t size, size_t *got, struct err *err)
{
	if (get->item->stream)
		return read_stream(get, to, size, got, err);
	if (get->item->fd >= 0)
		return read_file(get, to, size, got, err);
	return read_data(get, to, size, got);
}

static void publish(struct get *get, uint64_t sent)
{
	pthread_mutex_lock(&get->server->lock);
	get->item->progress.sent = sent;
	pthread_mutex_unlock(&get->server->lock);
}

/* libmicrohttpd asks for the next bytes when all before `position` are with the kernel. */
static ssize_t give(void *context, uint64_t position, char *to, size_t size)
{
	struct get *get = context;
	struct err err;
	size_t got;

	publish(get, position);
	if (size > get->length - get->given)
		size = (size_t)(get->length - get->given);
	if (read_some(get, to, size, &got, &err) < 0)
		return cut(get, &err);
	if (got == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	get->given += got;
	return (ssize_t)got;
}

static void add_headers(struct MHD_Response *response, const struct http_item *item,
			struct http_range range)
{
	char text[96];

	MHD_add_response_header(response, "Content-Type", "application/octet-stream");
	if (item->stream)
		return;
	MHD_add_response_header(response, "Accept-Ranges", "bytes");
	MHD_add_response_header(response, "ETag", item->etag);
	if (range.kind != HTTP_RANGE_PART)
		return;
	snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)range.start,
		 (unsigned long long)(range.start + range.length - 1),
		 (unsigned long long)item->size);
	MHD_add_response_header(response, "Content-Range", text);
}

static enum MHD_Result answer(struct get *get, struct MHD_Connection *connection,
			      struct http_range range)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		range.length == UINT64_MAX ? MHD_SIZE_UNKNOWN : range.length, HTTP_BLOCK, give, get,
		NULL);

	if (!response)
		return MHD_NO;
	add_headers(response, get->item, range);
	return queue(connection, range.kind == HTTP_RANGE_PART ? 206 : 200, response);
}

/* What part is asked for; If-Range (RFC 9110 13.1.5): of another version, all of it. */
static struct http_range asked_range(const struct http_item *item,
				     struct MHD_Connection *connection)
{
	const char *range = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Range");
	const char *version = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "If-Range");

	if (!item->stream && version && !text_equal(version, item->etag))
		range = NULL;
	return http_range_parse(range, item->size);
}

static struct get *new_get(struct http_server *server, struct http_item *item,
			   struct MHD_Connection *connection, struct http_range range, bool body)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct get *get = xcalloc(1, sizeof(*get));

	*get = (struct get){.server = server,
			    .item = item,
			    .body = body,
			    .fd = info ? info->connect_fd : -1,
			    .start = range.start,
			    .length = range.length};
	return get;
}

/* False: a stream that somebody had already. */
static bool begin(struct http_server *server, struct http_item *item, int connection)
{
	bool gone;

	pthread_mutex_lock(&server->lock);
	gone = item->stream && item->taken;
	if (!gone) {
		item->taken = true;
		item->giving = item->stream ? connection : -1;
		item->progress.requests++;
		item->progress.sent = 0;
	}
	pthread_mutex_unlock(&server->lock);
	return !gone;
}

static enum MHD_Result reply_item(struct http_server *server, struct http_item *item,
				  struct MHD_Connection *connection, bool body, void **request)
{
	struct http_range range = asked_range(item, connection);
	struct get *get;
	struct err err;
	char text[40];

	if (item->stream && (range.kind == HTTP_RANGE_OUTSIDE || range.start != 0))
		return plain(connection, MHD_HTTP_GONE, NULL, NULL);
	if (item->stream)
		range = http_range_parse(NULL, item->size);
	snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)item->size);
	if (range.kind == HTTP_RANGE_OUTSIDE)
		return plain(connection, MHD_HTTP_RANGE_NOT_SATISFIABLE, "Content-Range", text);
	get = new_get(server, item, connection, range, body);
	if (body && !begin(server, item, get->fd)) {
		free(get);
		return plain(connection, MHD_HTTP_GONE, NULL, NULL);
	}
	*request = get;
	if (item->stream && body && range.length == 0 && read_end(get, &err) < 0) {
		cut(get, &err);
		return MHD_NO;
	}
	return answer(get, connection, range);
}

enum MHD_Result http_reply(void *context, struct MHD_Connection *connection, const char *url,
			   const char *method, const char *version, const char *upload,
			   size_t *upload_size, void **request)
{
	bool get = text_equal(method, "GET"), head = text_equal(method, "HEAD");
	struct http_server *server = context;
	struct http_item *item;

	(void)version;
	(void)upload;
	(void)upload_size;
	if (!get && !head)
		return plain(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "Allow", "GET, HEAD");
	/* The first call only tells that the headers are there; libmicrohttpd closes a connection
	   that is answered so early. */
	if (!*request) {
		*request = server;
		return MHD_YES;
	}
	*request = NULL;
	item = http_item_find(server, url);
	if (!item)
		return plain(connection, MHD_HTTP_NOT_FOUND, NULL, NULL);
	return reply_item(server, item, connection, get, request);
}

void http_completed(void *context, struct MHD_Connection *connection, void **request,
		    enum MHD_RequestTerminationCode how)
{
	_cleanup_(freep) struct get *get = *request == context ? NULL : *request;
	struct http_server *server = context;
	struct http_item *item;

	(void)connection;
	*request = NULL;
	if (!get || !get->body)
		return;
	item = get->item;
	pthread_mutex_lock(&server->lock);
	if (how == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
		item->progress.sent = get->given;
		item->progress.done |= item->stream ? get->ended : get->given == get->length;
	}
	reader_closep(&item->reader);
	item->giving = -1;
	pthread_cond_broadcast(&server->given);
	pthread_mutex_unlock(&server->lock);
}
