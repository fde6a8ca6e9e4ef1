// SPDX-License-Identifier: MIT
#include "engine/events.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"

#define SINKS_MAX 4

struct events {
	const struct secrets *secrets;
	pthread_mutex_t lock; /* held while the sinks run, so that all see one order */
	struct event_sink sinks[SINKS_MAX];
	size_t count;
	int64_t job; /* 0: not identified yet */
	char *board;
};

struct events *events_new(const struct secrets *secrets)
{
	struct events *events = xcalloc(1, sizeof(*events));

	events->secrets = secrets;
	pthread_mutex_init(&events->lock, NULL);
	return events;
}

void events_add(struct events *events, struct event_sink sink)
{
	if (events->count == SINKS_MAX)
		abort();
	events->sinks[events->count++] = sink;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	pthread_mutex_destroy(&events->lock);
	free(events->board);
	free(events);
}

void events_identify(struct events *events, int64_t job, const char *board)
{
	pthread_mutex_lock(&events->lock);
	free(events->board);
	events->board = xstrdup(board);
	events->job = job;
	pthread_mutex_unlock(&events->lock);
}

static json_t *cleaned_text(const struct secrets *secrets, const char *text)
{
	_cleanup_(buf_free) struct buf clean = {0};

	buf_add_text(&clean, text);
	secrets_hide(secrets, &clean);
	return json_text(buf_text(&clean));
}

static json_t *cleaned(const struct secrets *secrets, json_t *from);

static json_t *cleaned_object(const struct secrets *secrets, json_t *from)
{
	json_t *to = json_object(), *value, *name;
	const char *key;

	json_object_foreach(from, key, value)
	{
		name = cleaned_text(secrets, key);
		json_object_set_new(to, json_string_value(name), cleaned(secrets, value));
		json_decref(name);
	}
	return to;
}

static json_t *cleaned_array(const struct secrets *secrets, json_t *from)
{
	json_t *to = json_array(), *value;
	size_t i;

	json_array_foreach(from, i, value) json_array_append_new(to, cleaned(secrets, value));
	return to;
}

/* A copy of a JSON value with the secrets taken out of every text in it. */
static json_t *cleaned(const struct secrets *secrets, json_t *from)
{
	switch (json_typeof(from)) {
	case JSON_STRING:
		return cleaned_text(secrets, json_string_value(from));
	case JSON_OBJECT:
		return cleaned_object(secrets, from);
	case JSON_ARRAY:
		return cleaned_array(secrets, from);
	default:
		return json_incref(from);
	}
}

void event_time(char out[EVENT_TIME])
{
	struct timespec now;
	char whole[32];
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, EVENT_TIME, "%.19s.%03ldZ", whole, now.tv_nsec / 1000000);
}

static json_t *make_event(const struct events *events, const char *kind, json_t *fields)
{
	json_t *event = json_object(), *clean;
	char now[EVENT_TIME];

	event_time(now);
	json_object_set_new(event, "v", json_integer(EVENTS_VERSION));
	json_object_set_new(event, "event", json_string(kind));
	json_object_set_new(event, "time", json_string(now));
	if (events->job)
		json_object_set_new(event, "job", json_integer(events->job));
	if (events->board)
		json_object_set_new(event, "board", json_text(events->board));
	if (fields) {
		clean = cleaned(events->secrets, fields);
		json_object_update_missing(event, clean);
		json_decref(clean);
	}
	return event;
}

void events_emit(struct events *events, const char *kind, json_t *fields)
{
	json_t *event;
	size_t i;

	pthread_mutex_lock(&events->lock);
	event = make_event(events, kind, fields);
	for (i = 0; i < events->count; i++)
		events->sinks[i].take(events->sinks[i].context, event);
	pthread_mutex_unlock(&events->lock);
	json_decref(event);
	json_decref(fields);
}

void events_log(struct events *events, const char *level, const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	json_t *fields = json_object();
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	json_object_set_new(fields, "level", json_string(level));
	json_object_set_new(fields, "text", json_text(text));
	events_emit(events, "log", fields);
}
