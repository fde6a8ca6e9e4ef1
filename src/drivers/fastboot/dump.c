// SPDX-License-Identifier: MIT
/* Reading a partition from a device that can send it: twice, and both times have to be the same. */
#include <string.h>

#include "base/mem.h"
#include "drivers/fastboot/board.h"
#include "engine/job_dump.h"

static int take_file(void *context, const void *data, size_t size, struct err *err)
{
	return job_dump_take(context, data, size, err);
}

static int take_digest(void *context, const void *data, size_t size, struct err *err)
{
	(void)err;
	digest_add(context, data, size);
	return 0;
}

static int fetch_all(struct job *job, const struct fastboot_sink *sink, uint64_t base,
		     struct deadline deadline, struct err *err)
{
	const struct fb_item *item = &fb_of(job)->items[0];
	struct fb *fb = fb_of(job);
	uint64_t at, step;
	int rc = 0;

	for (at = 0; rc == 0 && at < item->size; at += step) {
		step = item->size - at < SPARSE_RANGE_MAX ? item->size - at : SPARSE_RANGE_MAX;
		if (step > fb->fetch_max)
			step = fb->fetch_max;
		rc = fastboot_fetch(&fb->device, item->partition, at, (uint32_t)step, sink,
				    deadline, err);
		job_progress(job, base + at + step, 2 * item->size);
	}
	return rc;
}

static int prove(struct job *job, const char *sha256, struct deadline deadline, struct err *err)
{
	_cleanup_(digest_freep) struct digest *digest = digest_new();
	const struct fb_item *item = &fb_of(job)->items[0];
	struct fastboot_sink sink = {take_digest, digest};
	char again[129];
	int rc = fetch_all(job, &sink, item->size, deadline, err);

	digest_text(digest, again);
	if (rc < 0 || strcmp(again, sha256) == 0)
		return rc;
	return err_set(err, ERR_VERIFY, "'%s' reads as %s and then as %s", item->partition, sha256,
		       again);
}

int fb_stage_dump(struct job *job, struct deadline deadline, struct err *err)
{
	_cleanup_(job_dump_end) struct job_dump dump = JOB_DUMP_NONE;
	struct fastboot_sink sink = {take_file, &dump};
	char sha256[SHA256_TEXT];
	int rc = job_dump_begin(&dump, fb_of(job)->items[0].request->file, err);

	if (rc == 0)
		rc = fetch_all(job, &sink, 0, deadline, err);
	if (rc == 0)
		rc = job_dump_finish(&dump, sha256, err);
	if (rc == 0)
		rc = prove(job, sha256, deadline, err);
	return rc == 0 ? job_dump_keep(job, &dump, err) : rc;
}
