// SPDX-License-Identifier: MIT
/*
 * HTTP(S) client over libcurl: short exchanges with a bounded body, and large downloads as a reader
 * that resumes when a connection breaks.
 */
#ifndef ABOARD_IO_HTTP_H
#define ABOARD_IO_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/err.h"
#include "base/reader.h"

struct http_options {
	const char *const *headers; /* "Name: value", NULL-terminated; NULL: none. Not sent to
				       another host after a redirect. */
	const char *bearer;         /* token; NULL: none. Likewise. */
	const char *username;       /* Basic (or Digest, see digest); NULL: none. Likewise. */
	const char *password;
	const char *ca_file; /* PEM; NULL: the system's */
	bool insecure;       /* no certificate verification */
	bool digest;         /* allow digest authentication */
	bool pinned;         /* the caller checks a digest: a download is taken up where it broke
				even when the server gives neither ETag nor Last-Modified */
	int64_t connect_ms;  /* until a connection stands; 0: HTTP_CONNECT_MS */
	int64_t stall_ms;    /* without a byte either way; 0: HTTP_STALL_MS */
	unsigned int tries;  /* of a download, one after the other without a byte gained; 0:
				HTTP_TRIES */
};

#define HTTP_CONNECT_MS 20000
#define HTTP_STALL_MS   60000
#define HTTP_TRIES      5

struct http_request {
	const char *method; /* NULL: GET */
	const char *url;
	const void *body; /* NULL: none */
	size_t body_size;
	const char *content_type; /* of the body; NULL: application/octet-stream */
	const char *accept;       /* NULL: none */
	struct http_options options;
};

struct http_response {
	long status;
	struct buf body;    /* bounded by the `max` of http_exchange */
	char *location;     /* owned; NULL if missing */
	char *authenticate; /* WWW-Authenticate (the first Bearer, else Basic one); owned; NULL if
			       missing */
	char *digest;       /* Docker-Content-Digest; owned; NULL if missing */
	char *content_type; /* owned; NULL if missing */
	long retry_after_s; /* Retry-After in seconds; 0 if missing */
};

/* One exchange. Any HTTP status is success here: the caller judges it. Redirects of GET and HEAD
   are followed (at most 10). URLs other than http and https are ERR_USAGE. The response is freed by
   the caller, also after an error. */
int http_exchange(const struct http_request *request, size_t max, struct http_response *response,
		  struct deadline deadline, struct err *err);
void http_response_free(struct http_response *response);

/* Judges a status that is not the one wanted: ERR_AUTH for 401 and 403, ERR_NOT_FOUND for 404 and
   410, ERR_NETWORK otherwise, with the status, the URL without credentials and query, and the start
   of the body when it is text. */
int http_status_err(const char *url, const struct http_response *response, struct err *err);

/* A PUT or POST whose body is streamed from a reader. `size` bytes are sent. */
int http_upload(const struct http_request *request, struct reader *body, uint64_t size,
		struct http_response *response, struct deadline deadline, struct err *err);

/* A download. Opened when the first response header is there, so a bad status is an error of this
   call. A connection that breaks is taken up where it broke with Range and If-Range; an answer 200
   to a Range means: start again from the beginning and skip what was given already, and is only
   done while the validator (ETag, Last-Modified) is unchanged, else ERR_NETWORK. A body shorter
   than Content-Length is never an end. */
struct http_download {
	uint64_t size; /* bytes; UINT64_MAX: not told */
	char etag[256];
};

int http_open(struct reader **reader, const char *url, const struct http_options *options,
	      struct http_download *info, struct deadline deadline, struct err *err);

/* The same from byte `offset` on, for a caller that holds the bytes before it and checks a digest
   over all of them. info->size is that of the whole. A server that answers with the whole has the
   first bytes passed over. */
int http_open_at(struct reader **reader, const char *url, const struct http_options *options,
		 uint64_t offset, struct http_download *info, struct deadline deadline,
		 struct err *err);

/* Header names are RFC 7230 tokens; no CR, LF or NUL in values; no name twice. ERR_USAGE with the
 * name. */
int http_check_header(const char *header, struct err *err);

/* A bearer token: printable ASCII without space, quote or backslash, 1 to 4096 characters. */
int http_check_bearer(const char *token, struct err *err);

/* The URL without user, password and query, for messages; owned by the caller. */
char *http_display_url(const char *url);

#endif
