// SPDX-License-Identifier: MIT
/* The stages that change the board. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/fastboot/board.h"

#define ERASE_MS         30000
#define ERASE_UNKNOWN_MS 600000 /* of a partition whose size the device does not tell */

int fb_stage_connect(struct job *job, struct deadline deadline, struct err *err)
{
	return fb_connect(job, deadline, err);
}

static int erase(struct job *job, const struct fb_item *item, struct deadline deadline,
		 struct err *err)
{
	int64_t ms = ERASE_UNKNOWN_MS;

	if (!yaml_bool(job->board->own, "erase", false))
		return 0;
	if (item->size)
		ms = ERASE_MS + (int64_t)(item->size / fb_rate(job->board)) * 1000;
	return fastboot_command(&fb_of(job)->device, NULL, deadline_in(deadline, ms), err,
				"erase:%s", item->partition);
}

static int send(struct job *job, struct fb_item *item, struct job_share *share,
		struct deadline deadline, struct err *err)
{
	_cleanup_(image_closep) struct image *image = NULL;
	struct fastboot_send how = {
		.partition = item->partition,
		.form = item->form,
		.size = item->image.size,
		.buffer = fb_of(job)->buffer,
		.rate = fb_rate(job->board),
		.proof = &item->proof,
		.progress = job_share_progress,
		.context = share,
	};
	int rc = job_image_take(job, &item->image, &image, deadline, err);

	if (rc < 0)
		return rc;
	item->proof.count = 0;
	rc = fastboot_send_image(&fb_of(job)->device, &how, image, deadline, err);
	return rc == 0 ? job_image_read(&item->image, image, err) : rc;
}

int fb_stage_write(struct job *job, struct deadline deadline, struct err *err)
{
	struct fb *fb = fb_of(job);
	struct job_share share = {.job = job};
	size_t i;
	int rc = 0;

	for (i = 0; i < fb->item_count && fb->items[i].image.size != IMAGE_SIZE_UNKNOWN; i++)
		share.total += fb->items[i].image.size;
	if (i < fb->item_count)
		share.total = 0;
	for (i = 0; rc == 0 && i < fb->item_count; i++) {
		rc = erase(job, &fb->items[i], deadline, err);
		if (rc == 0)
			rc = send(job, &fb->items[i], &share, deadline, err);
		if (rc < 0)
			rc = fb_judge_refusal(job, &fb->items[i], rc, err);
		share.base += fb->items[i].image.size;
	}
	return rc;
}

static const struct {
	const char *name, *command;
} ends[] = {
	{"none", NULL},
	{"system", "reboot"},
	{"bootloader", "reboot-bootloader"},
	{"fastboot", "reboot-fastboot"},
	{"recovery", "reboot-recovery"},
	{"continue", "continue"},
	{"off", "powerdown"},
};

static const char *end_command(const struct board *board)
{
	const char *end = yaml_text(board->own, "reboot", "none");
	size_t i;

	for (i = 0; strcmp(ends[i].name, end) != 0; i++)
		;
	return ends[i].command;
}

/* A board that is not proven must not start from what was written, unless that was asked for. */
int fb_stage_finish(struct job *job, struct deadline deadline, struct err *err)
{
	const char *slot = yaml_text(job->board->own, "set_active", NULL);
	const char *end = end_command(job->board);
	struct fastboot *device = &fb_of(job)->device;
	int rc = 0;

	if ((slot || end) && !job->proven && !job->request->no_verify) {
		events_log(job->events, "warning",
			   "nothing was verified, so the board stays as it "
			   "is: neither set_active nor reboot");
		return 0;
	}
	if (slot)
		rc = fastboot_command(device, NULL, deadline, err, "set_active:%s", slot);
	if (rc == 0 && end)
		rc = fastboot_command(device, NULL, deadline, err, "%s", end);
	return rc;
}
