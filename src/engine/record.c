// SPDX-License-Identifier: MIT
#include "engine/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "engine/record_db.h"

#define ROOM_WANTED ((unsigned long long)64 << 20)

static void free_record(struct record *record)
{
	record_db_closep(&record->db);
	closep(&record->lock);
	pthread_mutex_destroy(&record->guard);
	free(record->folder);
	free(record);
}

static void free_recordp(struct record **record)
{
	if (*record)
		free_record(*record);
}

static int check_room(const char *path, struct err *err)
{
	_cleanup_(freep) char *folder = path_folder(path);
	char has[TEXT_SIZE], wants[TEXT_SIZE];
	unsigned long long room;
	int rc = path_free_space(folder, &room, err);

	if (rc < 0 || room >= ROOM_WANTED)
		return rc;
	err_set(err, ERR_HOST, "only %s are free in %s, %s are needed to keep the record",
		text_of_size(room, has), folder, text_of_size(ROOM_WANTED, wants));
	return err_remedy(err, "free some space, or set ABOARD_HOME to a folder on another disk");
}

/* The folder of the first free number from `record->job` on. One that is there already belongs to a
   history that was moved away: its log is kept. */
static int make_folder(struct record *record, struct err *err)
{
	_cleanup_(freep) char *jobs = NULL;
	int rc = record_job_folder(&record->folder, record->job, err);

	if (rc < 0)
		return rc;
	jobs = path_folder(record->folder);
	rc = path_make_folder(jobs, err);
	while (rc == 0 && mkdir(record->folder, 0700) < 0) {
		if (errno != EEXIST)
			return err_errno(err, ERR_HOST, "cannot make the folder %s",
					 record->folder);
		free(record->folder);
		record->folder = xasprintf("%s/%" PRId64, jobs, ++record->job);
	}
	return rc;
}

static int hold_lock(struct record *record, struct err *err)
{
	_cleanup_(freep) char *path = path_join(record->folder, "lock");

	record->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (record->lock < 0 || flock(record->lock, LOCK_EX | LOCK_NB) < 0)
		return err_errno(err, ERR_HOST, "cannot lock %s", path);
	return 0;
}

static int next_job(struct record *record, struct err *err)
{
	_cleanup_(record_freep) json_t *rows = NULL;
	int rc = record_db_query(record->db, "SELECT coalesce(max(id), 0) + 1 AS next FROM jobs",
				 NULL, &rows, err);

	if (rc == 0)
		record->job = json_integer_value(json_object_get(json_array_get(rows, 0), "next"));
	return rc;
}

/* The lock is held before the row can be seen, so that nobody takes a new job for a dead one. */
static int add_job(struct record *record, const char *verb, const char *board, const char *driver,
		   struct err *err)
{
	char now[EVENT_TIME];
	int rc = next_job(record, err);

	if (rc == 0)
		rc = make_folder(record, err);
	if (rc == 0)
		rc = hold_lock(record, err);
	if (rc < 0)
		return rc;
	event_time(now);
	return record_db_run(record->db,
			     "INSERT INTO jobs (id, board, driver, verb, version, begun)"
			     " VALUES (?, ?, ?, ?, ?, ?)",
			     json_pack("[Isssss]", (json_int_t)record->job, board, driver, verb,
				       ABOARD_VERSION, now),
			     err);
}

static int in_transaction(struct record *record, const char *verb, const char *board,
			  const char *driver, struct err *err)
{
	int rc = record_db_run(record->db, "BEGIN IMMEDIATE", NULL, err);

	if (rc < 0)
		return rc;
	rc = add_job(record, verb, board, driver, err);
	if (rc == 0)
		rc = record_db_run(record->db, "COMMIT", NULL, err);
	if (rc < 0)
		record_db_run(record->db, "ROLLBACK", NULL, NULL);
	if (rc < 0 && record->lock >= 0)
		path_remove_tree(record->folder, NULL);
	return rc;
}

int record_begin(struct record **made, const char *verb, const char *board, const char *driver,
		 struct err *err)
{
	_cleanup_(free_recordp) struct record *record = xcalloc(1, sizeof(*record));
	_cleanup_(freep) char *path = NULL;
	int rc;

	record->lock = -1;
	pthread_mutex_init(&record->guard, NULL);
	rc = record_path(&path, err);
	if (rc == 0)
		rc = check_room(path, err);
	if (rc == 0)
		rc = record_db_open(&record->db, path, record_migrations, err);
	if (rc == 0)
		rc = in_transaction(record, verb, board, driver, err);
	if (rc == 0)
		*made = steal(record);
	return rc;
}

int64_t record_job(const struct record *record)
{
	return record->job;
}

const char *record_folder(const struct record *record)
{
	return record->folder;
}

void record_end(struct record *record)
{
	if (record)
		free_record(record);
}
