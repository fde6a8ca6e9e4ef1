// SPDX-License-Identifier: MIT
/* What is looked at before anything is touched: this host first, then the device, which is only
 * asked. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/fastboot/board.h"
#include "engine/job_dump.h"

#define NOTE_SIZE 256

static int learn_buffer(struct job *job, struct deadline deadline, struct err *err)
{
	struct fb *fb = fb_of(job);

	fb->buffer = yaml_size(job->board->own, "buffer", 0);
	if (fb->buffer == 0)
		return fastboot_buffer(&fb->device, &fb->buffer, deadline, err);
	if (fb->buffer >= SPARSE_LIMIT_MIN)
		return 0;
	return yaml_err(yaml_get(job->board->own, "buffer"), err, "a buffer has at least 64 KiB");
}

static int check_device(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
			struct err *err)
{
	struct fb *fb = fb_of(job);
	char product[FASTBOOT_ANSWER] = "", size[TEXT_SIZE];
	bool known = false;
	int rc = fb_connect(job, deadline, err);

	if (rc == 0)
		rc = fastboot_getvar(&fb->device, "product", product, &known, deadline, err);
	if (rc == 0)
		rc = learn_buffer(job, deadline, err);
	if (rc == 0)
		rc = fb_list_partitions(job, deadline, err);
	if (rc < 0) {
		fb_disconnect(job);
		return rc;
	}
	snprintf(note, NOTE_SIZE, "%.64s%sbuffer %s", known ? product : "", known ? ", " : "",
		 text_of_size(fb->buffer, size));
	return 0;
}

/* Without a device there is nothing to say about the rest: its own check has said so. */
static bool is_absent(struct job *job, char note[NOTE_SIZE])
{
	if (fb_of(job)->device.link)
		return false;
	snprintf(note, NOTE_SIZE, "!not known without the device");
	return true;
}

static int check_partitions(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
			    struct err *err)
{
	struct fb *fb = fb_of(job);
	_cleanup_(buf_free) struct buf text = {.max = NOTE_SIZE - 2};
	bool sure = true;
	char size[TEXT_SIZE];
	size_t i;
	int rc;

	if (is_absent(job, note))
		return 0;
	for (i = 0; i < fb->item_count; i++) {
		struct fb_item *item = &fb->items[i];

		rc = fb_look_at(job, item, deadline, err);
		if (rc < 0)
			return rc;
		sure &= item->size > 0;
		buf_addf(&text, "%s%s: %s", i ? ", " : "", item->partition,
			 item->size ? text_of_size(item->size, size)
				    : "the device does not tell its size");
	}
	snprintf(note, NOTE_SIZE, "%s%s", sure ? "" : "!", buf_text(&text));
	return 0;
}

static int check_read_back(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
			   struct err *err)
{
	struct fb *fb = fb_of(job);
	int rc;

	if (is_absent(job, note))
		return 0;
	rc = fb_find_way(job, deadline, err);
	if (rc < 0)
		return rc;
	if (fb->way == FB_WAY_NONE)
		snprintf(note, NOTE_SIZE, "!%.200s", fb->why_not);
	else
		snprintf(note, NOTE_SIZE, "%s", fb_way_name(fb->way));
	return 0;
}

static int check_fetch(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
		       struct err *err)
{
	struct fb *fb = fb_of(job);
	int rc;

	if (is_absent(job, note))
		return 0;
	rc = fb_find_way(job, deadline, err);
	if (rc < 0)
		return rc;
	if (fb->way == FB_WAY_FETCH && fb->items[0].size > 0)
		return 0;
	if (fb->way == FB_WAY_FETCH)
		return err_set(err, ERR_BOARD, "the device does not tell the size of '%s'",
			       fb->items[0].partition);
	err_set(err, ERR_BOARD, "the device cannot send what is on it: it has no 'fetch'");
	return err_remedy(err, "read it another way: over DFU, or as a USB disk");
}

const struct check fb_flash_checks[] = {
	{"image", "image is whole", job_image_check},
	{"device", "device answers", check_device},
	{"partition", "image fits partition", check_partitions},
	{"read-back", "it can be read back", check_read_back},
	{0},
};

const struct check fb_dump_checks[] = {
	{"room", "room for the dump", job_dump_room},
	{"device", "device answers", check_device},
	{"partition", "partition is there", check_partitions},
	{"fetch", "device can send it", check_fetch},
	{0},
};
