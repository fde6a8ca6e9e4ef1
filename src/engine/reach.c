// SPDX-License-Identifier: MIT
/* How a job reaches its board by hand: the console and the power switch of its board file. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "engine/job.h"

#define LINE_MAX_BYTES 4096

/* One log event a line, for --console-debug. */
static void mirror(struct job *job, const char *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++) {
		if (bytes[i] != '\n' && job->console_line.size < LINE_MAX_BYTES) {
			if (bytes[i] != '\r' && bytes[i] != '\0')
				buf_add_char(&job->console_line, bytes[i]);
			continue;
		}
		events_log(job->events, "debug", "console: %s", buf_text(&job->console_line));
		buf_clear(&job->console_line);
	}
}

/* A console log that cannot be written (disk full) does not stop a job that is writing to a board.
 */
static void received(void *context, const char *bytes, size_t size)
{
	struct job *job = context;
	ssize_t step;

	for (size_t done = 0; job->console_log >= 0 && done < size; done += (size_t)step) {
		step = write(job->console_log, bytes + done, size - done);
		if (step < 0 && errno != EINTR)
			break;
		if (step < 0)
			step = 0;
	}
	if (job->request->console_debug)
		mirror(job, bytes, size);
}

static int open_log(struct job *job, struct err *err)
{
	_cleanup_(freep) char *path = NULL;

	if (!job->record || job->console_log >= 0)
		return 0;
	path = path_join(record_folder(job->record), "console.log");
	job->console_log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (job->console_log < 0)
		return err_errno(err, ERR_HOST, "cannot write %s", path);
	return 0;
}

int job_console(struct job *job, struct deadline deadline, struct err *err)
{
	const struct yaml *own = job->board->own;
	struct stream_settings settings = {.baud = job->board->baud};
	struct console_settings how = {.tap = {received, job}};
	struct stream *stream;
	int rc;

	if (job->console)
		return 0;
	if (!job->board->serial) {
		err_set(err, ERR_CONFIG, "board '%s' has no console", job->board->name);
		return err_remedy(err, "give 'serial' in its board file");
	}
	rc = open_log(job, err);
	if (rc < 0)
		return rc;
	rc = stream_open(&stream, job->board->serial, &settings, deadline, err);
	if (rc < 0)
		return err_prefix(err, "opening the console");
	how.char_delay_us = yaml_duration_ms(own, "char_delay", 0) * 1000;
	how.chunk = (size_t)yaml_uint(own, "chunk", 0);
	job->console = console_new(stream, &how);
	return 0;
}

int job_power(struct job *job, struct err *err)
{
	int rc;

	if (job->power)
		return 0;
	if (!job->board->power) {
		err_set(err, ERR_CONFIG, "board '%s' has no power switch", job->board->name);
		return err_remedy(
			err, "give 'power' in its board file; 'power: {type: manual}' asks you");
	}
	rc = power_open(&job->power, job->board->name, job->board->power, job->board->secrets, err);
	if (rc < 0)
		return rc;
	job->power->ask = job->person.wait;
	job->power->ask_context = job->person.context;
	return 0;
}
