// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "engine/record.h"
#include "engine/record_db.h"
#include "rig/home_rig.h"

static char *in_state(void **state, const char *name)
{
	return xasprintf("%s/state/%s", (char *)*state, name);
}

static const struct record_filter all = {0};

/* A job and its stream of events. */
struct run {
	struct record *record;
	struct events *events;
};

static int begin(struct run *run, const char *verb, const char *board, struct err *err)
{
	int rc = record_begin(&run->record, verb, board, "uboot", err);

	if (rc < 0)
		return rc;
	run->events = events_new(NULL);
	events_identify(run->events, record_job(run->record), board);
	events_add(run->events, record_sink(run->record));
	return 0;
}

static void end(struct run *run)
{
	events_free(run->events);
	record_end(run->record);
}

static void emit_plan(struct run *run)
{
	events_emit(run->events, "plan",
		    json_pack("{s:{s:{s:{s:s,s:s},s:{s:s}},s:[s],s:[]},s:s}", "plan", "facts",
			      "image", "ref", "os.img.xz", "codec", "xz", "target", "name", "emmc",
			      "steps", "write", "warnings", "digest", "abcd"));
}

static void emit_stage(struct run *run, const char *name, const char *how, int attempt, bool writes)
{
	json_t *fields = json_pack("{s:s,s:s,s:s,s:i,s:i}", "name", name, "label", name, "state",
				   how, "attempt", attempt, "ms", 12);

	if (writes)
		json_object_set_new(fields, "writes", json_true());
	if (strcmp(how, "failed") == 0)
		json_object_set_new(fields, "reason", json_string("it broke"));
	events_emit(run->events, "stage", fields);
}

static void emit_result(struct run *run, const char *outcome)
{
	events_emit(run->events, "result",
		    json_pack("{s:s,s:n,s:i,s:i,s:s,s:[{s:s,s:s,s:b}]}", "outcome", outcome,
			      "error", "exit", 0, "ms", 345, "state", "all is well", "writes",
			      "target", "emmc", "sha256", "feed", "verified", 1));
}

static json_t *list(const struct record_filter *filter)
{
	struct err err = {0};
	json_t *jobs = NULL;

	if (record_list(filter, &jobs, &err) < 0)
		fail_msg("%s", err.text);
	return jobs;
}

static json_t *get(int64_t job)
{
	struct err err = {0};
	json_t *whole = NULL;

	if (record_get(job, &whole, &err) < 0)
		fail_msg("%s", err.text);
	return whole;
}

static void expect_text(const json_t *object, const char *key, const char *wanted)
{
	const char *got = json_string_value(json_object_get(object, key));

	if (!wanted)
		assert_true(json_is_null(json_object_get(object, key)));
	else
		assert_string_equal(got ? got : "(none)", wanted);
}

static void emit_whole_job(struct run *run)
{
	events_emit(run->events, "job", json_pack("{s:s}", "verb", "flash"));
	emit_plan(run);
	events_emit(run->events, "check",
		    json_pack("{s:s,s:s,s:s,s:s,s:n}", "name", "console-opens", "label",
			      "console opens", "verdict", "pass", "text", "it does", "remedy"));
	emit_stage(run, "boot", "begin", 1, false);
	emit_stage(run, "boot", "failed", 1, false);
	emit_stage(run, "boot", "retry", 2, false);
	emit_stage(run, "boot", "begin", 2, false);
	emit_stage(run, "boot", "done", 2, false);
	emit_stage(run, "write", "begin", 1, true);
	events_emit(run->events, "progress", json_pack("{s:i}", "done", 1));
	events_log(run->events, "debug", "console: noise");
	events_log(run->events, "warning", "worth knowing");
	emit_stage(run, "write", "done", 1, true);
	emit_result(run, "done");
}

static void expect_stages(const json_t *whole)
{
	const json_t *stages = json_object_get(whole, "stages");

	assert_int_equal(json_array_size(stages), 3);
	expect_text(json_array_get(stages, 0), "state", "failed");
	expect_text(json_array_get(stages, 0), "reason", "it broke");
	expect_text(json_array_get(stages, 1), "state", "done");
	expect_text(json_array_get(stages, 1), "reason", NULL);
	expect_text(json_array_get(stages, 2), "name", "write");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(stages, 1), "attempt")),
			 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(stages, 2), "ms")), 12);
}

static void expect_events(const json_t *whole)
{
	static const char *const kinds[] = {"job", "stage", "log"};
	const json_t *events = json_object_get(whole, "events");
	size_t i;

	assert_int_equal(json_array_size(events), ARRAY_SIZE(kinds));
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_text(json_array_get(events, i), "event", kinds[i]);
	expect_text(json_array_get(events, 2), "text", "worth knowing");
}

