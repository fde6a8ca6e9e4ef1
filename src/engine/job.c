// SPDX-License-Identifier: MIT
#include "engine/job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/job_usb.h"
#include "engine/lock.h"
#include "engine/meter.h"
#include "engine/stages.h"

static const struct work *find_work(const struct driver *driver, const struct request *request)
{
	const struct work *work;

	for (work = driver->works; work->verb; work++)
		if (strcmp(work->verb, request->verb) == 0 &&
		    (!work->at || text_equal(work->at, request->at)))
			return work;
	return NULL;
}

/* The lock and the record come first, so that whatever happens next is known of. A dry run touches
 * neither. */
static int open_books(struct job *job, struct err *err)
{
	const struct board *board = job->board;
	int rc;

	if (job->request->dry_run)
		return 0;
	rc = board_lock(&job->lock, board->name, job->request->verb, err);
	if (rc < 0)
		return rc;
	rc = record_begin(&job->record, job->request->verb, board->name, board->driver->name, err);
	if (rc < 0)
		return err_prefix(err, "opening the record");
	board_lock_job(job->lock, record_job(job->record));
	events_add(job->events, record_sink(job->record));
	events_identify(job->events, record_job(job->record), board->name);
	return 0;
}

/* Reading a large image takes its time; this lets the driver report progress before there are
 * stages. */
static const struct stage resolving[] = {{.name = "resolve", .label = "resolve"}, {0}};

static int resolve(struct job *job, struct err *err)
{
	struct deadline deadline =
		deadline_of_cancel(job->cancel_fd, board_timeout_ms(job->board, "resolve"));
	char digest[SHA256_TEXT];
	int rc;

	meter_begin(job->meter, resolving);
	job->stage = resolving;
	rc = job->work->resolve(job, deadline, err);
	job->stage = NULL;
	if (rc < 0)
		return rc;
	plan_digest(job->plan, digest);
	events_emit(job->events, "plan",
		    json_pack("{sOss}", "plan", plan_json(job->plan), "digest", digest));
	if (!job->request->plan_digest || strcmp(job->request->plan_digest, digest) == 0)
		return 0;
	err_set(err, ERR_REFUSED, "the plan is not the approved one: its digest is %s", digest);
	return err_remedy(err, "look at the plan, and give this digest if it is what you want");
}

static json_t *remedy_json(const struct err *err)
{
	return json_text(err && err->remedy[0] ? err->remedy : NULL);
}

/* A note that begins with "!" is a warning. */
static void emit_check(struct job *job, const struct check *check, int rc, const char *note,
		       const struct err *err)
{
	const char *verdict = rc < 0 ? "fail" : note[0] == '!' ? "warn" : "pass";

	events_emit(job->events, "check",
		    json_pack("{sssssssoso}", "name", check->name, "label", check->label, "verdict",
			      verdict, "text",
			      json_text(rc < 0 ? err->text : note + (note[0] == '!')), "remedy",
			      remedy_json(rc < 0 ? err : NULL)));
}

/* All of them are made, so that one run shows everything that is in the way. The first trouble is
 * the error. */
static int make_checks(struct job *job, struct err *err)
{
	const struct check *check;
	int first = 0, rc;
	struct err own;
	char note[256];

	for (check = job->work->checks; check->name; check++) {
		struct deadline deadline =
			deadline_of_cancel(job->cancel_fd, board_timeout_ms(job->board, "check"));

		note[0] = '\0';
		err_clear(&own);
		rc = check->run(job, deadline, note, &own);
		emit_check(job, check, rc, note, &own);
		if (rc < 0 && first == 0) {
			*err = own;
			first = err_prefix(err, "check '%s'", check->label);
		}
		if (rc == -ERR_CANCELLED)
			break;
	}
	return first;
}

static int confirm(struct job *job, const struct job_confirm *how, struct err *err)
{
	char digest[SHA256_TEXT];
	bool yes = true;

	struct deadline now = {.at_ms = INT64_MAX, .cancel_fd = job->cancel_fd};

	if (how->ask) {
		plan_digest(job->plan, digest);
		yes = how->ask(how->context, job->plan, digest);
	}
	events_emit(job->events, "confirm",
		    json_pack("{ss}", "answer",
			      !how->ask ? "assumed"
			      : yes     ? "yes"
					: "no"));
	if (deadline_check(now, err) < 0)
		return -ERR_CANCELLED;
	if (yes)
		return 0;
	return err_set(err, ERR_REFUSED, "not confirmed; nothing was changed");
}

/* What cannot be undone is agreed to by name, whatever was said of the rest. */
static int confirm_irreversible(struct job *job, const struct job_confirm *how, struct err *err)
{
	const char *phrase = plan_irreversible_phrase(job->plan),
		   *said = job->request->irreversible;

	if (!phrase || text_equal(said, phrase))
		return 0;
	if (!said && how->ask && how->ask_phrase && how->ask_phrase(how->context, phrase))
		return 0;
	err_set(err, ERR_REFUSED, "not agreed to what cannot be undone: %s", phrase);
	return err_remedy(err, "if that is what you want, add --irreversible '%s'", phrase);
}

/* Written is not proven. */
static int want_proof(const struct job *job, struct err *err)
{
	if (!job->wrote || job->proven || job->request->no_verify)
		return 0;
	err_set(err, ERR_VERIFY, "written, but not verified: %s",
		job->unproven ? job->unproven : "it was not read back");
	return err_remedy(err, "if written is enough for you, say so with --no-verify");
}

