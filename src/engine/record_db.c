// SPDX-License-Identifier: MIT
#include "engine/record_db.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"

/* How long another process may hold the file: its transactions are a few rows each. */
#define BUSY_MS 20000

struct trouble {
	int code;
	const char *remedy;
};

static const struct trouble troubles[] = {
	{SQLITE_NOTADB, "move it away (with its -wal and -shm); a new one is made then"},
	{SQLITE_CORRUPT, "move it away (with its -wal and -shm); a new one is made then"},
	{SQLITE_FULL, "free some space on that disk"},
	{SQLITE_IOERR, "is there space on that disk, and is it sound?"},
	{SQLITE_READONLY, "make it and its folder writable, or set ABOARD_HOME to another folder"},
	{SQLITE_CANTOPEN, "make it and its folder writable, or set ABOARD_HOME to another folder"},
	{SQLITE_PERM, "make it and its folder writable, or set ABOARD_HOME to another folder"},
	{SQLITE_BUSY, "find the program that holds it"},
};

static int db_err(sqlite3 *db, int code, const char *path, struct err *err)
{
	size_t i;

	err_set(err, ERR_HOST, "the history %s: %s", path,
		db && sqlite3_errcode(db) == code ? sqlite3_errmsg(db) : sqlite3_errstr(code));
	for (i = 0; i < ARRAY_SIZE(troubles); i++)
		if (troubles[i].code == (code & 0xff))
			err_remedy(err, "%s", troubles[i].remedy);
	return -ERR_HOST;
}

static const char *name_of(sqlite3 *db)
{
	return sqlite3_db_filename(db, "main");
}

static void finalizep(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

void record_freep(json_t **json)
{
	json_decref(*json);
}

static void bind_one(sqlite3_stmt *statement, int at, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_NULL:
		sqlite3_bind_null(statement, at);
		return;
	case JSON_INTEGER:
		sqlite3_bind_int64(statement, at, json_integer_value(value));
		return;
	case JSON_STRING:
		sqlite3_bind_text(statement, at, json_string_value(value), -1, SQLITE_TRANSIENT);
		return;
	default:
		sqlite3_bind_text(statement, at, json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY),
				  -1, free);
	}
}

static int prepare(sqlite3 *db, const char *sql, const json_t *values, sqlite3_stmt **statement,
		   struct err *err)
{
	int code = sqlite3_prepare_v2(db, sql, -1, statement, NULL);
	size_t i;

	if (code != SQLITE_OK)
		return db_err(db, code, name_of(db), err);
	for (i = 0; i < json_array_size(values); i++)
		bind_one(*statement, (int)i + 1, json_array_get(values, i));
	return 0;
}

static json_t *column(sqlite3_stmt *statement, int at)
{
	if (sqlite3_column_type(statement, at) == SQLITE_INTEGER)
		return json_integer(sqlite3_column_int64(statement, at));
	return json_text((const char *)sqlite3_column_text(statement, at));
}

static json_t *row_of(sqlite3_stmt *statement)
{
	json_t *row = json_object();
	int i;

	for (i = 0; i < sqlite3_column_count(statement); i++)
		json_object_set_new(row, sqlite3_column_name(statement, i), column(statement, i));
	return row;
}

int record_db_query(sqlite3 *db, const char *sql, json_t *values, json_t **rows, struct err *err)
{
	_cleanup_(finalizep) sqlite3_stmt *statement = NULL;
	_cleanup_(record_freep) json_t *bound = values, *all = json_array();
	int code, rc = prepare(db, sql, bound, &statement, err);

	if (rc < 0)
		return rc;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW)
		json_array_append_new(all, row_of(statement));
	if (code != SQLITE_DONE)
		return db_err(db, code, name_of(db), err);
	if (rows)
		*rows = steal(all);
	return 0;
}

int record_db_run(sqlite3 *db, const char *sql, json_t *values, struct err *err)
{
	return record_db_query(db, sql, values, NULL, err);
}

/* Several statements without values. */
static int run_all(sqlite3 *db, const char *sql, struct err *err)
{
	int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : db_err(db, code, name_of(db), err);
}