static void expect_summary(const json_t *job)
{
	expect_text(job, "board", "demo");
	expect_text(job, "driver", "uboot");
	expect_text(job, "verb", "flash");
	expect_text(job, "version", ABOARD_VERSION);
	expect_text(job, "outcome", "done");
	expect_text(job, "stage", "write");
	expect_text(job, "error", NULL);
	expect_text(job, "image", "os.img.xz");
	expect_text(job, "target", "emmc");
	expect_text(job, "sha256", "feed");
	assert_int_equal(json_integer_value(json_object_get(job, "ms")), 345);
	assert_true(json_is_string(json_object_get(job, "begun")));
	assert_true(json_is_string(json_object_get(job, "ended")));
}

static void a_job_is_kept_whole(void **state)
{
	_cleanup_(record_freep) json_t *jobs = NULL, *whole = NULL;
	_cleanup_(freep) char *log = in_state(state, "jobs/1/console.log");
	const json_t *plan;
	struct run run;
	struct err err;

	assert_int_equal(begin(&run, "flash", "demo", &err), 0);
	assert_int_equal(record_job(run.record), 1);
	assert_int_equal(strncmp(record_folder(run.record), log, strlen(log) - 12), 0);
	emit_whole_job(&run);
	assert_int_equal(record_trouble(run.record, &err), 0);
	end(&run);

	jobs = list(&all);
	assert_int_equal(json_array_size(jobs), 1);
	expect_summary(json_array_get(jobs, 0));
	whole = get(1);
	expect_summary(whole);
	expect_stages(whole);
	expect_events(whole);
	expect_text(whole, "digest", "abcd");
	expect_text(whole, "state", "all is well");
	expect_text(whole, "console", NULL);
	expect_text(json_array_get(json_object_get(whole, "checks"), 0), "text", "it does");
	expect_text(json_object_get(whole, "result"), "event", "result");
	plan = json_object_get(whole, "plan");
	expect_text(json_object_get(json_object_get(plan, "facts"), "image"), "codec", "xz");

	assert_int_equal(path_write(log, "U-Boot\n", 7, 0600, &err), 0);
	json_decref(whole);
	whole = get(1);
	expect_text(whole, "console", log);
}

static void nothing_yet(void **state)
{
	_cleanup_(freep) char *path = in_state(state, "history.sqlite");
	_cleanup_(record_freep) json_t *jobs = list(&all);
	json_t *whole;
	struct err err;

	assert_int_equal(json_array_size(jobs), 0);
	assert_int_equal(record_get(3, &whole, &err), -ERR_NOT_FOUND);
	assert_string_equal(err.text, "no job 3");
	assert_int_equal(access(path, F_OK), -1);
}

static void add_ended(const char *board, const char *outcome)
{
	struct run run;
	struct err err;

	assert_int_equal(begin(&run, "flash", board, &err), 0);
	if (outcome)
		emit_result(&run, outcome);
	end(&run);
}

static void expect_jobs(const struct record_filter *filter, const char *wanted)
{
	_cleanup_(record_freep) json_t *jobs = list(filter);
	_cleanup_(buf_free) struct buf got = {0};
	json_t *job;
	size_t i;

	json_array_foreach(jobs, i, job) buf_addf(
		&got, "%s%s:%s", i ? " " : "", json_string_value(json_object_get(job, "board")),
		json_string_value(json_object_get(job, "outcome")));
	assert_string_equal(buf_text(&got), wanted);
}

static void filters(void **state)
{
	struct run run;
	struct err err;

	(void)state;
	add_ended("a", "done");
	add_ended("b", "failed");
	add_ended("a", NULL);
	add_ended("a", "refused");
	assert_int_equal(begin(&run, "flash", "b", &err), 0);
	expect_jobs(&all, "b:running a:refused a:interrupted b:failed a:done");
	expect_jobs(&(struct record_filter){.board = "a"}, "a:refused a:interrupted a:done");
	expect_jobs(&(struct record_filter){.failed = true}, "a:refused a:interrupted b:failed");
	expect_jobs(&(struct record_filter){.failed = true, .limit = 2}, "a:refused a:interrupted");
	expect_jobs(&(struct record_filter){.limit = 2}, "b:running a:refused");
	expect_jobs(&(struct record_filter){.board = "c"}, "");
	end(&run);
	expect_jobs(&(struct record_filter){.limit = 1}, "b:interrupted");
}

