// SPDX-License-Identifier: MIT
/*
 * The Range header of HTTP (RFC 9110 section 14). Pure; the text comes from the network.
 */
#ifndef ABOARD_SERVE_HTTP_RANGE_H
#define ABOARD_SERVE_HTTP_RANGE_H

#include <stdint.h>

enum http_range_kind {
	HTTP_RANGE_NONE,    /* absent, malformed, or several ranges: all of it is sent */
	HTTP_RANGE_PART,    /* from `start`, `length` bytes (> 0) */
	HTTP_RANGE_OUTSIDE, /* nothing of it is inside: 416 */
};

struct http_range {
	enum http_range_kind kind;
	uint64_t start;
	uint64_t length;
};

/* What a Range header (NULL: there is none) means for something of `size` bytes. With NONE, start
   and length are those of the whole. */
struct http_range http_range_parse(const char *header, uint64_t size);

#endif
