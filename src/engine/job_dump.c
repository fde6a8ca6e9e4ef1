// SPDX-License-Identifier: MIT
#include "engine/job_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

int job_dump_begin(struct job_dump *dump, const char *file, struct err *err)
{
	char *temporary = xasprintf("%s.part", file);

	*dump = (struct job_dump){.file = file, .digest = digest_new()};
	dump->fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (dump->fd < 0) {
		err_errno(err, ERR_HOST, "cannot write %s", temporary);
		freep(&temporary);
		return -ERR_HOST;
	}
	dump->temporary = temporary;
	return encoder_open(&dump->encoder, file, dump->fd, err);
}

int job_dump_take(struct job_dump *dump, const void *data, size_t size, struct err *err)
{
	digest_add(dump->digest, data, size);
	dump->bytes += size;
	return encoder_write(dump->encoder, data, size, err);
}

int job_dump_finish(struct job_dump *dump, char sha256[SHA256_TEXT], struct err *err)
{
	char text[129];
	int rc = encoder_finish(dump->encoder, err);

	if (rc == 0 && fsync(dump->fd) < 0 && errno != EINVAL)
		rc = err_errno(err, ERR_HOST, "cannot write %s", dump->file);
	digest_text(dump->digest, text);
	memcpy(sha256, text, SHA256_TEXT);
	return rc;
}

int job_dump_keep(struct job *job, struct job_dump *dump, struct err *err)
{
	char sha256[129];

	if (rename(dump->temporary, dump->file) < 0)
		return err_errno(err, ERR_HOST, "cannot rename %s", dump->temporary);
	freep(&dump->temporary);
	digest_text(dump->digest, sha256);
	job_result(job, "file", json_text(dump->file));
	job_result(job, "bytes", json_integer((json_int_t)dump->bytes));
	job_result(job, "sha256", json_string(sha256));
	return 0;
}

void job_dump_end(struct job_dump *dump)
{
	if (dump->temporary)
		unlink(dump->temporary);
	freep(&dump->temporary);
	encoder_free(dump->encoder);
	digest_free(dump->digest);
	closep(&dump->fd);
	*dump = JOB_DUMP_NONE;
}

int job_dump_room(struct job *job, struct deadline deadline, char note[256], struct err *err)
{
	_cleanup_(freep) char *folder = path_folder(job->request->items[0].file);
	unsigned long long bytes;
	char size[TEXT_SIZE];
	int rc = path_free_space(folder, &bytes, err);

	(void)deadline;
	if (rc == 0)
		snprintf(note, 256, "%s free", text_of_size(bytes, size));
	return rc;
}
