// SPDX-License-Identifier: MIT
/*
 * The file of a dump, the same for every driver: compressed by its name, written beside its place
 * and renamed when it is whole and proven, so that a file of this name is always a whole dump.
 */
#ifndef ABOARD_ENGINE_JOB_DUMP_H
#define ABOARD_ENGINE_JOB_DUMP_H

#include "engine/job.h"

struct job_dump {
	const char *file; /* borrowed */
	char *temporary;  /* owned; NULL: there is none, or it was kept */
	int fd;
	struct encoder *encoder;
	struct digest *digest;
	uint64_t bytes; /* of the target, so far */
};

/* `= JOB_DUMP_NONE` is ready for job_dump_end(). */
#define JOB_DUMP_NONE ((struct job_dump){.fd = -1})

int job_dump_begin(struct job_dump *dump, const char *file, struct err *err);
/* Bytes of the target, in order; from any thread, but one at a time. */
int job_dump_take(struct job_dump *dump, const void *data, size_t size, struct err *err);
/* All have come: the file is whole. `sha256`: of the bytes that were taken. */
int job_dump_finish(struct job_dump *dump, char sha256[SHA256_TEXT], struct err *err);
/* It is proven: gives the file its name, and the job its results. */
int job_dump_keep(struct job *job, struct job_dump *dump, struct err *err);
/* Frees it, and removes what was not kept. */
void job_dump_end(struct job_dump *dump);

/* A check: whether there is room beside the file of request item 0; the note says how much. */
int job_dump_room(struct job *job, struct deadline deadline, char note[256], struct err *err);

#endif
