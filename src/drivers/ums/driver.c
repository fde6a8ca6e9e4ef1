// SPDX-License-Identifier: MIT
/* The way into boards that lend their storage as a USB disk (U-Boot's `ums`): the disk at the
   board's own port is written as a block device of this machine. */
#include "drivers/ums/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/job_image.h"
#include "image/block_image.h"
#include "io/block.h"

#define PERMISSION_MS 2000 /* udev's rule may run after the node was made */

struct ums {
	char port[USB_PATH]; /* "1-2.3" */
	unsigned int lun;
	struct job_image image;
	struct block_info disk; /* as it was found last */
	struct block *block;    /* NULL: not open; owned */
	struct block_image *written;
};

static struct ums *ums_of(struct job *job)
{
	return (struct ums *)job->own;
}

/* Only the port tells a board's disk for certain: a serial number may be missing or shared. */
static int read_port(struct job *job, struct err *err)
{
	const char *path = yaml_text(job->board->usb, "path", NULL);
	char own[USB_PATH];
	int rc;

	if (!path) {
		err_set(err, ERR_CONFIG, "board '%s' does not say at which port it is",
			job->board->name);
		return err_remedy(err, "give 'usb: usb:1-2.3' in its board file; 'aboard boards "
				       "--attached' shows the ports");
	}
	rc = usb_path_check(path, NULL, own, err);
	if (rc < 0)
		return rc;
	if (!text_starts(own, "usb:")) {
		err_set(err, ERR_CONFIG, "%s is at another machine, where its disk is, too", path);
		return err_remedy(err, "run aboard there");
	}
	snprintf(ums_of(job)->port, USB_PATH, "%s", own + 4);
	return 0;
}

/* A target is a logical unit: by a name of the board file, or by its number. */
static int read_unit(struct job *job, struct err *err)
{
	const struct request_item *item = &job->request->items[0];
	const char *name = item->target ? item->target : job->board->default_target;
	const char *unit = name ? yaml_text(job->board->targets, name, name) : "0";
	uint64_t number;

	if (job->request->item_count > 1 || item->partition) {
		err_set(err, ERR_USAGE, "'%s' is written as a whole disk", job->board->name);
		return err_remedy(err, "give one IMAGE of the whole disk, and no partition");
	}
	if (!text_u64(unit, UINT32_MAX, &number)) {
		err_set(err, ERR_CONFIG, "target '%s' is '%s', which is no logical unit", name,
			unit);
		return err_remedy(err, "targets of this driver are numbers, in the order in which "
				       "U-Boot's 'ums' was given its disks: 0, 1, ...");
	}
	ums_of(job)->lun = (unsigned int)number;
	plan_fact(job->plan, "target", "disk", "logical unit %u at %s", ums_of(job)->lun,
		  yaml_text(job->board->usb, "path", ""));
	return 0;
}

static int begin(struct job *job, struct err *err)
{
	int rc;

	job->own = xcalloc(1, sizeof(struct ums));
	ums_of(job)->written = block_image_new();
	plan_fact(job->plan, "board", "name", "%s", job->board->name);
	plan_fact(job->plan, "board", "driver", "%s", job->board->driver->name);
	rc = read_port(job, err);
	return rc < 0 ? rc : read_unit(job, err);
}

static int resolve_flash(struct job *job, struct deadline deadline, struct err *err)
{
	int rc = begin(job, err);

	if (rc == 0)
		rc = job_image_resolve(job, &ums_of(job)->image, job->request->items[0].file,
				       "image", false, deadline, err);
	if (rc < 0)
		return rc;
	plan_step(job->plan, "wait for the board's disk at its port");
	plan_step(job->plan, "write the image to it, without what is unused, and read it back");
	if (yaml_bool(job->board->own, "eject", true))
		plan_step(job->plan, "eject the disk");
	return 0;
}

static void release(struct job *job)
{
	struct ums *ums = steal(job->own);

	if (!ums)
		return;
	block_close(ums->block);
	block_image_free(ums->written);
	job_image_free(&ums->image);
	free(ums);
}

/* The board's disk as it is now; *found false (and success): it is not there, or has no medium
 * yet. */
static int look(struct job *job, bool *found, struct err *err)
{
	struct ums *ums = ums_of(job);
	struct block_info list[BLOCK_LUNS];
	size_t count, i;
	int rc = block_find(NULL, ums->port, list, &count, err);

	*found = false;
	for (i = 0; rc == 0 && i < count; i++) {
		if (list[i].lun != ums->lun || list[i].size == 0)
			continue;
		ums->disk = list[i];
		*found = true;
	}
	return rc;
}

static int check_model(struct job *job, struct err *err)
{
	const char *wanted = yaml_text(job->board->own, "model", NULL);
	const struct block_info *disk = &ums_of(job)->disk;
	_cleanup_(freep) char *is = xasprintf("%s %s", disk->vendor, disk->model);

	if (!wanted || strstr(is, wanted))
		return 0;
	err_set(err, ERR_TARGET, "the disk at %s is '%s', not '%s'", ums_of(job)->port, is, wanted);
	return err_remedy(err, "see what is plugged in there");
}

static int check_suits(struct job *job, struct err *err)
{
	struct ums *ums = ums_of(job);
	uint64_t size = ums->image.size == IMAGE_SIZE_UNKNOWN ? 0 : ums->image.size;
	int rc = check_model(job, err);

	return rc < 0 ? rc : block_check(NULL, &ums->disk, size, err);
}

