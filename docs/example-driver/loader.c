// SPDX-License-Identifier: MIT
/* The way into boards whose loader understands two lines on its serial port:
     WRITE <size>      it answers READY, takes that many bytes, and answers DONE
     SUM <size>        it answers with the SHA-256 of the first bytes of its medium */
#include "loader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/job_image.h"
#include "io/stream.h"

struct loader {
	struct stream *stream;
	struct job_image image;
};

static int resolve(struct job *job, struct deadline deadline, struct err *err)
{
	struct loader *loader = xcalloc(1, sizeof(*loader));

	job->own = loader;
	if (!job->board->serial)
		return err_set(err, ERR_CONFIG, "board '%s' has no 'serial'", job->board->name);
	plan_step(job->plan, "write the image through the loader, and have it summed");
	return job_image_resolve(job, &loader->image, job->request->items[0].file, "image", true,
				 deadline, err);
}

static int check_port(struct job *job, struct deadline deadline, char note[256], struct err *err)
{
	struct stream_settings settings = {.baud = job->board->baud};
	struct loader *loader = job->own;

	snprintf(note, 256, "%s", job->board->serial);
	return stream_open(&loader->stream, job->board->serial, &settings, deadline, err);
}

/* One line of the loader, without its end: hostile bytes into a buffer of a known size. */
static int get_line(struct loader *loader, char line[SHA256_TEXT], struct deadline deadline,
		    struct err *err)
{
	size_t length = 0, got = 1;
	int rc = 0;

	for (; rc == 0 && length < SHA256_TEXT; length += got) {
		rc = stream_read(loader->stream, line + length, 1, &got, deadline, err);
		if (rc == 0 && got == 0)
			return err_set(err, ERR_CONSOLE, "the serial port was closed");
		if (rc == 0 && line[length] == '\n')
			break;
	}
	line[length < SHA256_TEXT ? length : SHA256_TEXT - 1] = '\0';
	return rc < 0 ? err_prefix(err, "waiting for the loader") : 0;
}

static int command(struct loader *loader, const char *verb, char line[SHA256_TEXT],
		   struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *text = xasprintf("%s %" PRIu64 "\n", verb, loader->image.size);
	int rc = stream_write(loader->stream, text, strlen(text), deadline, err);

	return rc < 0 ? rc : get_line(loader, line, deadline, err);
}

static int send_image(struct job *job, struct reader *from, struct deadline deadline,
		      struct err *err)
{
	struct loader *loader = job->own;
	size_t got = 1;
	uint64_t done;
	char piece[4096];
	int rc = 0;

	for (done = 0; rc == 0 && got > 0; done += got) {
		rc = from->read(from, piece, sizeof(piece), &got, err);
		if (rc == 0)
			rc = stream_write(loader->stream, piece, got, deadline, err);
		job_progress(job, done, loader->image.size);
	}
	return rc;
}

static int write_image(struct job *job, struct deadline deadline, struct err *err)
{
	_cleanup_(image_closep) struct image *image = NULL;
	struct loader *loader = job->own;
	char line[SHA256_TEXT] = "";
	int rc = job_image_take(job, &loader->image, &image, deadline, err);

	if (rc == 0)
		rc = command(loader, "WRITE", line, deadline, err);
	if (rc == 0 && strcmp(line, "READY") != 0)
		rc = err_set(err, ERR_BOARD, "the loader answers '%s' to WRITE", line);
	if (rc == 0)
		rc = send_image(job, image_stream(image), deadline, err);
	if (rc == 0)
		rc = job_image_read(&loader->image, image, err);
	return rc < 0 ? rc : get_line(loader, line, deadline, err);
}

static int verify(struct job *job, struct deadline deadline, struct err *err)
{
	struct loader *loader = job->own;
	char line[SHA256_TEXT];
	int rc = command(loader, "SUM", line, deadline, err);

	if (rc < 0)
		return rc;
	job->proven = strcmp(line, loader->image.sha256) == 0;
	job_wrote(job, "medium", NULL, loader->image.size, line, job->proven);
	if (job->proven)
		return 0;
	return err_set(err, ERR_VERIFY, "it reads back as %s, the image is %s", line,
		       loader->image.sha256);
}

static void release(struct job *job)
{
	struct loader *loader = steal(job->own);

	if (loader && loader->stream)
		stream_close(loader->stream);
	if (loader)
		job_image_free(&loader->image);
	free(loader);
}

static const struct key keys[] = {{0}}; /* of the mapping 'loader:' in a board file */
static const struct key timeouts[] = {
	JOB_TIMEOUTS,
	{"write", KEY_DURATION, false, "1h", "writing", NULL},
	{"verify", KEY_DURATION, false, "10m", "reading back", NULL},
	{0},
};
static const struct check checks[] = {{"port", "serial port opens", check_port}, {0}};
static const struct stage stages[] = {
	{.name = "write", .label = "write", .weight = 10, .writes = true, .run = write_image},
	{.name = "verify", .label = "read back", .weight = 1, .restart = "write", .run = verify},
	{0},
};
static const struct work works[] = {{"flash", NULL, resolve, checks, stages}, {0}};

const struct driver loader_driver = {
	.name = "loader",
	.summary = "a loader with two commands on its serial port",
	.keys = keys,
	.timeouts = timeouts,
	.works = works,
	.release = release,
};
