// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/dfu/dfu.h"

/* The suffix of an image that is read only once shows at its end, when the last block is not sent
 * yet: a file for another device is never manifested. */
static int item_stream_read(struct reader *reader, void *data, size_t size, size_t *got,
			    struct err *err)
{
	struct item_stream *stream = container_of(reader, struct item_stream, reader);
	int rc = stream->strip->read(stream->strip, data, size, got, err);

	if (rc < 0)
		return rc;
	digest_add(stream->digest, data, *got);
	stream->size += *got;
	if (*got > 0 || !stream->found || !stream->for_device)
		return 0;
	return dfu_suffix_check(&stream->suffix, stream->for_device->vid, stream->for_device->pid,
				err);
}

int item_stream_open(struct job *job, struct dfu_item *item, struct item_stream *stream,
		     struct deadline deadline, struct err *err)
{
	int rc;

	*stream = (struct item_stream){.reader = {.read = item_stream_read}};
	rc = job_image_take(job, &item->image, &stream->image, deadline, err);
	if (rc < 0)
		return rc;
	stream->digest = digest_new();
	stream->strip = dfu_strip_new(image_stream(stream->image), &stream->suffix, &stream->found);
	return 0;
}

int item_stream_end(struct dfu_item *item, struct item_stream *stream, struct err *err)
{
	char sha256[129];
	int rc = job_image_read(&item->image, stream->image, err);

	if (rc < 0)
		return rc;
	digest_text(stream->digest, sha256);
	memcpy(item->sha256, sha256, sizeof(item->sha256));
	item->size = stream->size;
	item->has_suffix = stream->found;
	item->suffix = stream->suffix;
	return 0;
}

void item_stream_close(struct item_stream *stream)
{
	reader_closep(&stream->strip);
	image_closep(&stream->image);
	digest_freep(&stream->digest);
}

/* All that can be known of the device is known before it is written to. */
static int check_item(struct job *job, const struct dfu_item *item, struct err *err)
{
	const struct dfu_alt *alt;
	int rc = link_find(job, item, &alt, err);

	if (rc == 0 && item->has_suffix)
		rc = dfu_suffix_check(&item->suffix, job->usb->info.vid, job->usb->info.pid, err);
	return rc;
}

static int check_ability(struct job *job, unsigned int ability, const char *what, struct err *err)
{
	if (work_of(job)->dfu->function.attributes & ability)
		return 0;
	return err_set(err, ERR_TARGET, "the device says that it cannot be %s", what);
}

int dfu_connect(struct job *job, struct deadline deadline, struct err *err)
{
	struct dfu_work *work = work_of(job);
	bool reads = strcmp(job->request->verb, "dump") == 0;
	size_t i;
	int rc = work->chain ? chain_run(job, deadline, err) : link_open(job, deadline, err);

	if (rc < 0 || work->item_count == 0)
		return rc;
	rc = reads ? check_ability(job, DFU_CAN_UPLOAD, "read", err)
		   : check_ability(job, DFU_CAN_DOWNLOAD, "written", err);
	for (i = 0; rc == 0 && i < work->item_count; i++)
		rc = check_item(job, &work->items[i], err);
	return rc;
}

static int send_item(struct job *job, struct dfu_item *item, struct job_share *share,
		     struct deadline deadline, struct err *err)
{
	struct dfu_progress progress = {job_share_progress, share};
	struct item_stream stream;
	int rc = item_stream_open(job, item, &stream, deadline, err);

	stream.for_device = &job->usb->info;
	if (rc == 0)
		rc = dfu_download(work_of(job)->dfu, &stream.reader, &progress, &item->end,
				  deadline, err);
	if (rc == 0)
		rc = item_stream_end(item, &stream, err);
	item_stream_close(&stream);
	return rc;
}

/* A device that can go on after a download has no reason to be gone: U-Boot resets when its last
   write fails. Others come back, or do not: that is seen when they are read. */
static int after_download(struct job *job, struct dfu_item *item, struct deadline deadline,
			  struct err *err)
{
	const struct dfu *dfu = work_of(job)->dfu;
	int rc = 0;

	item->stayed = false;
	if (item->end == DFU_END_IDLE)
		return 0;
	if (item->end == DFU_END_GONE && (dfu->function.attributes & DFU_MANIFESTATION_TOLERANT)) {
		err_set(err, ERR_BOARD, "%s: the device vanished after the last block",
			item->describe);
		return err_remedy(err, "its last write failed, or the board has reset: look at its "
				       "console");
	}
	if (item->end == DFU_END_RESET) {
		rc = usb_reset(job->usb, deadline, err);
		item->stayed = rc == 0;
	}
	return rc == -ERR_USB ? 0 : rc;
}

/* The device after one that has left, or was reset. */
static int come_back(struct job *job, const struct dfu_item *item, struct deadline deadline,
		     struct err *err)
{
	struct deadline wait = job_deadline(job, deadline, "return");

	return item->stayed ? link_open(job, wait, err) : link_reopen(job, wait, err);
}

static int write_item(struct job *job, size_t index, struct job_share *share,
		      struct deadline deadline, struct err *err)
{
	struct dfu_item *item = &work_of(job)->items[index];
	int rc;

	if (index > 0 && item[-1].end != DFU_END_IDLE) {
		rc = come_back(job, item - 1, deadline, err);
		if (rc < 0)
			return err_prefix(err, "before %s", item->describe);
	}
	rc = link_select(job, item, deadline, err);
	if (rc == 0)
		rc = send_item(job, item, share, deadline, err);
	if (rc < 0)
		return err_prefix(err, "%s", item->describe);
	return after_download(job, item, deadline, err);
}

