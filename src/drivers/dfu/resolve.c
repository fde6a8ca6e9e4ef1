// SPDX-License-Identifier: MIT
/* What is to be done, from the board file, the files and the request: read only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/dfu/dfu.h"
#include "engine/job_dump.h"

static int begin(struct job *job, struct err *err)
{
	struct dfu_work *work = xcalloc(1, sizeof(*work));

	job->own = work;
	work->in_flight = yaml_uint(job->board->own, "in_flight", 2);
	if (work->in_flight == 0 || work->in_flight > 2)
		return yaml_err(yaml_get(job->board->own, "in_flight"), err,
				"'in_flight' is 1 or 2");
	plan_fact(job->plan, "board", "name", "%s", job->board->name);
	plan_fact(job->plan, "board", "driver", "%s", job->board->driver->name);
	return chain_resolve(job, err);
}

/* `-t NAME:FILE` and `--target NAME` both name an alternate setting; a name of the board file's
 * targets stands for the setting it names. */
static int name_alt(struct job *job, struct dfu_item *item, struct err *err)
{
	const struct request_item *request = item->request;
	const char *name = request->partition ? request->partition : request->target;

	if (request->partition && request->target)
		return err_set(err, ERR_USAGE,
			       "'%s' and '%s' both name the alternate setting: give one",
			       request->target, request->partition);
	if (!name)
		name = job->board->default_target;
	item->alt = name ? yaml_text(job->board->targets, name, name) : NULL;
	item->describe = item->alt ? xasprintf("alternate setting '%s'", item->alt)
				   : xstrdup("its only alternate setting");
	return 0;
}

static int make_items(struct job *job, struct err *err)
{
	struct dfu_work *work = work_of(job);
	size_t i;
	int rc = 0;

	work->item_count = job->request->item_count;
	work->items = xcalloc(work->item_count, sizeof(*work->items));
	for (i = 0; rc == 0 && i < work->item_count; i++) {
		work->items[i].request = &job->request->items[i];
		work->items[i].size = IMAGE_SIZE_UNKNOWN;
		rc = name_alt(job, &work->items[i], err);
	}
	return rc;
}

static void section_of(const struct dfu_work *work, size_t index, const char *kind, char out[32])
{
	if (work->item_count > 1)
		snprintf(out, 32, "%s %zu", kind, index + 1);
	else
		snprintf(out, 32, "%s", kind);
}

/* Reads what will be sent to its end: a suffix shows only there. */
static int measure(struct job *job, struct dfu_item *item, struct deadline deadline,
		   struct err *err)
{
	_cleanup_(freep) uint8_t *piece = xmalloc((size_t)256 << 10);
	struct item_stream stream;
	size_t got = 1;
	int rc = item_stream_open(job, item, &stream, deadline, err);

	while (rc == 0 && got > 0)
		rc = stream.reader.read(&stream.reader, piece, (size_t)256 << 10, &got, err);
	if (rc == 0)
		rc = item_stream_end(item, &stream, err);
	item_stream_close(&stream);
	if (rc == 0 && item->size == 0) {
		err_set(err, ERR_IMAGE, "%s: there is nothing in it but a suffix", item->image.ref);
		return err_remedy(err, "DFU cannot send an empty file");
	}
	return rc;
}

static int resolve_image(struct job *job, size_t index, struct deadline deadline, struct err *err)
{
	struct dfu_item *item = &work_of(job)->items[index];
	char section[32];
	int rc;

	section_of(work_of(job), index, "image", section);
	rc = job_image_resolve(job, &item->image, item->request->file, section, false, deadline,
			       err);
	if (rc < 0 || !item->image.repeatable || !item->image.sha256[0])
		return rc;
	rc = measure(job, item, deadline, err);
	if (rc < 0 || !item->has_suffix)
		return rc;
	plan_fact(job->plan, section, "made for", "device %04x:%04x (DFU suffix)",
		  item->suffix.vendor, item->suffix.product);
	plan_fact_bytes(job->plan, section, "size without suffix", item->size);
	return 0;
}

static void plan_item(struct job *job, size_t index)
{
	const struct dfu_item *item = &work_of(job)->items[index];
	bool known = item->size != IMAGE_SIZE_UNKNOWN;
	char section[32], size[TEXT_SIZE];

	section_of(work_of(job), index, "target", section);
	plan_fact(job->plan, section, "name", "%s", item->describe);
	plan_step(job->plan, "write %s%s to %s, and read it back if the device can be read",
		  known ? text_of_size(item->size, size) : "all of ", known ? "" : item->image.ref,
		  item->describe);
}

