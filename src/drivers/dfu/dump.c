// SPDX-License-Identifier: MIT
/* Reading an alternate setting into a file. */
#include "drivers/dfu/dfu.h"
#include "engine/job_dump.h"

struct dumping {
	struct job *job;
	struct job_dump file;
};

static int take(void *context, const void *data, size_t size, struct err *err)
{
	struct dumping *dumping = context;
	int rc = job_dump_take(&dumping->file, data, size, err);

	job_progress(dumping->job, dumping->file.bytes, 0);
	return rc;
}

static int receive(struct job *job, struct dumping *dumping, struct deadline deadline,
		   struct err *err)
{
	struct dfu_item *item = &work_of(job)->items[0];
	struct dfu_sink sink = {take, dumping};
	char sha256[SHA256_TEXT];
	uint64_t got;
	int rc = job_dump_begin(&dumping->file, item->request->file, err);

	if (rc == 0)
		rc = link_select(job, item, deadline, err);
	if (rc == 0)
		rc = dfu_upload(work_of(job)->dfu, UINT64_MAX, &sink, &got, deadline, err);
	if (rc == 0)
		rc = job_dump_finish(&dumping->file, sha256, err);
	return rc == 0 ? job_dump_keep(job, &dumping->file, err) : rc;
}

int dfu_dump(struct job *job, struct deadline deadline, struct err *err)
{
	struct dumping dumping = {job, JOB_DUMP_NONE};
	int rc = 0;

	if (!work_of(job)->dfu)
		rc = link_open(job, deadline, err);
	if (rc == 0)
		rc = receive(job, &dumping, deadline, err);
	job_dump_end(&dumping.file);
	return rc;
}
