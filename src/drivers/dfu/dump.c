// SPDX-License-Identifier: MIT
/* Reading an alternate setting into a file: written beside its place and renamed when it is whole,
 * so that a file of this name is always a whole dump. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "drivers/dfu/dfu.h"

struct dumping {
	struct job *job;
	struct encoder *encoder;
	struct digest *digest;
	uint64_t done;
};

static int take(void *context, const void *data, size_t size, struct err *err)
{
	struct dumping *dumping = context;

	digest_add(dumping->digest, data, size);
	dumping->done += size;
	job_progress(dumping->job, dumping->done, 0);
	return encoder_write(dumping->encoder, data, size, err);
}

static int receive(struct job *job, struct dumping *dumping, int fd, struct deadline deadline,
		   struct err *err)
{
	struct dfu_item *item = &work_of(job)->items[0];
	struct dfu_sink sink = {take, dumping};
	uint64_t got;
	int rc = encoder_open(&dumping->encoder, item->request->file, fd, err);

	if (rc == 0)
		rc = link_select(job, item, deadline, err);
	if (rc == 0)
		rc = dfu_upload(work_of(job)->dfu, UINT64_MAX, &sink, &got, deadline, err);
	if (rc == 0)
		rc = encoder_finish(dumping->encoder, err);
	if (rc == 0 && fsync(fd) < 0 && errno != EINVAL)
		rc = err_errno(err, ERR_HOST, "cannot write %s", item->request->file);
	encoder_free(dumping->encoder);
	return rc;
}

int dfu_dump(struct job *job, struct deadline deadline, struct err *err)
{
	const char *file = work_of(job)->items[0].request->file;
	_cleanup_(freep) char *temporary = xasprintf("%s.part", file);
	_cleanup_(digest_freep) struct digest *digest = digest_new();
	_cleanup_(closep) int fd = -1;
	struct dumping dumping = {.job = job, .digest = digest};
	char sha256[129];
	int rc;

	if (!work_of(job)->dfu && (rc = link_open(job, deadline, err)) < 0)
		return rc;
	fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(err, ERR_HOST, "cannot write %s", temporary);
	rc = receive(job, &dumping, fd, deadline, err);
	if (rc == 0 && rename(temporary, file) < 0)
		rc = err_errno(err, ERR_HOST, "cannot rename %s", temporary);
	if (rc < 0) {
		unlink(temporary);
		return rc;
	}
	digest_text(digest, sha256);
	job_result(job, "file", json_text(file));
	job_result(job, "bytes", json_integer((json_int_t)dumping.done));
	job_result(job, "sha256", json_string(sha256));
	return 0;
}