static void plan_end(struct job *job)
{
	const char *end = yaml_text(job->board->own, "at_end", "none");

	if (strcmp(end, "detach") == 0)
		plan_step(job->plan, "tell the device to leave DFU");
	if (strcmp(end, "reset") == 0)
		plan_step(job->plan, "tell the device to leave DFU, and reset its port");
}

static int check_end(struct job *job, struct err *err)
{
	const char *end = yaml_text(job->board->own, "at_end", "none");

	if (strcmp(end, "none") == 0 || strcmp(end, "detach") == 0 || strcmp(end, "reset") == 0)
		return 0;
	return yaml_err(yaml_get(job->board->own, "at_end"), err,
			"'%s' is no way to end: none, detach or reset", end);
}

int dfu_resolve_flash(struct job *job, struct deadline deadline, struct err *err)
{
	size_t i;
	int rc = begin(job, err);

	if (rc == 0)
		rc = check_end(job, err);
	if (rc == 0)
		rc = make_items(job, err);
	for (i = 0; rc == 0 && i < work_of(job)->item_count; i++)
		rc = resolve_image(job, i, deadline, err);
	for (i = 0; rc == 0 && i < work_of(job)->item_count; i++)
		plan_item(job, i);
	if (rc == 0)
		plan_end(job);
	return rc;
}

int dfu_resolve_dump(struct job *job, struct deadline deadline, struct err *err)
{
	int rc = begin(job, err);

	(void)deadline;
	if (rc == 0)
		rc = check_end(job, err);
	if (rc == 0)
		rc = make_items(job, err);
	if (rc < 0)
		return rc;
	plan_fact(job->plan, "target", "name", "%s", work_of(job)->items[0].describe);
	plan_fact(job->plan, "target", "into", "%s", job->request->items[0].file);
	plan_step(job->plan, "read %s into %s", work_of(job)->items[0].describe,
		  job->request->items[0].file);
	plan_end(job);
	return 0;
}

int dfu_resolve_loader(struct job *job, struct deadline deadline, struct err *err)
{
	int rc = begin(job, err);

	(void)deadline;
	if (rc == 0 && !work_of(job)->chain) {
		err_set(err, ERR_CONFIG, "board '%s' has no boot chain", job->board->name);
		return err_remedy(err, "give 'dfu: {chain: ...}' and its files in the board file");
	}
	return rc;
}

void dfu_release(struct job *job)
{
	struct dfu_work *work = work_of(job);
	size_t i;

	if (!work)
		return;
	link_close(job);
	job_usb_close(job);
	for (i = 0; i < work->item_count; i++) {
		free(work->items[i].describe);
		job_image_free(&work->items[i].image);
	}
	for (i = 0; i < work->file_count; i++)
		buf_free(&work->files[i].bytes);
	free(work->items);
	free(work);
	job->own = NULL;
}

static int check_targets(struct job *job, struct deadline deadline, char note[256], struct err *err)
{
	const struct dfu_work *work = work_of(job);
	size_t i, j;

	(void)deadline;
	for (i = 0; i < work->item_count; i++)
		for (j = 0; j < i; j++)
			if (strcmp(work->items[i].describe, work->items[j].describe) == 0)
				return err_set(err, ERR_USAGE, "%s is to be written twice",
					       work->items[i].describe);
	snprintf(note, 256, "%s", work->items[0].describe);
	return 0;
}

/* A board need not be in DFU mode yet: the job waits for it. */
static int check_device(struct job *job, struct deadline deadline, char note[256], struct err *err)
{
	char wait[TEXT_SIZE];
	struct usb_info info;
	int rc = job_usb_look(job, dfu_usb_modes, &info, deadline, err);

	if (rc == -ERR_NOT_FOUND) {
		snprintf(note, 256, "!not in DFU mode yet; it is waited for, %s at most",
			 text_of_duration(board_timeout_ms(job->board, "connect"), wait));
		return 0;
	}
	if (rc == 0)
		snprintf(note, 256, "%04x:%04x at %.128s", info.vid, info.pid, info.path);
	return rc;
}

const struct check dfu_flash_checks[] = {
	{"image", "image is whole", job_image_check},
	{"target", "targets differ", check_targets},
	{"device", "device is attached", check_device},
	{0},
};

const struct check dfu_dump_checks[] = {
	{"room", "room for the dump", job_dump_room},
	{"device", "device is attached", check_device},
	{0},
};

const struct check dfu_loader_checks[] = {
	{"device", "device is attached", check_device},
	{0},
};