/* The first column of the first row. */
static int query_one(sqlite3 *db, const char *sql, json_t **value, struct err *err)
{
	_cleanup_(record_freep) json_t *rows = NULL;
	int rc = record_db_query(db, sql, NULL, &rows, err);
	json_t *row;

	if (rc < 0)
		return rc;
	row = json_array_get(rows, 0);
	*value = json_incref(json_object_iter_value(json_object_iter(row)));
	return 0;
}

static int version_of(sqlite3 *db, size_t known, size_t *version, struct err *err)
{
	_cleanup_(record_freep) json_t *value = NULL;
	int rc = query_one(db, "PRAGMA user_version", &value, err);
	json_int_t number = json_integer_value(value);

	if (rc < 0)
		return rc;
	if (number < 0 || number > (json_int_t)known) {
		err_set(err, ERR_HOST,
			"the history %s was written by a newer aboard: its schema is %" PRId64
			", this program knows up to %zu",
			name_of(db), (int64_t)number, known);
		return err_remedy(err,
				  "use the newer program, or set ABOARD_HOME to another folder");
	}
	*version = (size_t)number;
	return 0;
}

/* Under the write lock, so that of several processes one does the work and the others see it done.
 */
static int migrate_locked(sqlite3 *db, const char *const *migrations, size_t known, struct err *err)
{
	_cleanup_(freep) char *set = NULL;
	size_t version;
	int rc = version_of(db, known, &version, err);

	for (; rc == 0 && version < known; version++)
		rc = run_all(db, migrations[version], err);
	if (rc < 0)
		return rc;
	set = xasprintf("PRAGMA user_version = %zu", known);
	return run_all(db, set, err);
}

static int migrate(sqlite3 *db, const char *const *migrations, struct err *err)
{
	size_t known = 0, version;
	int rc;

	while (migrations[known])
		known++;
	rc = version_of(db, known, &version, err);
	if (rc < 0 || version == known)
		return rc;
	rc = run_all(db, "BEGIN IMMEDIATE", err);
	if (rc < 0)
		return rc;
	rc = migrate_locked(db, migrations, known, err);
	if (rc == 0)
		rc = run_all(db, "COMMIT", err);
	if (rc < 0)
		run_all(db, "ROLLBACK", NULL);
	return rc;
}

static int check_sound(sqlite3 *db, struct err *err)
{
	_cleanup_(record_freep) json_t *value = NULL;
	int rc = query_one(db, "PRAGMA quick_check(1)", &value, err);

	if (rc < 0)
		return rc;
	if (json_is_string(value) && strcmp(json_string_value(value), "ok") == 0)
		return 0;
	return db_err(NULL, SQLITE_CORRUPT, name_of(db), err);
}

/* Durable at every commit: a row that says that writing has begun must outlive a power loss. */
static const char settings[] = "PRAGMA journal_mode = WAL;"
			       "PRAGMA synchronous = FULL;"
			       "PRAGMA foreign_keys = ON;";

int record_db_open(sqlite3 **made, const char *path, const char *const *migrations, struct err *err)
{
	_cleanup_(record_db_closep) sqlite3 *db = NULL;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
	int code, rc;

	code = sqlite3_open_v2(path, &db, flags, NULL);
	if (code != SQLITE_OK)
		return db_err(db, code, path, err);
	sqlite3_busy_timeout(db, BUSY_MS);
	rc = run_all(db, settings, err);
	if (rc == 0)
		rc = check_sound(db, err);
	if (rc == 0)
		rc = migrate(db, migrations, err);
	if (rc == 0)
		*made = steal(db);
	return rc;
}

void record_db_closep(sqlite3 **db)
{
	sqlite3_close_v2(*db);
}

int record_path(char **path, struct err *err)
{
	_cleanup_(freep) char *state = NULL;
	int rc = path_state(&state, err);

	if (rc == 0)
		*path = path_join(state, "history.sqlite");
	return rc;
}

int record_job_folder(char **path, int64_t job, struct err *err)
{
	_cleanup_(freep) char *state = NULL;
	int rc = path_state(&state, err);

	if (rc == 0)
		*path = xasprintf("%s/jobs/%" PRId64, state, job);
	return rc;
}
