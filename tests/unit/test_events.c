// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "engine/events.h"

/* A reader that keeps what it was given. */
struct kept {
	json_t *events;
	struct kept *before; /* must have seen each event first */
};

static void keep(void *context, const json_t *event)
{
	struct kept *kept = context;
	size_t count = json_array_size(kept->events);

	if (kept->before)
		assert_int_equal(json_array_size(kept->before->events), count + 1);
	json_array_append_new(kept->events, json_deep_copy(event));
}

static struct event_sink sink_of(struct kept *kept)
{
	kept->events = json_array();
	return (struct event_sink){keep, kept};
}

static const char *text_at(const struct kept *kept, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(kept->events, i), key));
}

static void sinks_see_each_event_in_order(void **state)
{
	struct kept first = {0}, second = {.before = &first};
	struct events *events = events_new(NULL);
	json_t *event;

	(void)state;
	events_add(events, sink_of(&first));
	events_add(events, sink_of(&second));
	events_emit(events, "plan", NULL);
	events_identify(events, 7, "demo");
	events_emit(events, "stage", json_pack("{s:s, s:s}", "name", "boot", "event", "mine"));
	events_log(events, "warning", "%d of %d", 1, 2);

	assert_true(json_equal(first.events, second.events));
	assert_int_equal(json_array_size(first.events), 3);
	assert_null(json_object_get(json_array_get(first.events, 0), "job"));
	event = json_array_get(first.events, 1);
	assert_int_equal(json_integer_value(json_object_get(event, "v")), EVENTS_VERSION);
	assert_int_equal(json_integer_value(json_object_get(event, "job")), 7);
	assert_string_equal(text_at(&first, 1, "board"), "demo");
	assert_string_equal(text_at(&first, 1, "event"), "stage");
	assert_string_equal(text_at(&first, 1, "name"), "boot");
	assert_string_equal(text_at(&first, 2, "level"), "warning");
	assert_string_equal(text_at(&first, 2, "text"), "1 of 2");
	events_free(events);
	json_decref(first.events);
	json_decref(second.events);
}

/* Each character stands for itself, 9 for any digit. */
static bool looks_like(const char *text, const char *shape)
{
	for (; *text && *shape; text++, shape++)
		if (*shape == '9' ? (*text < '0' || *text > '9') : *text != *shape)
			return false;
	return *text == *shape;
}

static void time_is_rfc3339_utc(void **state)
{
	struct events *events = events_new(NULL);
	struct kept kept = {0};

	(void)state;
	events_add(events, sink_of(&kept));
	events_emit(events, "log", NULL);
	assert_true(looks_like(text_at(&kept, 0, "time"), "9999-99-99T99:99:99.999Z"));
	events_free(events);
	json_decref(kept.events);
}

static void secrets_never_get_out(void **state)
{
	struct kept kept = {0};
	struct secrets *secrets;
	struct events *events;
	struct err err;
	char *text;

	(void)state;
	assert_int_equal(secrets_new(&secrets, NULL, &err), 0);
	events = events_new(secrets);
	events_add(events, sink_of(&kept));
	secrets_remember(secrets, "hunter22");
	events_identify(events, 1, "demo");
	events_emit(events, "plan",
		    json_pack("{s:{s:[s,s,{s:s}]},s:s,s:i}", "deep", "list", "x", "a hunter22 b",
			      "url", "http://me:hunter22@host/", "hunter22", "as a key", "n", 3));
	events_log(events, "info", "password %s", "hunter22");
	text = json_dumps(kept.events, 0);
	assert_null(strstr(text, "hunter22"));
	assert_non_null(strstr(text, "http://me:***@host/"));
	assert_string_equal(text_at(&kept, 0, "***"), "as a key");
	assert_string_equal(text_at(&kept, 1, "text"), "password ***");
	free(text);
	events_free(events);
	secrets_free(secrets);
	json_decref(kept.events);
}

#define THREADS    8
#define PER_THREAD 200

struct writer {
	struct events *events;
	struct secrets *secrets;
	int number;
};

static void *write_many(void *context)
{
	struct writer *writer = context;
	_cleanup_(freep) char *secret = xasprintf("secret-of-%d", writer->number);
	int i;

	secrets_remember(writer->secrets, secret);
	for (i = 0; i < PER_THREAD; i++)
		events_log(writer->events, "info", "%d %d %s", writer->number, i, secret);
	return NULL;
}

static void threads_keep_their_order(void **state)
{
	int next[THREADS] = {0}, number, i;
	struct writer writers[THREADS];
	pthread_t threads[THREADS];
	struct kept kept = {0};
	struct secrets *secrets;
	struct events *events;
	struct err err;
	const char *text;
	size_t at;

	(void)state;
	assert_int_equal(secrets_new(&secrets, NULL, &err), 0);
	events = events_new(secrets);
	events_add(events, sink_of(&kept));
	for (i = 0; i < THREADS; i++) {
		writers[i] = (struct writer){events, secrets, i};
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(json_array_size(kept.events), THREADS * PER_THREAD);
	for (at = 0; at < THREADS * PER_THREAD; at++) {
		_cleanup_(freep) char *wanted = NULL;

		text = text_at(&kept, at, "text");
		number = text[0] - '0';
		assert_in_range(number, 0, THREADS - 1);
		wanted = xasprintf("%d %d ***", number, next[number]++);
		assert_string_equal(text, wanted);
	}
	events_free(events);
	secrets_free(secrets);
	json_decref(kept.events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sinks_see_each_event_in_order),
		cmocka_unit_test(time_is_rfc3339_utc),
		cmocka_unit_test(secrets_never_get_out),
		cmocka_unit_test(threads_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
