// SPDX-License-Identifier: MIT
/* The proof: the board reads back what is on the medium, and the digests are compared here. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/uboot/uboot.h"

#define MIB ((uint64_t)1 << 20)

/* Reads exactly `size` bytes: whole mebibytes, then whole sectors, then the rest. */
static char *read_exactly(const char *device, uint64_t size)
{
	uint64_t whole = size / MIB, sectors = size % MIB / 512, rest = size % 512;
	struct buf line = {0};

	if (whole)
		buf_addf(&line, "dd if=%s bs=1M count=%" PRIu64 " 2>/dev/null;", device, whole);
	if (sectors)
		buf_addf(&line, "dd if=%s bs=512 skip=%" PRIu64 " count=%" PRIu64 " 2>/dev/null;",
			 device, whole * 2048, sectors);
	if (rest)
		buf_addf(&line, "dd if=%s bs=1 skip=%" PRIu64 " count=%" PRIu64 " 2>/dev/null;",
			 device, size - rest, rest);
	return buf_steal(&line);
}

int uboot_digest_on_board(struct job *job, const struct item *item, uint64_t size, uint64_t base,
			  uint64_t total, char sha256[SHA256_TEXT], struct deadline deadline,
			  struct err *err)
{
	_cleanup_(freep) char *reading = read_exactly(item->device, size);
	_cleanup_(freep) char *pipeline = xasprintf("{ %s } | sha256sum", reading);
	_cleanup_(freep) char *what = xasprintf("reading %s back", item->describe);
	_cleanup_(buf_free) struct buf output = {0};
	struct background how = {
		.what = what, .sysfs = item->sysfs, .reads = true, .base = base, .total = total};
	uint8_t bytes[SHA256_SIZE];
	char word[SHA256_TEXT];
	int rc = background_run(job, &how, pipeline, &output, deadline, err);

	if (rc < 0)
		return rc;
	snprintf(word, sizeof(word), "%.64s", buf_text(&output));
	if (!text_bytes(word, bytes, sizeof(bytes)))
		return err_set(err, ERR_BOARD, "%s: cannot make out the board's answer '%.80s'",
			       what, buf_text(&output));
	text_of_bytes(bytes, sizeof(bytes), sha256);
	return 0;
}

static int verify_item(struct job *job, const struct item *item, uint64_t base, uint64_t total,
		       struct deadline deadline, struct err *err)
{
	char sha256[SHA256_TEXT];
	int rc = uboot_digest_on_board(job, item, item->image.size, base, total, sha256, deadline,
				       err);

	if (rc < 0)
		return rc;
	if (strcmp(sha256, item->image.sha256) != 0) {
		err_set(err, ERR_VERIFY, "%s (%s) reads back as %s, the image is %s",
			item->describe, item->device, sha256, item->image.sha256);
		return err_remedy(
			err, "the medium does not keep what is written to it: try another one");
	}
	job_wrote(job, item->describe, item->device, item->image.size, sha256, true);
	return 0;
}

int uboot_verify(struct job *job, struct deadline deadline, struct err *err)
{
	struct uboot *uboot = uboot_of(job);
	uint64_t base = 0, total = 0;
	size_t i;
	int rc = 0;

	for (i = 0; i < uboot->item_count; i++)
		total += uboot->items[i].image.size;
	for (i = 0; rc == 0 && i < uboot->item_count; i++) {
		rc = verify_item(job, &uboot->items[i], base, total, deadline, err);
		base += uboot->items[i].image.size;
	}
	job->proven = rc == 0;
	return rc;
}