static int ensure_open(struct job *job, struct deadline deadline, struct err *err)
{
	return work_of(job)->dfu ? 0 : link_open(job, deadline, err);
}

int dfu_write(struct job *job, struct deadline deadline, struct err *err)
{
	struct dfu_work *work = work_of(job);
	struct job_share share = {.job = job};
	size_t i;
	int rc = ensure_open(job, deadline, err);

	for (i = 0; i < work->item_count; i++)
		share.total = work->items[i].size == IMAGE_SIZE_UNKNOWN
				      ? 0
				      : share.total + work->items[i].size;
	for (i = 0; rc == 0 && i < work->item_count; i++) {
		rc = write_item(job, i, &share, deadline, err);
		share.base += work->items[i].size;
	}
	return rc;
}

struct comparing {
	struct digest *digest;
	struct job_share share;
	uint64_t done;
};

static int compare(void *context, const void *data, size_t size, struct err *err)
{
	struct comparing *comparing = context;

	(void)err;
	digest_add(comparing->digest, data, size);
	comparing->done += size;
	job_share_progress(&comparing->share, comparing->done);
	return 0;
}

static int compare_item(const struct dfu_item *item, const struct comparing *comparing,
			struct err *err)
{
	char sha256[129];

	digest_text(comparing->digest, sha256);
	if (comparing->done == item->size && strcmp(sha256, item->sha256) == 0)
		return 0;
	if (comparing->done < item->size)
		err_set(err, ERR_VERIFY,
			"%s reads back only %" PRIu64 " of the %" PRIu64 " bytes written",
			item->describe, comparing->done, item->size);
	else
		err_set(err, ERR_VERIFY, "%s reads back as %s, %s was written", item->describe,
			sha256, item->sha256);
	return err_remedy(err, "the board does not keep what is written to it: try another medium");
}

static int read_item(struct job *job, const struct dfu_item *item, struct comparing *comparing,
		     struct deadline deadline, struct err *err)
{
	struct dfu_sink sink = {compare, comparing};
	uint64_t got = 0;
	int rc = link_select(job, item, deadline, err);

	if (rc == 0)
		rc = dfu_upload(work_of(job)->dfu, item->size, &sink, &got, deadline, err);
	return rc;
}

/* Not everything that can be written can be read, even on a device that says it can: scripts, and
 * what is programmed once. That is known by a first block that is refused, and refused again. */
static int prove_item(struct job *job, struct dfu_item *item, struct job_share share,
		      struct deadline deadline, struct err *err)
{
	_cleanup_(digest_freep) struct digest *digest = digest_new();
	struct comparing comparing = {digest, share, 0};
	int rc = read_item(job, item, &comparing, deadline, err);

	if (rc == -ERR_BOARD && comparing.done == 0)
		rc = read_item(job, item, &comparing, deadline, err);
	if (rc == -ERR_BOARD && comparing.done == 0) {
		item->unproven = "the board refuses to be read there";
		return 0;
	}
	return rc < 0 ? err_prefix(err, "%s", item->describe) : compare_item(item, &comparing, err);
}

static int verify_item(struct job *job, struct dfu_item *item, const struct job_share *share,
		       struct deadline deadline, struct err *err)
{
	struct dfu_work *work = work_of(job);
	int rc = 0;

	item->unproven = NULL;
	if (!work->dfu)
		item->unproven = "the device did not come back to be read";
	else if (!(work->dfu->function.attributes & DFU_CAN_UPLOAD))
		item->unproven = "the device says that it cannot be read";
	else
		rc = prove_item(job, item, *share, deadline, err);
	if (rc < 0)
		return rc;
	if (item->unproven)
		job->unproven = item->unproven;
	job_wrote(job, item->alt ? item->alt : "0", NULL, item->size, item->sha256,
		  !item->unproven);
	return 0;
}

int dfu_verify(struct job *job, struct deadline deadline, struct err *err)
{
	struct dfu_work *work = work_of(job);
	struct dfu_item *last = &work->items[work->item_count - 1];
	struct job_share share = {.job = job};
	size_t i;
	int rc = 0;

	job->unproven = NULL;
	if (last->end != DFU_END_IDLE)
		rc = come_back(job, last, deadline, err);
	if (rc == -ERR_CANCELLED)
		return rc;
	rc = 0; /* one that did not come back cannot be read, and that is told */
	for (i = 0; i < work->item_count; i++)
		share.total += work->items[i].size;
	for (i = 0; rc == 0 && i < work->item_count; i++) {
		rc = verify_item(job, &work->items[i], &share, deadline, err);
		share.base += work->items[i].size;
	}
	job->proven = rc == 0 && !job->unproven;
	return rc;
}

/* Never a reset of the port unless it is asked for: most loaders take it for more than that. */
int dfu_leave(struct job *job, struct deadline deadline, struct err *err)
{
	const char *end = yaml_text(job->board->own, "at_end", "none");
	struct dfu *dfu = work_of(job)->dfu;
	int rc;

	if (!dfu || strcmp(end, "none") == 0)
		return 0;
	rc = dfu_detach(dfu, deadline, err);
	if (strcmp(end, "reset") == 0 && (rc == 0 || rc == -ERR_BOARD))
		rc = usb_reset(job->usb, deadline, err);
	link_close(job);
	job_usb_close(job);
	if (rc == -ERR_BOARD)
		return err_remedy(err, "what was written is right; but this device does not leave "
				       "DFU when it is told to: leave 'at_end' out, or try "
				       "'at_end: reset'");
	return rc == -ERR_USB ? 0 : rc;
}
