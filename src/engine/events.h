// SPDX-License-Identifier: MIT
/*
 * The one stream of events of a job. The terminal, --json and the record are its readers. An event
 * is a JSON object; docs/json-events.md lists the kinds and their fields, and is the contract with
 * other programs.
 */
#ifndef ABOARD_ENGINE_EVENTS_H
#define ABOARD_ENGINE_EVENTS_H

#include <jansson.h>
#include <stdint.h>

#include "base/secret.h"

#define EVENTS_VERSION 1

struct events;

struct event_sink {
	void (*take)(void *context, const json_t *event); /* borrowed */
	void *context;
};

/* The time now as events carry it: RFC 3339, UTC, milliseconds. */
#define EVENT_TIME 48
void event_time(char out[EVENT_TIME]);

/* Events are cleaned of what `secrets` remembers (NULL: nothing to hide). */
struct events *events_new(const struct secrets *secrets);
void events_add(struct events *events, struct event_sink sink); /* at most 4 */
void events_free(struct events *events);

/* Fields that every later event carries: job number and board name. */
void events_identify(struct events *events, int64_t job, const char *board);

/* Adds v, event, time, job, board to `fields` (taken over; NULL: none) and gives it to every sink,
 * in order. Thread-safe; a sink must not emit. */
void events_emit(struct events *events, const char *kind, json_t *fields);

/* A "log" event; level is "debug", "info" or "warning". */
void events_log(struct events *events, const char *level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
