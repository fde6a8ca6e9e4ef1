// SPDX-License-Identifier: MIT
/*
 * A plug that is switched by HTTP, made from a preset or from requests in the board file. For the
 * files of this way only.
 */
#ifndef ABOARD_POWER_HTTP_H
#define ABOARD_POWER_HTTP_H

#include "power/http_presets.h"
#include "power/ways.h"

enum http_verb {
	HTTP_ON,
	HTTP_OFF,
	HTTP_STATUS,
	HTTP_VERB_COUNT,
};

struct http_plug {
	const char *host, *channel, *username;     /* borrowed; NULL: not given */
	const char *password, *token;              /* borrowed, once read; NULL: none */
	struct http_call calls[HTTP_VERB_COUNT];   /* borrowed; without `url`: absent */
	const struct yaml *nodes[HTTP_VERB_COUNT]; /* their mappings; NULL with a preset */
	regex_t *expect[HTTP_VERB_COUNT];          /* owned; NULL: any reply will do */
	const char *values[2];                     /* borrowed; NULL: the whole reply */
	struct power_match match;
	bool digest, in_url;
};

extern const struct key http_keys[];

/* Reads the settings. What it holds is freed with http_plug_free(), also after an error. */
int http_plug_read(struct http_plug *plug, const struct yaml *settings, struct err *err);
void http_plug_free(struct http_plug *plug);

/* Replaces {host}, {channel} and, where `secret` is set, {username}, {password} and {credentials}.
   For an URL (`in_url`) they are percent-encoded, except the host. Owned by the caller. */
char *http_plug_fill(const struct http_plug *plug, const char *text, bool secret, bool in_url);

#endif
