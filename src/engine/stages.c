// SPDX-License-Identifier: MIT
#include "engine/stages.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "engine/meter.h"

static void emit_stage(struct job *job, size_t index, const char *state, unsigned int attempt,
		       int64_t ms, const char *reason)
{
	const struct stage *stage = &job->work->stages[index];
	json_t *fields = json_pack("{sssssssisI}", "name", stage->name, "label", stage->label,
				   "state", state, "attempt", (int)attempt, "ms", (json_int_t)ms);

	if (stage->writes)
		json_object_set_new(fields, "writes", json_true());
	if (reason)
		json_object_set_new(fields, "reason", json_text(reason));
	events_emit(job->events, "stage", fields);
}

static void begin_stage(struct job *job, size_t index)
{
	const struct stage *stage = &job->work->stages[index];

	job->stage = stage;
	if (job->begun < index + 1)
		job->begun = index + 1;
	job->attempts[index]++;
	if (stage->writes) {
		job->wrote = true;
		job->proven = false;
	}
	meter_stage(job->meter, index);
}

static int try_stage(struct job *job, size_t index, struct err *err)
{
	const struct stage *stage = &job->work->stages[index];
	int64_t begun = clock_ms();
	struct deadline deadline =
		deadline_of_cancel(job->cancel_fd, board_timeout_ms(job->board, stage->name));
	unsigned int attempt;
	int rc;

	begin_stage(job, index);
	attempt = job->attempts[index];
	emit_stage(job, index, "begin", attempt, 0, NULL);
	rc = deadline_check(deadline, err);
	if (rc == 0)
		rc = stage->run(job, deadline, err);
	if (rc == 0) {
		emit_stage(job, index, "done", attempt, clock_ms() - begun, NULL);
		return 0;
	}
	err_prefix(err, "%s", stage->label);
	emit_stage(job, index, "failed", attempt, clock_ms() - begun, err->text);
	return rc;
}

/* Attempts are counted over the whole job, also when an earlier stage is gone back to. */
static void emit_retry(struct job *job, size_t index, const struct err *err)
{
	emit_stage(job, index, "retry", job->attempts[index] + 1, 0, err->text);
}

/* A board that does not answer any more is not asked again: only going back further can help. */
static bool is_silent(const struct err *err)
{
	return err->kind == ERR_TIMEOUT || err->kind == ERR_CONSOLE || err->kind == ERR_USB;
}

static int run_stage(struct job *job, size_t index, struct err *err)
{
	const struct stage *stage = &job->work->stages[index];
	unsigned int tried = 1;
	int rc;

	for (;; tried++) {
		rc = try_stage(job, index, err);
		if (rc == 0 || tried >= stage->tries || !err_may_pass(err->kind) || is_silent(err))
			return rc;
		emit_retry(job, index, err);
	}
}

/* Where to go on after a failure; false when there is no way. */
static bool restart_at(struct job *job, const struct stage *failed, const struct err *err,
		       size_t *index)
{
	const struct stage *stages = job->work->stages;
	size_t i;

	if (!failed->restart || !err_may_pass(err->kind) || job->retries_left == 0)
		return false;
	for (i = 0; stages[i].name; i++) {
		if (strcmp(stages[i].name, failed->restart) == 0) {
			job->retries_left--;
			*index = i;
			emit_retry(job, i, err);
			return true;
		}
	}
	return false;
}

static size_t count_stages(const struct stage *stages)
{
	size_t count = 0;

	while (stages[count].name)
		count++;
	return count;
}

int stages_run(struct job *job, struct err *err)
{
	const struct stage *stages = job->work->stages;
	size_t index = 0;
	int rc;

	job->attempts = xcalloc(count_stages(stages) + 1, sizeof(*job->attempts));
	meter_begin(job->meter, stages);
	while (stages[index].name) {
		rc = run_stage(job, index, err);
		if (rc == 0)
			index++;
		else if (!restart_at(job, &stages[index], err, &index))
			return rc;
	}
	job->stage = NULL;
	return 0;
}

void job_progress(struct job *job, uint64_t done, uint64_t total)
{
	struct meter_reading reading;

	if (!job->stage || !meter_sample(job->meter, done, total, clock_ms(), &reading))
		return;
	events_emit(job->events, "progress",
		    json_pack("{sssIsosfsfso}", "stage", job->stage->name, "done", (json_int_t)done,
			      "total", total ? json_integer((json_int_t)total) : json_null(),
			      "percent", reading.percent, "rate", reading.rate, "eta_ms",
			      reading.eta_ms < 0 ? json_null()
						 : json_integer((json_int_t)reading.eta_ms)));
}

void job_share_progress(void *context, uint64_t done)
{
	const struct job_share *share = context;

	job_progress(share->job, share->base + done, share->total);
}

struct deadline job_deadline(struct job *job, struct deadline outer, const char *name)
{
	return deadline_in(outer, board_timeout_ms(job->board, name));
}

/* Written once more, it is still one thing on the board. */
static void forget_write(struct job *job, const char *target)
{
	size_t i = json_array_size(job->writes);

	while (i-- > 0)
		if (text_equal(json_string_value(
				       json_object_get(json_array_get(job->writes, i), "target")),
			       target))
			json_array_remove(job->writes, i);
}

void job_wrote(struct job *job, const char *target, const char *device, uint64_t bytes,
	       const char *sha256, bool verified)
{
	forget_write(job, target);
	json_array_append_new(job->writes, json_pack("{sssosIsssb}", "target", target, "device",
						     json_text(device), "bytes", (json_int_t)bytes,
						     "sha256", sha256, "verified", verified));
}

void job_result(struct job *job, const char *name, json_t *value)
{
	json_object_set_new(job->results, name, value);
}
