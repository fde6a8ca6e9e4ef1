// SPDX-License-Identifier: MIT
/*
 * One HTTP request after the other on a libcurl multi handle that is driven in the caller's thread:
 * the common part of exchanges, uploads and downloads. Redirects are followed here and not by
 * libcurl, because libcurl takes headers of our own (tokens) along to another host.
 */
#ifndef ABOARD_IO_HTTP_TRANSFER_H
#define ABOARD_IO_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "base/secret.h"
#include "io/http.h"

#define HTTP_REDIRECTS 10

struct http_transfer {
	CURLM *multi;
	CURL *easy; /* the request under way; NULL between two */
	struct curl_slist *headers;
	struct http_options options; /* a copy; all its texts are owned */
	char *first_url, *url;       /* without credentials; where it began and where it is now */
	bool stranger;               /* redirected to another origin: nothing secret any more */
	unsigned int redirects;
	bool head;        /* the final response header is there */
	size_t head_size; /* bytes of all headers so far */
	bool done;        /* the request has ended, with `result` */
	CURLcode result;
	int64_t active_at; /* on clock_ms(): when the last byte went either way */
	char message[CURL_ERROR_SIZE];
};

/* Checks the URL and the options and copies them. Freed by http_transfer_freep. */
int http_transfer_new(struct http_transfer **transfer, const char *url,
		      const struct http_options *options, struct err *err);
void http_transfer_freep(struct http_transfer **transfer);

/* Back to the first URL with everything allowed again, for a new try. */
void http_transfer_rewind(struct http_transfer *transfer);

/* Makes ready transfer->easy for a request to transfer->url (a request before it is ended); the
   caller sets method and callbacks, adds headers, and calls http_transfer_begin(). */
void http_transfer_prepare(struct http_transfer *transfer);
void http_transfer_header(struct http_transfer *transfer, const char *header);
void http_transfer_begin(struct http_transfer *transfer);

/* Moves what can be moved now, without waiting. */
int http_transfer_move(struct http_transfer *transfer, struct err *err);

/* Waits until something can be moved. -ERR_NETWORK when nothing came for stall_ms. */
int http_transfer_wait(struct http_transfer *transfer, struct deadline deadline, struct err *err);

/* The error for transfer->result, which is not CURLE_OK. */
int http_transfer_err(const struct http_transfer *transfer, struct err *err);

/* Whether the response is a redirect that is to be followed; then transfer->url is the new one, and
   the caller begins again. More than HTTP_REDIRECTS is an error. */
int http_transfer_redirect(struct http_transfer *transfer, bool *again, struct err *err);

long http_transfer_status(const struct http_transfer *transfer);

/* A header of the last response; NULL when missing. Borrowed until the next request. */
const char *http_transfer_reply(const struct http_transfer *transfer, const char *name);

/* The headers of the last response that http_response has room for. */
void http_transfer_response(const struct http_transfer *transfer, struct http_response *response);

/* Removes what is secret in the options from the body of a refusal. */
void http_transfer_hide(const struct http_transfer *transfer, struct buf *body);

/* http_url.c */

/* Takes the credentials out of a URL; *username and *password are NULL when there are none. */
int http_url_split(const char *url, char **plain, char **username, char **password,
		   struct err *err);

/* Where `location` leads to, seen from `url`: absolute, http or https, without credentials. */
int http_url_resolve(const char *url, const char *location, char **resolved, struct err *err);

/* Same scheme, host and port. */
bool http_url_same_origin(const char *a, const char *b);

#endif