static int check_disk(struct job *job, struct deadline deadline, char note[256], struct err *err)
{
	const struct block_info *disk = &ums_of(job)->disk;
	char size[TEXT_SIZE];
	bool found;
	int rc = look(job, &found, err);

	(void)deadline;
	if (rc == 0 && !found) {
		snprintf(note, 256, "!not there yet; it is waited for");
		return 0;
	}
	if (rc == 0)
		rc = check_suits(job, err);
	if (rc == 0)
		snprintf(note, 256, "%s, '%s %s', %s", disk->node, disk->vendor, disk->model,
			 text_of_size(disk->size, size));
	return rc;
}

static int wait_for_disk(struct job *job, struct deadline deadline, struct err *err)
{
	struct block_watch watch;
	bool found = false;
	int rc = 0;

	block_watch_open(&watch);
	while (rc == 0 && !found) {
		rc = look(job, &found, err);
		if (rc == 0 && !found)
			rc = block_watch_wait(&watch, deadline, err);
	}
	block_watch_close(&watch);
	if (rc != -ERR_TIMEOUT)
		return rc;
	err_set(err, ERR_TIMEOUT, "no disk came at %s", ums_of(job)->port);
	return err_remedy(err, "run 'ums 0 mmc 0' or the like at U-Boot's prompt, and see that "
			       "the board is plugged into that port");
}

static int open_disk(struct job *job, struct deadline deadline, struct err *err)
{
	struct deadline patience = deadline_in(deadline, PERMISSION_MS);
	struct ums *ums = ums_of(job);
	int rc;

	for (;;) {
		rc = block_open(&ums->block, &ums->disk, true, err);
		if (rc != -ERR_HOST || deadline_left_ms(patience) == 0)
			return rc;
		rc = deadline_pause(50, deadline, err);
		if (rc < 0)
			return rc;
	}
}

static int connect(struct job *job, struct deadline deadline, struct err *err)
{
	struct ums *ums = ums_of(job);
	int rc;

	block_closep(&ums->block);
	rc = wait_for_disk(job, deadline, err);
	if (rc == 0)
		rc = check_suits(job, err);
	if (rc == 0)
		rc = open_disk(job, deadline, err);
	if (rc == 0)
		events_log(job->events, "info", "the disk is %s, '%s %s'", ums->disk.node,
			   ums->disk.vendor, ums->disk.model);
	return rc;
}

static void show(void *context, uint64_t done)
{
	struct job *job = context;
	uint64_t size = ums_of(job)->image.size;

	job_progress(job, done, size == IMAGE_SIZE_UNKNOWN ? 0 : size);
}

static int write_image(struct job *job, struct deadline deadline, struct err *err)
{
	_cleanup_(image_closep) struct image *image = NULL;
	struct block_progress progress = {show, job};
	struct ums *ums = ums_of(job);
	int rc = job_image_take(job, &ums->image, &image, deadline, err);

	if (rc == 0)
		rc = block_image_write(ums->written, image, ums->block, &progress, deadline, err);
	return rc < 0 ? rc : job_image_read(&ums->image, image, err);
}

static int verify(struct job *job, struct deadline deadline, struct err *err)
{
	struct block_progress progress = {show, job};
	struct ums *ums = ums_of(job);
	int rc = block_image_verify(ums->written, ums->block, &progress, deadline, err);

	if (rc == -ERR_VERIFY)
		return err_remedy(err, "the medium does not keep what is written to it: try "
				       "another one");
	if (rc < 0)
		return rc;
	job->proven = true;
	job_wrote(job, ums->disk.model, ums->disk.node, ums->image.size, ums->image.sha256, true);
	return 0;
}

static int eject(struct job *job, struct deadline deadline, struct err *err)
{
	struct ums *ums = ums_of(job);

	(void)deadline;
	(void)err;
	if (yaml_bool(job->board->own, "eject", true))
		block_eject(ums->block);
	block_closep(&ums->block);
	return 0;
}

static const struct key keys[] = {
	{"model", KEY_TEXT, false, NULL,
	 "what the disk's vendor and model must contain, as 'UMS disk'; not looked at when missing",
	 NULL},
	{"eject", KEY_BOOL, false, "true",
	 "eject the disk at the end, which ends U-Boot's 'ums' (since 2026)", NULL},
	{0},
};

static const struct key timeouts[] = {
	JOB_TIMEOUTS,
	{"connect", KEY_DURATION, false, "5m", "waiting for the disk", NULL},
	{"write", KEY_DURATION, false, "6h", "writing", NULL},
	{"verify", KEY_DURATION, false, "6h", "reading back", NULL},
	{"eject", KEY_DURATION, false, "30s", "ejecting the disk", NULL},
	{0},
};

/* Not every USB disk is a board: only ids that no disk has. The disk itself is found by its port,
   whatever its ids are. */
static const struct usb_mode modes[] = {
	{0x0483, 0x5720, {8, 6, 0x50}, NULL, "STM32MP", "U-Boot, USB mass storage"},
	{0},
};

static const struct check checks[] = {{"disk", "the board's disk", check_disk}, {0}};

static const struct stage stages[] = {
	{.name = "connect", .label = "wait for the disk", .weight = 5, .run = connect},
	{.name = "write",
	 .label = "write",
	 .weight = 100,
	 .restart = "connect",
	 .writes = true,
	 .run = write_image},
	{.name = "verify", .label = "read back", .weight = 50, .restart = "connect", .run = verify},
	{.name = "eject", .label = "eject", .weight = 1, .run = eject},
	{0},
};

static const struct work works[] = {{"flash", NULL, resolve_flash, checks, stages}, {0}};

const struct driver ums_driver = {
	.name = "ums",
	.summary = "U-Boot's 'ums': the board's storage as a USB disk, found by the board's port",
	.keys = keys,
	.timeouts = timeouts,
	.works = works,
	.usb_modes = modes,
	.release = release,
};