static void secrets_never_reach_it(void **state)
{
	_cleanup_(freep) char *path = in_state(state, "history.sqlite");
	_cleanup_(buf_free) struct buf bytes = {0};
	struct secrets *secrets;
	struct run run;
	struct err err;

	assert_int_equal(secrets_new(&secrets, NULL, &err), 0);
	secrets_remember(secrets, "hunter22");
	assert_int_equal(record_begin(&run.record, "flash", "demo", "uboot", &err), 0);
	run.events = events_new(secrets);
	events_add(run.events, record_sink(run.record));
	events_log(run.events, "info", "http://me:hunter22@host");
	events_emit(run.events, "plan", json_pack("{s:{s:s}}", "plan", "x", "hunter22"));
	end(&run);
	secrets_free(secrets);
	assert_int_equal(path_read(path, 1 << 20, &bytes, &err), 0);
	assert_non_null(memmem(bytes.data, bytes.size, "http://me:***@host", 18));
	assert_null(memmem(bytes.data, bytes.size, "hunter22", 8));
}

/* A child that runs `work` with a pipe to say how far it is. */
static pid_t start(void (*work)(int ready), int *ready)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		work(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	*ready = ends[0];
	return pid;
}

static void say(int ready)
{
	if (write(ready, "x", 1) != 1)
		_exit(3);
}

static void hear(int ready, int count)
{
	char byte;

	while (count--)
		assert_int_equal(read(ready, &byte, 1), 1);
}

static void write_endlessly(int ready)
{
	struct run run;
	struct err err;
	int i;

	if (begin(&run, "flash", "demo", &err) < 0)
		_exit(2);
	emit_stage(&run, "write", "begin", 1, true);
	say(ready);
	for (i = 0;; i++) {
		events_log(run.events, "info", "line %d", i);
		say(ready);
	}
}

static void killed_in_the_middle(void **state)
{
	int ready, round;
	struct run run;
	struct err err;
	pid_t pid;

	(void)state;
	for (round = 0; round < 5; round++) {
		_cleanup_(record_freep) json_t *before = NULL, *after = NULL;

		pid = start(write_endlessly, &ready);
		hear(ready, 2 + round);
		before = get(round + 1);
		expect_text(before, "outcome", "running");
		expect_text(before, "state", "the job is running");
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		close(ready);
		after = get(round + 1);
		expect_text(after, "outcome", "interrupted");
		expect_text(after, "stage", "write");
		expect_text(after, "state",
			    "the board's storage is incomplete: flash it again "
			    "before it is used");
		assert_true(json_array_size(json_object_get(after, "events")) >= (size_t)round + 1);
	}
	assert_int_equal(begin(&run, "flash", "demo", &err), 0);
	assert_int_equal(record_job(run.record), round + 1);
	end(&run);
}

#define WRITERS   8
#define JOBS_EACH 3

static void write_jobs(int ready)
{
	struct run run;
	struct err err;
	int i;

	for (i = 0; i < JOBS_EACH; i++) {
		if (begin(&run, "flash", "demo", &err) < 0)
			_exit(2);
		emit_whole_job(&run);
		if (record_trouble(run.record, &err) < 0)
			_exit(4);
		end(&run);
	}
	say(ready);
}

/* From no file at all, so that they also meet while the schema is made. */
static void several_processes(void **state)
{
	int ready[WRITERS], status, i;
	pid_t pids[WRITERS];

	(void)state;
	for (i = 0; i < WRITERS; i++)
		pids[i] = start(write_jobs, &ready[i]);
	for (i = 0; i < WRITERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
		close(ready[i]);
	}
	for (i = 0; i < WRITERS * JOBS_EACH; i++) {
		_cleanup_(record_freep) json_t *whole = get(i + 1);

		expect_summary(whole);
		expect_stages(whole);
		expect_events(whole);
	}
}

static void folders_of_an_older_history(void **state)
{
	_cleanup_(freep) char *folder = in_state(state, "jobs/1");
	_cleanup_(freep) char *log = in_state(state, "jobs/1/console.log");
	struct run run;
	struct err err;

	assert_int_equal(path_make_folder(folder, &err), 0);
	assert_int_equal(path_write(log, "old\n", 4, 0600, &err), 0);
	assert_int_equal(begin(&run, "flash", "demo", &err), 0);
	assert_int_equal(record_job(run.record), 2);
	end(&run);
	assert_int_equal(access(log, F_OK), 0);
}

static void expect_refused(const char *text, const char *remedy)
{
	struct run run;
	struct err err;

	assert_int_equal(begin(&run, "flash", "demo", &err), -ERR_HOST);
	assert_non_null(strstr(err.text, text));
	assert_string_equal(err.remedy, remedy);
}

