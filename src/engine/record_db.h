// SPDX-License-Identifier: MIT
/*
 * The history's database: opened, brought to the present schema, and spoken to with JSON values.
 * Every error is ERR_HOST, with the file's name and a remedy.
 */
#ifndef ABOARD_ENGINE_RECORD_DB_H
#define ABOARD_ENGINE_RECORD_DB_H

#include <jansson.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>

#include "base/err.h"

/* A job that is being recorded: see record.h. */
struct record {
	sqlite3 *db;
	int64_t job;
	char *folder;
	int lock;              /* held on FOLDER/lock as long as this job is alive */
	pthread_mutex_t guard; /* of `trouble`: events come from any thread */
	struct err trouble;    /* the first that storing an event had */
};

/* The present schema: one text of statements a version; ends with NULL. */
extern const char *const record_migrations[];

/* Opens (and makes) `path`, checks that it is sound, and applies the migrations it has not seen
   yet, all or none; of several processes at once one does it. A file with more of them than
   `migrations` has is of a newer program: refused. Closed with record_db_closep(). */
int record_db_open(sqlite3 **db, const char *path, const char *const *migrations, struct err *err);
void record_db_closep(sqlite3 **db);

/* Runs one statement. `values`, a JSON array (taken over, NULL: none), are bound in order: texts
   and integers as they are, null as NULL, anything else as JSON text. */
int record_db_run(sqlite3 *db, const char *sql, json_t *values, struct err *err);

/* The same for a query: *rows becomes an array of objects {COLUMN: VALUE}, owned by the caller. */
int record_db_query(sqlite3 *db, const char *sql, json_t *values, json_t **rows, struct err *err);

/* STATE/history.sqlite, and STATE/jobs/JOB; owned by the caller. */
int record_path(char **path, struct err *err);
int record_job_folder(char **path, int64_t job, struct err *err);

/* For `_cleanup_(record_freep) json_t *x`. */
void record_freep(json_t **json);

#endif
