// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/uboot/uboot.h"

#define LOOK_EVERY_MS 300

/* One look at the board: has the pipeline ended, and how many sectors did the device move since the
 * start? */
struct look {
	bool ended;
	int status;
	uint64_t bytes;
};

/* Field numbers of /sys/class/block/NAME/stat (Linux Documentation/block/stat.rst): sectors of 512
 * bytes read and written. */
#define STAT_READ    2
#define STAT_WRITTEN 6

static bool parse_stat(const char *text, bool reads, uint64_t *bytes)
{
	_cleanup_(freep) char *copy = xstrdup(text);
	char *word, *rest = NULL;
	uint64_t sectors;
	int field = 0;

	for (word = strtok_r(copy, " \n", &rest); word;
	     word = strtok_r(NULL, " \n", &rest), field++) {
		if (field != (reads ? STAT_READ : STAT_WRITTEN))
			continue;
		if (!text_u64(word, UINT64_MAX / 512, &sectors))
			return false;
		*bytes = sectors * 512;
		return true;
	}
	return false;
}

/* "@ STATUS-OR-NOTHING @ FIELDS" */
static bool parse_look(const char *output, bool reads, struct look *look)
{
	const char *line = strstr(output, "@ "), *stat;
	uint64_t status;
	char word[8] = "";
	size_t length;

	stat = line ? strstr(line + 2, "@ ") : NULL;
	if (!stat)
		return false;
	length = (size_t)(stat - line) - 2;
	if (length >= sizeof(word))
		return false;
	memcpy(word, line + 2, length);
	look->ended = text_u64(text_trim(word), 255, &status);
	look->status = look->ended ? (int)status : 0;
	return parse_stat(stat + 2, reads, &look->bytes);
}

static int look_at(struct job *job, const struct background *how, struct look *look,
		   struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf output = {0};
	int rc = board_cmd(job, SHELL_POSIX, deadline, &output, err,
			   "echo \"@ $(cat /tmp/aboard/rc 2>/dev/null) @ $(cat %s/stat)\"",
			   how->sysfs);

	if (rc == 0 && !parse_look(buf_text(&output), how->reads, look))
		rc = err_set(err, ERR_BOARD, "cannot make out the board's answer '%.80s'",
			     buf_text(&output));
	return rc;
}

static int start(struct job *job, const char *pipeline, struct deadline deadline, struct err *err)
{
	return board_cmd(job, SHELL_POSIX, deadline, NULL, err,
			 "rm -f /tmp/aboard/rc /tmp/aboard/bad; { { %s; } >/tmp/aboard/out 2>&1; "
			 "echo $? >/tmp/aboard/rc; } & pid=$!",
			 pipeline);
}

/* The device's counters also count what others read, such as partition tables. */
static void report(struct job *job, const struct background *how, uint64_t moved)
{
	uint64_t done = how->base + moved;

	job_progress(job, how->total && done > how->total ? how->total : done, how->total);
}

/* Watches until the pipeline has ended. Time without progress is counted from the last change. */
static int watch(struct job *job, const struct background *how, struct look *look,
		 struct deadline deadline, struct err *err)
{
	struct deadline stall = job_deadline(job, deadline, "stall");
	uint64_t begun = look->bytes, last = look->bytes;
	int rc = 0;

	while (!look->ended) {
		rc = deadline_pause(LOOK_EVERY_MS, deadline, err);
		if (rc == 0)
			rc = look_at(job, how, look, deadline, err);
		if (rc == 0 && how->watch)
			rc = how->watch(how->context, err);
		if (rc < 0)
			return rc;
		if (look->bytes != last)
			stall = job_deadline(job, deadline, "stall");
		last = look->bytes;
		report(job, how, look->bytes - begun);
		if (!look->ended && deadline_left_ms(stall) == 0)
			return err_set(err, ERR_TIMEOUT, "nothing moved on %s for the time 'stall'",
				       how->sysfs);
	}
	return 0;
}

/* The pipeline must not go on after we have given it up. A board that does not answer any more is
 * beyond this. */
static void end(struct job *job)
{
	struct deadline deadline = deadline_of_cancel(-1, 5000);
	struct err err;
	int status;

	console_run(job->console, SHELL_POSIX, "kill -9 -$pid $pid 2>/dev/null; true", NULL,
		    &status, deadline, &err);
}

static int finish(struct job *job, const struct background *how, const struct look *look,
		  struct buf *output, struct deadline deadline, struct err *err)
{
	int rc;

	buf_clear(output);
	rc = board_cmd(job, SHELL_POSIX, deadline, output, err, "tail -n 20 /tmp/aboard/out");
	if (rc == 0 && look->status != 0)
		rc = err_set(err, ERR_BOARD, "%s failed on the board with %d: %.300s", how->what,
			     look->status, output->data ? text_trim(output->data) : "");
	return rc;
}

int background_run(struct job *job, const struct background *how, const char *pipeline,
		   struct buf *output, struct deadline deadline, struct err *err)
{
	struct look look = {0};
	int rc = board_cmd(job, SHELL_POSIX, deadline, NULL, err, "rm -f /tmp/aboard/rc");

	if (rc == 0)
		rc = look_at(job, how, &look, deadline, err);
	if (rc == 0)
		rc = start(job, pipeline, deadline, err);
	if (rc < 0)
		return rc;
	rc = watch(job, how, &look, deadline, err);
	if (rc < 0) {
		end(job);
		return rc;
	}
	return finish(job, how, &look, output, deadline, err);
}
