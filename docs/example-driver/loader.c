// SPDX-License-Identifier: MIT
/* The way into boards whose loader understands two lines on its serial port:
     WRITE <size>      it takes that many bytes
     SUM <size>        it answers with the SHA-256 of as many from its medium, 64 digits */
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

static int command(struct loader *loader, const char *verb, struct deadline deadline,
		   struct err *err)
{
	_cleanup_(freep) char *text = xasprintf("%s %" PRIu64 "\n", verb, loader->image.size);

	return stream_write(loader->stream, text, strlen(text), deadline, err);
}

static int write_image(struct job *job, struct deadline deadline, struct err *err)
{
	_cleanup_(image_closep) struct image *image = NULL;
	struct loader *loader = job->own;
	char piece[4096];
	size_t got = 1;
	uint64_t done;
	int rc = job_image_take(job, &loader->image, &image, deadline, err);

	if (rc == 0)
		rc = command(loader, "WRITE", deadline, err);
	for (done = 0; rc == 0 && got > 0; done += got) {
		struct reader *from = image_stream(image);

		rc = from->read(from, piece, sizeof(piece), &got, err);
		if (rc == 0)
			rc = stream_write(loader->stream, piece, got, deadline, err);
		job_progress(job, done, loader->image.size);
	}
	return rc < 0 ? rc : job_image_read(&loader->image, image, err);
}

/* What the board says is hostile: so many bytes into a buffer of that size, and no more. */
static int verify(struct job *job, struct deadline deadline, struct err *err)
{
	struct loader *loader = job->own;
	char sum[SHA256_TEXT] = "";
	size_t length, got = 1;
	int rc = command(loader, "SUM", deadline, err);

	for (length = 0; rc == 0 && got > 0 && length < SHA256_TEXT - 1; length += got)
		rc = stream_read(loader->stream, sum + length, SHA256_TEXT - 1 - length, &got,
				 deadline, err);
	if (rc < 0)
		return err_prefix(err, "waiting for the sum");
	if (strcmp(sum, loader->image.sha256) != 0)
		return err_set(err, ERR_VERIFY, "it reads back as %s, the image is %s", sum,
			       loader->image.sha256);
	job->proven = true;
	job_wrote(job, "medium", NULL, loader->image.size, sum, true);
	return 0;
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
