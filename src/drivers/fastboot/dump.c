// SPDX-License-Identifier: MIT
/* Reading a partition from a device that can send it: twice, and both times have to be the same. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "drivers/fastboot/board.h"

struct dumping {
	struct encoder *encoder; /* NULL: only the digest counts */
	struct digest *digest;
};

static int take(void *context, const void *data, size_t size, struct err *err)
{
	struct dumping *dumping = context;

	digest_add(dumping->digest, data, size);
	return dumping->encoder ? encoder_write(dumping->encoder, data, size, err) : 0;
}

static int fetch_all(struct job *job, struct encoder *encoder, uint64_t base,
		     char sha256[SHA256_TEXT], struct deadline deadline, struct err *err)
{
	_cleanup_(digest_freep) struct digest *digest = digest_new();
	const struct fb_item *item = &fb_of(job)->items[0];
	struct dumping dumping = {encoder, digest};
	struct fastboot_sink sink = {take, &dumping};
	struct fb *fb = fb_of(job);
	uint64_t at, step;
	char text[129];
	int rc = 0;

	for (at = 0; rc == 0 && at < item->size; at += step) {
		step = item->size - at < SPARSE_RANGE_MAX ? item->size - at : SPARSE_RANGE_MAX;
		if (step > fb->fetch_max)
			step = fb->fetch_max;
		rc = fastboot_fetch(&fb->device, item->partition, at, (uint32_t)step, &sink,
				    deadline, err);
		job_progress(job, base + at + step, 2 * item->size);
	}
	digest_text(digest, text);
	memcpy(sha256, text, SHA256_TEXT);
	return rc;
}

static int write_file(struct job *job, const char *name, int fd, char sha256[SHA256_TEXT],
		      struct deadline deadline, struct err *err)
{
	struct encoder *encoder;
	int rc = encoder_open(&encoder, name, fd, err);

	if (rc < 0)
		return rc;
	rc = fetch_all(job, encoder, 0, sha256, deadline, err);
	if (rc == 0)
		rc = encoder_finish(encoder, err);
	if (rc == 0 && fsync(fd) < 0 && errno != EINVAL)
		rc = err_errno(err, ERR_HOST, "cannot write %s", name);
	encoder_free(encoder);
	return rc;
}

static int prove(struct job *job, const char *sha256, struct deadline deadline, struct err *err)
{
	const struct fb_item *item = &fb_of(job)->items[0];
	char again[SHA256_TEXT];
	int rc = fetch_all(job, NULL, item->size, again, deadline, err);

	if (rc < 0 || strcmp(again, sha256) == 0)
		return rc;
	return err_set(err, ERR_VERIFY, "'%s' reads as %s and then as %s", item->partition, sha256,
		       again);
}

/* Written beside its place and renamed when proven, so that a file of this name is always a whole
 * dump. */
int fb_stage_dump(struct job *job, struct deadline deadline, struct err *err)
{
	const struct fb_item *item = &fb_of(job)->items[0];
	const char *name = item->request->file;
	_cleanup_(freep) char *temporary = xasprintf("%s.part", name);
	_cleanup_(closep) int fd = -1;
	char sha256[SHA256_TEXT];
	int rc;

	fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(err, ERR_HOST, "cannot write %s", temporary);
	rc = write_file(job, name, fd, sha256, deadline, err);
	if (rc == 0)
		rc = prove(job, sha256, deadline, err);
	if (rc == 0 && rename(temporary, name) < 0)
		rc = err_errno(err, ERR_HOST, "cannot rename %s", temporary);
	if (rc < 0) {
		unlink(temporary);
		return rc;
	}
	job_result(job, "file", json_text(name));
	job_result(job, "bytes", json_integer((json_int_t)item->size));
	job_result(job, "sha256", json_string(sha256));
	return 0;
}