static int go(struct job *job, const struct job_settings *settings, struct err *err)
{
	int rc;

	rc = open_books(job, err);
	if (rc < 0)
		return rc;
	events_emit(job->events, "job",
		    json_pack("{ssssss}", "verb", job->request->verb, "driver",
			      job->board->driver->name, "version", ABOARD_VERSION));
	rc = resolve(job, err);
	if (rc == 0)
		rc = make_checks(job, err);
	if (rc < 0 || job->request->dry_run)
		return rc;
	rc = record_trouble(job->record, err);
	if (rc == 0)
		rc = confirm(job, &settings->confirm, err);
	if (rc == 0)
		rc = confirm_irreversible(job, &settings->confirm, err);
	if (rc == 0)
		rc = stages_run(job, err);
	job->complete = rc == 0;
	return rc < 0 ? rc : want_proof(job, err);
}

int job_begin(struct job **made, struct board *board, const struct request *request,
	      const struct job_settings *settings, struct err *err)
{
	struct job *job = xcalloc(1, sizeof(*job));
	size_t i;

	*job = (struct job){
		.board = board,
		.work = find_work(board->driver, request),
		.request = request,
		.plan = plan_new(),
		.events = events_new(board->secrets),
		.cancel_fd = settings->cancel_fd,
		.person = settings->person,
		.meter = xcalloc(1, sizeof(*job->meter)),
		.retries_left = request->retries,
		.begun_ms = clock_ms(),
		.console_log = -1,
		.writes = json_array(),
		.results = json_object(),
	};
	*made = job;
	events_identify(job->events, 0, board->name);
	for (i = 0; i < ARRAY_SIZE(settings->sinks); i++)
		if (settings->sinks[i].take)
			events_add(job->events, settings->sinks[i]);
	if (!job->work)
		return err_set(err, ERR_USAGE, "board '%s': the driver '%s' cannot %s%s%s",
			       board->name, board->driver->name, request->verb,
			       request->at ? " at " : "", request->at ? request->at : "");
	return go(job, settings, err);
}

/* Newest first; every one is done, whatever happens to the others. */
static int clean_up(struct job *job, struct err *err)
{
	int64_t timeout = board_timeout_ms(job->board, "cleanup");
	int first = 0, rc;
	struct err own;
	size_t i;

	for (i = job->begun; i-- > 0;) {
		const struct stage *stage = &job->work->stages[i];

		if (!stage->cleanup)
			continue;
		err_clear(&own);
		rc = stage->cleanup(job, deadline_of_cancel(-1, timeout), &own);
		if (rc == 0)
			continue;
		events_log(job->events, "warning", "cleaning up after '%s': %s", stage->label,
			   own.text);
		if (first == 0) {
			*err = own;
			first = err_prefix(err, "cleaning up after '%s'", stage->label);
		}
	}
	return first;
}

struct outcome {
	enum err_kind kind;
	const char *name;
};

static const struct outcome outcomes[] = {
	{ERR_NONE, "done"},
	{ERR_REFUSED, "refused"},
	{ERR_CANCELLED, "cancelled"},
};

/* A job that never got to its stages was refused, whatever the reason. */
static const char *outcome_of(const struct job *job, int rc)
{
	size_t i;

	if (rc == 0 && job->request->dry_run)
		return "planned";
	for (i = 0; i < ARRAY_SIZE(outcomes); i++)
		if (rc == -(int)outcomes[i].kind)
			return outcomes[i].name;
	return job->begun ? "failed" : "refused";
}

static const char *storage_state(const struct job *job)
{
	if (!job->wrote)
		return "nothing on the board was changed";
	if (job->proven)
		return "what was written was read back from the board and is right";
	if (job->complete)
		return "it was written whole, but not read back";
	return "the board's storage is incomplete: flash it again before it is used";
}

static void emit_result(struct job *job, int rc, const struct err *err)
{
	json_t *error = json_null();

	if (rc < 0)
		error = json_pack("{sssoso}", "kind", err_kind_name(err->kind), "text",
				  json_text(err->text), "remedy", remedy_json(err));
	json_object_update_new(
		job->results,
		json_pack("{sssosisIsssOsb}", "outcome", outcome_of(job, rc), "error", error,
			  "exit", rc < 0 ? err_exit_status(err->kind) : 0, "ms",
			  (json_int_t)(clock_ms() - job->begun_ms), "state", storage_state(job),
			  "writes", job->writes, "console", job->console_log >= 0));
	events_emit(job->events, "result", steal(job->results));
}

static void job_free(struct job *job)
{
	if (job->board->driver->release)
		job->board->driver->release(job);
	if (job->record)
		record_end(job->record);
	job_usb_free(job);
	console_free(job->console);
	power_close(job->power);
	closep(&job->console_log);
	board_unlock(job->lock);
	events_free(job->events);
	plan_free(job->plan);
	json_decref(job->writes);
	json_decref(job->results);
	free(job->images);
	free(job->attempts);
	free(job->meter);
	free(job);
}

int job_end(struct job *job, int rc, struct err *err)
{
	struct err own;
	int cleaned = clean_up(job, &own);

	if (rc == 0 && cleaned < 0) {
		*err = own;
		rc = cleaned;
	}
	emit_result(job, rc, err);
	if (rc == 0 && job->record)
		rc = record_trouble(job->record, err);
	job_free(job);
	return rc;
}

int job_run(struct board *board, const struct request *request, const struct job_settings *settings,
	    struct err *err)
{
	struct job *job;
	int rc = job_begin(&job, board, request, settings, err);

	return job_end(job, rc, err);
}
