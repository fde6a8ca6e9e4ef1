// SPDX-License-Identifier: MIT
/* The record's reader of events: each is stored when it comes, in a transaction of its own. */
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/record.h"
#include "engine/record_db.h"

static const char *text_of(const json_t *event, const char *key)
{
	return json_string_value(json_object_get(event, key));
}

/* A fact of the plan by its key, else the first text of its section: what the person is shown
 * first. */
static const char *fact(const json_t *plan, const char *section, const char *key)
{
	json_t *facts = json_object_get(json_object_get(plan, "facts"), section), *value;
	const char *found = text_of(facts, key), *name;

	json_object_foreach(facts, name, value)
	{
		if (!found)
			found = json_string_value(value);
	}
	return found;
}

static int store_plan(struct record *record, const json_t *event, struct err *err)
{
	json_t *plan = json_object_get(event, "plan");
	json_t *facts = json_object_get(json_object_get(plan, "facts"), "image");

	return record_db_run(record->db,
			     "UPDATE jobs SET plan = ?, digest = ?, image = ?, target = ?,"
			     " sha256 = ? WHERE id = ?",
			     json_pack("[O?s?s?s?s?I]", plan, text_of(event, "digest"),
				       fact(plan, "image", "ref"), fact(plan, "target", "name"),
				       text_of(facts, "sha256"), (json_int_t)record->job),
			     err);
}

static int store_check(struct record *record, const json_t *event, struct err *err)
{
	return record_db_run(record->db,
			     "INSERT INTO checks (job, name, label, verdict, text, remedy)"
			     " VALUES (?, ?, ?, ?, ?, ?)",
			     json_pack("[Is?s?s?s?s?]", (json_int_t)record->job,
				       text_of(event, "name"), text_of(event, "label"),
				       text_of(event, "verdict"), text_of(event, "text"),
				       text_of(event, "remedy")),
			     err);
}

static int keep(struct record *record, const json_t *event, struct err *err)
{
	_cleanup_(freep) char *text = json_dumps(event, JSON_COMPACT);

	return record_db_run(record->db, "INSERT INTO events (job, event) VALUES (?, ?)",
			     json_pack("[Is?]", (json_int_t)record->job, text), err);
}

static int begin_stage(struct record *record, const json_t *event, struct err *err)
{
	int rc = record_db_run(record->db,
			       "INSERT INTO stages (job, name, label, attempt, state, begun)"
			       " VALUES (?, ?, ?, ?, 'running', ?)",
			       json_pack("[Is?s?Is?]", (json_int_t)record->job,
					 text_of(event, "name"), text_of(event, "label"),
					 json_integer_value(json_object_get(event, "attempt")),
					 text_of(event, "time")),
			       err);

	if (rc < 0)
		return rc;
	return record_db_run(
		record->db, "UPDATE jobs SET stage = ?, touched = touched OR ? WHERE id = ?",
		json_pack("[s?iI]", text_of(event, "name"),
			  json_is_true(json_object_get(event, "writes")), (json_int_t)record->job),
		err);
}

static int end_stage(struct record *record, const json_t *event, struct err *err)
{
	return record_db_run(
		record->db,
		"UPDATE stages SET state = ?, ended = ?, ms = ?, reason = ? WHERE id ="
		" (SELECT max(id) FROM stages WHERE job = ? AND name = ? AND state = 'running')",
		json_pack("[s?s?Is?Is?]", text_of(event, "state"), text_of(event, "time"),
			  json_integer_value(json_object_get(event, "ms")),
			  text_of(event, "reason"), (json_int_t)record->job,
			  text_of(event, "name")),
		err);
}

static int store_stage(struct record *record, const json_t *event, struct err *err)
{
	const char *state = text_of(event, "state");

	if (text_equal(state, "begin"))
		return begin_stage(record, event, err);
	if (text_equal(state, "done") || text_equal(state, "failed"))
		return end_stage(record, event, err);
	return keep(record, event, err);
}

/* The console's own log has what is said at this level. */
static int store_log(struct record *record, const json_t *event, struct err *err)
{
	return text_equal(text_of(event, "level"), "debug") ? 0 : keep(record, event, err);
}

static int drop(struct record *record, const json_t *event, struct err *err)
{
	(void)record;
	(void)event;
	(void)err;
	return 0;
}

/* "emmc, usd": NULL when nothing was written. */
static char *targets_of(const json_t *writes)
{
	_cleanup_(buf_free) struct buf names = {0};
	size_t i;

	for (i = 0; i < json_array_size(writes); i++)
		buf_addf(&names, "%s%s", i ? ", " : "",
			 json_string_value(json_object_get(json_array_get(writes, i), "target")));
	return names.size ? buf_steal(&names) : NULL;
}

static int store_result(struct record *record, const json_t *event, struct err *err)
{
	json_t *writes = json_object_get(event, "writes");
	_cleanup_(freep) char *targets = targets_of(writes);
	const char *sha256 = text_of(event, "sha256");
	int rc;

	if (json_array_size(writes) == 1)
		sha256 = text_of(json_array_get(writes, 0), "sha256");
	rc = record_db_run(
		record->db,
		"UPDATE jobs SET outcome = ?, ended = ?, error = ?, ms = ?, result = ?,"
		" target = coalesce(?, target), sha256 = coalesce(?, sha256) WHERE id = ?",
		json_pack("[s?s?s?IOs?s?I]", text_of(event, "outcome"), text_of(event, "time"),
			  text_of(json_object_get(event, "error"), "text"),
			  json_integer_value(json_object_get(event, "ms")), event, targets, sha256,
			  (json_int_t)record->job),
		err);
	return rc;
}

struct store {
	const char *kind;
	int (*run)(struct record *record, const json_t *event, struct err *err);
};

/* Any other kind is kept as it is. */
static const struct store stores[] = {
	{"plan", store_plan}, {"check", store_check}, {"stage", store_stage},
	{"log", store_log},   {"progress", drop},     {"result", store_result},
};

static int store(struct record *record, const json_t *event, struct err *err)
{
	const char *kind = text_of(event, "event");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(stores); i++)
		if (text_equal(stores[i].kind, kind))
			return stores[i].run(record, event, err);
	return keep(record, event, err);
}

static void take(void *context, const json_t *event)
{
	struct record *record = context;
	struct err err;
	int rc = record_db_run(record->db, "BEGIN IMMEDIATE", NULL, &err);

	if (rc == 0) {
		rc = store(record, event, &err);
		if (rc == 0)
			rc = record_db_run(record->db, "COMMIT", NULL, &err);
		if (rc < 0)
			record_db_run(record->db, "ROLLBACK", NULL, NULL);
	}
	pthread_mutex_lock(&record->guard);
	if (rc < 0 && record->trouble.kind == ERR_NONE)
		record->trouble = err;
	pthread_mutex_unlock(&record->guard);
}

struct event_sink record_sink(struct record *record)
{
	return (struct event_sink){take, record};
}

int record_trouble(const struct record *record, struct err *err)
{
	struct record *mine = (struct record *)(uintptr_t)record;

	if (!record)
		return 0;
	pthread_mutex_lock(&mine->guard);
	*err = record->trouble;
	pthread_mutex_unlock(&mine->guard);
	return -(int)err->kind;
}
