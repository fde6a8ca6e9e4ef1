// SPDX-License-Identifier: MIT
#include "engine/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "engine/record_db.h"

#define JOB_COLUMNS                                                              \
	"SELECT id AS job, board, driver, verb, version, begun, ended, outcome," \
	" stage, error, image, target, sha256, ms"

/* NULL, and success, when there is no history yet: reading does not make one. */
static int open_history(sqlite3 **db, struct err *err)
{
	_cleanup_(freep) char *path = NULL;
	int rc = record_path(&path, err);

	if (rc < 0)
		return rc;
	*db = NULL;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	return record_db_open(db, path, record_migrations, err);
}

static bool is_locked(const char *path)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* Whether the process of a job still holds the lock in its folder. */
static int is_alive(int64_t job, bool *alive, struct err *err)
{
	_cleanup_(freep) char *folder = NULL, *path = NULL;
	int rc = record_job_folder(&folder, job, err);

	if (rc < 0)
		return rc;
	path = path_join(folder, "lock");
	*alive = is_locked(path);
	return 0;
}

/* A job without an outcome is running, or was and its process is gone. */
static int add_outcome(json_t *row, struct err *err)
{
	bool alive;
	int rc;

	if (json_is_string(json_object_get(row, "outcome")))
		return 0;
	rc = is_alive(json_integer_value(json_object_get(row, "job")), &alive, err);
	if (rc == 0)
		json_object_set_new(row, "outcome", json_string(alive ? "running" : "interrupted"));
	return rc;
}

static bool wanted(const json_t *row, const struct record_filter *filter)
{
	const char *outcome = json_string_value(json_object_get(row, "outcome"));

	return !filter->failed || !(text_equal(outcome, "done") || text_equal(outcome, "running"));
}

static int read_jobs(sqlite3 *db, const struct record_filter *filter, json_t *jobs, struct err *err)
{
	_cleanup_(record_freep) json_t *rows = NULL;
	json_t *row;
	size_t i;
	int rc;

	rc = record_db_query(db,
			     JOB_COLUMNS " FROM jobs WHERE (?1 IS NULL OR board = ?1)"
					 " AND (NOT ?2 OR outcome IS NOT 'done')"
					 " ORDER BY id DESC LIMIT ?3",
			     json_pack("[s?ii]", filter->board, filter->failed,
				       filter->limit && !filter->failed ? (int)filter->limit : -1),
			     &rows, err);
	json_array_foreach(rows, i, row)
	{
		if (rc == 0)
			rc = add_outcome(row, err);
		if (rc == 0 && wanted(row, filter) &&
		    (!filter->limit || json_array_size(jobs) < filter->limit))
			json_array_append(jobs, row);
	}
	return rc;
}

int record_list(const struct record_filter *filter, json_t **jobs, struct err *err)
{
	_cleanup_(record_db_closep) sqlite3 *db = NULL;
	_cleanup_(record_freep) json_t *list = json_array();
	int rc = open_history(&db, err);

	if (rc == 0 && db)
		rc = read_jobs(db, filter, list, err);
	if (rc == 0)
		*jobs = steal(list);
	return rc;
}

/* A column that holds JSON becomes what it says; null when it does not parse. */
static void unfold(json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));
	json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

	json_object_set_new(row, key, value ? value : json_null());
}

static int add_rows(sqlite3 *db, json_t *whole, const char *key, const char *sql, struct err *err)
{
	json_t *rows, *job = json_object_get(whole, "job");
	int rc = record_db_query(db, sql, json_pack("[O]", job), &rows, err);

	if (rc == 0)
		json_object_set_new(whole, key, rows);
	return rc;
}

static int add_events(sqlite3 *db, json_t *whole, struct err *err)
{
	int rc = add_rows(db, whole, "events", "SELECT event FROM events WHERE job = ? ORDER BY id",
			  err);
	json_t *rows, *row;
	size_t i;

	if (rc < 0)
		return rc;
	rows = json_object_get(whole, "events");
	json_array_foreach(rows, i, row)
	{
		unfold(row, "event");
		json_array_set(rows, i, json_object_get(row, "event"));
	}
	return 0;
}

/* What an ended job said itself; of one that was interrupted, what its stages tell. */
static const char *state_of(const json_t *whole)
{
	const json_t *said = json_object_get(json_object_get(whole, "result"), "state");

	if (json_is_string(said))
		return json_string_value(said);
	if (text_equal(json_string_value(json_object_get(whole, "outcome")), "running"))
		return "the job is running";
	if (json_integer_value(json_object_get(whole, "touched")))
		return "the board's storage is incomplete: flash it again before it is used";
	return "nothing on the board was changed";
}

static int add_console(json_t *whole, struct err *err)
{
	_cleanup_(freep) char *folder = NULL, *path = NULL;
	int64_t job = json_integer_value(json_object_get(whole, "job"));
	int rc = record_job_folder(&folder, job, err);

	if (rc < 0)
		return rc;
	path = path_join(folder, "console.log");
	json_object_set_new(whole, "console", json_text(access(path, F_OK) == 0 ? path : NULL));
	return 0;
}

static int add_parts(sqlite3 *db, json_t *whole, struct err *err)
{
	int rc = add_outcome(whole, err);

	unfold(whole, "plan");
	unfold(whole, "result");
	json_object_set_new(whole, "state", json_string(state_of(whole)));
	json_object_del(whole, "touched");
	if (rc == 0)
		rc = add_rows(db, whole, "checks",
			      "SELECT name, label, verdict, text, remedy FROM checks"
			      " WHERE job = ? ORDER BY id",
			      err);
	if (rc == 0)
		rc = add_rows(db, whole, "stages",
			      "SELECT name, label, attempt, state, begun, ended, ms, reason"
			      " FROM stages WHERE job = ? ORDER BY id",
			      err);
	if (rc == 0)
		rc = add_events(db, whole, err);
	return rc == 0 ? add_console(whole, err) : rc;
}

static int read_job(sqlite3 *db, int64_t job, json_t **rows, struct err *err)
{
	*rows = NULL;
	if (!db)
		return 0;
	return record_db_query(db,
			       JOB_COLUMNS ", touched, plan, digest, result FROM jobs WHERE id = ?",
			       json_pack("[I]", (json_int_t)job), rows, err);
}

int record_get(int64_t job, json_t **whole, struct err *err)
{
	_cleanup_(record_db_closep) sqlite3 *db = NULL;
	_cleanup_(record_freep) json_t *rows = NULL;
	json_t *row;
	int rc = open_history(&db, err);

	if (rc == 0)
		rc = read_job(db, job, &rows, err);
	if (rc < 0)
		return rc;
	row = json_array_get(rows, 0);
	if (!row) {
		err_set(err, ERR_NOT_FOUND, "no job %" PRId64, job);
		return err_remedy(err, "aboard history lists the jobs");
	}
	rc = add_parts(db, row, err);
	if (rc == 0)
		*whole = json_incref(row);
	return rc;
}