static void not_a_database(void **state)
{
	_cleanup_(freep) char *folder = in_state(state, "jobs");
	_cleanup_(freep) char *path = in_state(state, "history.sqlite");
	struct err err;
	json_t *jobs;

	assert_int_equal(path_make_folder(folder, &err), 0);
	assert_int_equal(path_write(path, "This is not a database, is it now?", 34, 0600, &err), 0);
	expect_refused("/history.sqlite: file is not a database",
		       "move it away (with its -wal and -shm); a new one is made then");
	assert_int_equal(record_list(&all, &jobs, &err), -ERR_HOST);
}

static void damaged(void **state)
{
	_cleanup_(freep) char *path = in_state(state, "history.sqlite");
	_cleanup_(buf_free) struct buf bytes = {0};
	struct err err;

	add_ended("demo", "done");
	assert_int_equal(path_read(path, 1 << 20, &bytes, &err), 0);
	assert_true(bytes.size > 8192);
	memset(bytes.data + 4096, 0xa5, bytes.size - 4096);
	assert_int_equal(path_write(path, bytes.data, bytes.size, 0600, &err), 0);
	expect_refused("/history.sqlite: database disk image is malformed",
		       "move it away (with its -wal and -shm); a new one is made then");
}

static void unwritable(void **state)
{
	_cleanup_(freep) char *path = in_state(state, "history.sqlite");
	struct err err;

	assert_int_equal(path_make_folder(path, &err), 0);
	expect_refused("/history.sqlite: unable to open database file",
		       "make it and its folder writable, or set ABOARD_HOME to another folder");
}

static void newer_schema(void **state)
{
	_cleanup_(freep) char *path = in_state(state, "history.sqlite");
	_cleanup_(record_db_closep) sqlite3 *db = NULL;
	struct err err;

	add_ended("demo", "done");
	assert_int_equal(record_db_open(&db, path, record_migrations, &err), 0);
	assert_int_equal(record_db_run(db, "PRAGMA user_version = 99", NULL, &err), 0);
	expect_refused(
		"was written by a newer aboard: its schema is 99, this program knows up to 1",
		"use the newer program, or set ABOARD_HOME to another folder");
}

static const char *const first_schema[] = {"CREATE TABLE t (a TEXT)", NULL};
static const char *const second_schema[] = {
	"CREATE TABLE t (a TEXT)", "ALTER TABLE t ADD b TEXT; UPDATE t SET b = a || '!'", NULL};
static const char *const broken_schema[] = {
	"CREATE TABLE t (a TEXT)", "ALTER TABLE t ADD b TEXT; UPDATE no_such SET x = 1", NULL};

static void expect_rows(const char *path, const char *const *migrations, const char *wanted)
{
	_cleanup_(record_db_closep) sqlite3 *db = NULL;
	_cleanup_(record_freep) json_t *rows = NULL;
	_cleanup_(freep) char *text = NULL;
	struct err err;

	assert_int_equal(record_db_open(&db, path, migrations, &err), 0);
	assert_int_equal(record_db_query(db, "SELECT * FROM t", NULL, &rows, &err), 0);
	text = json_dumps(rows, JSON_COMPACT);
	assert_string_equal(text, wanted);
}

static void migrations(void **state)
{
	_cleanup_(freep) char *path = xasprintf("%s/m.sqlite", (char *)*state);
	sqlite3 *db;
	struct err err;

	assert_int_equal(record_db_open(&db, path, first_schema, &err), 0);
	assert_int_equal(record_db_run(db, "INSERT INTO t VALUES (?)", json_pack("[s]", "x"), &err),
			 0);
	record_db_closep(&db);
	assert_int_equal(record_db_open(&db, path, broken_schema, &err), -ERR_HOST);
	assert_non_null(strstr(err.text, "no such table: no_such"));
	expect_rows(path, first_schema, "[{\"a\":\"x\"}]");
	expect_rows(path, second_schema, "[{\"a\":\"x\",\"b\":\"x!\"}]");
	expect_rows(path, second_schema, "[{\"a\":\"x\",\"b\":\"x!\"}]");
	assert_int_equal(record_db_open(&db, path, first_schema, &err), -ERR_HOST);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, home_set_up, home_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(a_job_is_kept_whole),
		IN_PLACE(nothing_yet),
		IN_PLACE(filters),
		IN_PLACE(secrets_never_reach_it),
		IN_PLACE(killed_in_the_middle),
		IN_PLACE(several_processes),
		IN_PLACE(folders_of_an_older_history),
		IN_PLACE(not_a_database),
		IN_PLACE(damaged),
		IN_PLACE(unwritable),
		IN_PLACE(newer_schema),
		IN_PLACE(migrations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
