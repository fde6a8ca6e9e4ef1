// SPDX-License-Identifier: MIT
/*
 * Network plugs that are switched by HTTP, as data: what is sent to each, and where the reply has
 * the state. A plug of your own in a board file is the same, in other words.
 */
#ifndef ABOARD_POWER_HTTP_PRESETS_H
#define ABOARD_POWER_HTTP_PRESETS_H

#include <stdbool.h>

/* One request. In `url` and `body` {host} and {channel} are replaced, in `url` also {credentials}.
 */
struct http_call {
	const char *method, *url;
	const char *body; /* NULL: none. JSON when it begins with a brace, else a form. */
};

struct http_preset {
	const char *name, *summary;
	struct http_call on, off, status;
	const char *expect;    /* pattern in the reply to on and off; NULL: any */
	const char *values[2]; /* where the state is, tried in order: see http_reply.h */
	const char *channel;   /* default; NULL: must be given */
	const char *username;  /* default; NULL: none */
	bool digest;           /* password by digest authentication, also by SHA-256 */
	bool in_url;           /* user and password are in the URL: {credentials} */
	bool token;            /* a bearer token is needed */
	bool number;           /* the channel is a number */
};

/* Ended by an empty row. */
extern const struct http_preset http_presets[];

#endif
