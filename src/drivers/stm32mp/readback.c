// SPDX-License-Identifier: MIT
/* The proof by DFU: every partition that was written is uploaded again, and digests are compared.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/stm32mp/stm32mp.h"

struct reading {
	struct job *job;
	struct digest *digest;
	uint64_t base, done, total;
};

static int take(void *context, const void *data, size_t size, struct err *err)
{
	struct reading *reading = context;

	(void)err;
	digest_add(reading->digest, data, size);
	reading->done += size;
	job_progress(reading->job, reading->base + reading->done, reading->total);
	return 0;
}

/* U-Boot gives the whole partition; no more than the image is taken of it. */
static int read_part(struct job *job, const struct part *part, struct reading *reading,
		     struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	const struct dfu_alt *alt = stm32mp_alt(stm32mp, part->line->id);
	struct dfu_sink sink = {take, reading};
	uint64_t got;
	int rc;

	if (!alt)
		return err_set(err, ERR_BOARD, "the board does not offer it");
	rc = dfu_select(stm32mp->dfu, alt, deadline, err);
	if (rc == 0)
		rc = dfu_upload(stm32mp->dfu, part->image.size, &sink, &got, deadline, err);
	if (rc == 0 && got != part->image.size)
		return err_set(err, ERR_VERIFY,
			       "only %" PRIu64 " of %" PRIu64 " bytes can be read back", got,
			       part->image.size);
	return rc;
}

static int compare(struct job *job, const struct part *part, const struct reading *reading,
		   struct err *err)
{
	char text[64], sha256[129];

	stm32mp_part_text(part, text);
	digest_text(reading->digest, sha256);
	if (strcmp(sha256, part->image.sha256) != 0) {
		err_set(err, ERR_VERIFY, "%s reads back as %s, the image is %s", text, sha256,
			part->image.sha256);
		return err_remedy(
			err, "the medium does not keep what is written to it: try another one");
	}
	job_wrote(job, text, part->line->device, part->image.size, part->image.sha256, true);
	return 0;
}

/* A U-Boot that lets nothing be read cannot prove anything; that is for the engine to judge. */
static bool cannot_read(struct job *job)
{
	const struct stm32mp *stm32mp = stm32mp_of(job);
	char text[64];
	size_t i;

	if (stm32mp->dfu->function.attributes & DFU_CAN_UPLOAD)
		return false;
	job->unproven = "this board's U-Boot lets nothing be read back";
	for (i = 0; i < stm32mp->part_count; i++) {
		const struct part *part = &stm32mp->parts[i];

		stm32mp_part_text(part, text);
		job_wrote(job, text, part->line->device, part->image.size, part->image.sha256,
			  false);
	}
	return true;
}

int stm32mp_read_back(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	uint64_t base = 0;
	char text[64];
	size_t i;
	int rc = 0;

	if (cannot_read(job))
		return 0;
	for (i = 0; rc == 0 && i < stm32mp->part_count; i++) {
		const struct part *part = &stm32mp->parts[i];
		_cleanup_(digest_freep) struct digest *digest = digest_new();
		struct reading reading = {job, digest, base, 0, stm32mp_total(stm32mp)};

		rc = read_part(job, part, &reading, deadline, err);
		stm32mp_part_text(part, text);
		if (rc < 0)
			return err_prefix(err, "reading %s back", text);
		rc = compare(job, part, &reading, err);
		base += part->image.size;
	}
	job->proven = rc == 0 && stm32mp->part_count > 0;
	if (stm32mp->part_count == 0)
		job->unproven = "erased partitions are not read back";
	return rc;
}
