// SPDX-License-Identifier: MIT
/*
 * The images of a job, the same for every driver: opened in resolve, read to their end before
 * anything is touched wherever they can be read again, remembered so that the next board need not,
 * put into the plan, and opened anew by the stage that writes.
 */
#ifndef ABOARD_ENGINE_JOB_IMAGE_H
#define ABOARD_ENGINE_JOB_IMAGE_H

#include "engine/job.h"
#include "image/image.h"

struct job_image {
	const char *file; /* as the user gave it; borrowed */
	char *ref;        /* for messages; owned */
	uint64_t size;    /* bytes to write; IMAGE_SIZE_UNKNOWN until the stream has ended */
	char sha256[SHA256_TEXT]; /* of the decoded image; empty until known */
	const char *codec;        /* "xz"; a constant */
	const char *layout;       /* "raw"; a constant */
	bool repeatable;          /* can be opened again */
	struct image *image; /* opened in resolve and not begun: one that cannot be opened again;
				NULL: none. Owned */
};

/* Opens image->file and learns what can be known of it. `section` is the plan's, "image" or "image
   2". With `scan` also what is not on this host is read to its end, if it can be
   read again. */
int job_image_resolve(struct job *job, struct job_image *image, const char *file,
		      const char *section, bool scan, struct deadline deadline, struct err *err);

/* The image, to be read from its beginning; owned by the caller, also after an error. */
int job_image_take(struct job *job, struct job_image *image, struct image **taken,
		   struct deadline deadline, struct err *err);

/* After `taken` was read to its end: that it was the image of the plan (ERR_DIGEST), and what is
   known only now. */
int job_image_read(struct job_image *image, const struct image *taken, struct err *err);

/* The check of every driver that writes images: were all that were resolved read to their end? */
int job_image_check(struct job *job, struct deadline deadline, char note[256], struct err *err);

void job_image_free(struct job_image *image);

#endif
