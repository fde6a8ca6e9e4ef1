// SPDX-License-Identifier: MIT
/* What is to be done, from the board file and the request: read only, and nothing is asked of the
 * board. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "drivers/fastboot/board.h"

/* Names whose image U-Boot writes as it is: a sparse one would be taken for its content
   (drivers/fastboot/fb_mmc.c: hardware partitions, partition tables, kernels put into a boot
   image). */
static const struct {
	const char *pattern, *what;
} raw_only[] = {
	{"mmc*boot[0-9]", "hardware boot partition"},
	{"gpt", "GUID partition table"},
	{"mbr", "partition table"},
	{"zimage*", "kernel of a boot image"},
};

static const char *raw_reason(const char *partition)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(raw_only); i++)
		if (fnmatch(raw_only[i].pattern, partition, 0) == 0)
			return raw_only[i].what;
	return NULL;
}

/* A key whose value is one of a list of words. */
static int one_of(const struct board *board, const char *key, const char *const *words,
		  struct err *err)
{
	const struct yaml *node = yaml_get(board->own, key);
	_cleanup_(buf_free) struct buf list = {.max = 300};
	const char *nearest;
	size_t i;

	if (!node)
		return 0;
	for (i = 0; words[i]; i++) {
		if (strcmp(words[i], node->text) == 0)
			return 0;
		buf_addf(&list, "%s%s", i ? ", " : "", words[i]);
	}
	nearest = text_nearest(node->text, words);
	yaml_err(node, err, "'%s' is no value of '%s'", node->text, key);
	if (nearest)
		return err_remedy(err, "did you mean '%s'?", nearest);
	return err_remedy(err, "it is one of: %s", buf_text(&list));
}

static int check_link(const struct board *board, struct err *err)
{
	const char *link = yaml_text(board->own, "link", "usb");

	if (strcmp(link, "usb") == 0)
		return 0;
	if ((text_starts(link, "tcp:") || text_starts(link, "udp:")) && link[4])
		return 0;
	yaml_err(yaml_get(board->own, "link"), err, "'%s' is no link", link);
	return err_remedy(err, "give usb, tcp:HOST[:PORT] or udp:HOST[:PORT]");
}

int fb_check_keys(const struct board *board, struct err *err)
{
	static const char *const forms[] = {"auto", "sparse", "raw", NULL};
	static const char *const ways[] = {"auto", "fetch", "run", "ucmd", "none", NULL};
	static const char *const ends[] = {"none",     "system",   "bootloader", "fastboot",
					   "recovery", "continue", "off",        NULL};
	int rc = check_link(board, err);

	if (rc == 0)
		rc = one_of(board, "form", forms, err);
	if (rc == 0)
		rc = one_of(board, "read_back", ways, err);
	return rc == 0 ? one_of(board, "reboot", ends, err) : rc;
}

uint64_t fb_rate(const struct board *board)
{
	uint64_t rate = yaml_size(board->own, "rate", 0);

	return rate ? rate : 1000000;
}

static int begin(struct job *job, struct err *err)
{
	const struct board *board = job->board;

	job->own = xcalloc(1, sizeof(struct fb));
	plan_fact(job->plan, "board", "name", "%s", board->name);
	plan_fact(job->plan, "board", "driver", "%s", board->driver->name);
	plan_fact(job->plan, "board", "link", "%s", yaml_text(board->own, "link", "usb"));
	if (board->usb && yaml_text(board->usb, "path", NULL))
		plan_fact(job->plan, "board", "port", "%s", yaml_text(board->usb, "path", ""));
	if (board->usb && yaml_text(board->usb, "serial", NULL))
		plan_fact(job->plan, "board", "serial number", "%s",
			  yaml_text(board->usb, "serial", ""));
	return fb_check_keys(board, err);
}

/* -t PARTITION:FILE says it; else a target, which the board file may give another name on the
   board. */
static int name_partition(struct job *job, struct fb_item *item, struct err *err)
{
	const struct request_item *request = item->request;
	const char *target = request->target ? request->target : job->board->default_target;

	if (request->partition && request->target) {
		err_set(err, ERR_USAGE, "with fastboot the partition is the target");
		return err_remedy(err, "leave out --target, or give it instead of -t");
	}
	if (request->partition)
		target = request->partition;
	if (!target) {
		err_set(err, ERR_USAGE, "which partition is to be written is not said");
		return err_remedy(err, "give --target PARTITION, or -t PARTITION:FILE, or "
				       "'default_target' in the board file");
	}
	item->partition = xstrdup(yaml_text(job->board->targets, target, target));
	if (!item->partition[0] || strlen(item->partition) > FASTBOOT_COMMAND - strlen("flash:"))
		return err_set(err, ERR_USAGE, "'%s' is no name of a partition", item->partition);
	return 0;
}

static enum fastboot_form form_of(const struct job *job, const struct fb_item *item)
{
	const char *form = yaml_text(job->board->own, "form", "auto");

	if (raw_reason(item->partition) || strcmp(form, "raw") == 0)
		return FASTBOOT_FORM_RAW;
	return strcmp(form, "sparse") == 0 ? FASTBOOT_FORM_SPARSE : FASTBOOT_FORM_AUTO;
}

static int make_items(struct job *job, struct err *err)
{
	struct fb *fb = fb_of(job);
	size_t i, j;
	int rc;

	fb->item_count = job->request->item_count;
	fb->items = xcalloc(fb->item_count, sizeof(*fb->items));
	for (i = 0; i < fb->item_count; i++) {
		fb->items[i].request = &job->request->items[i];
		rc = name_partition(job, &fb->items[i], err);
		if (rc < 0)
			return rc;
		for (j = 0; j < i; j++)
			if (strcmp(fb->items[i].partition, fb->items[j].partition) == 0)
				return err_set(err, ERR_USAGE, "'%s' is to be written twice",
					       fb->items[i].partition);
		fb->items[i].form = form_of(job, &fb->items[i]);
	}
	return 0;
}

static void section_of(const struct fb *fb, size_t index, const char *kind, char out[32])
{
	if (fb->item_count > 1)
		snprintf(out, 32, "%s %zu", kind, index + 1);
	else
		snprintf(out, 32, "%s", kind);
}

static void plan_item(struct job *job, size_t index)
{
	const struct fb_item *item = &fb_of(job)->items[index];
	const char *reason = raw_reason(item->partition);
	bool known = item->image.size != IMAGE_SIZE_UNKNOWN;
	char section[32], size[TEXT_SIZE];

	section_of(fb_of(job), index, "target", section);
	plan_fact(job->plan, section, "partition", "%s", item->partition);
	if (reason)
		plan_fact(job->plan, section, "kind", "%s, written in one piece", reason);
	if (yaml_bool(job->board->own, "erase", false))
		plan_step(job->plan, "erase '%s'", item->partition);
	plan_step(job->plan, "write %s%s to '%s'",
		  known ? text_of_size(item->image.size, size) : "all of ",
		  known ? "" : item->image.ref, item->partition);
}

static void plan_end(struct job *job)
{
	const char *slot = yaml_text(job->board->own, "set_active", NULL);
	const char *reboot = yaml_text(job->board->own, "reboot", "none");

	if (strcmp(yaml_text(job->board->own, "read_back", "auto"), "none") == 0)
		plan_warn(job->plan, "'read_back: none' is set: what is written is not verified");
	else
		plan_step(job->plan, "read back all that was written, where the loader can");
	if (slot)
		plan_step(job->plan, "make slot '%s' the active one", slot);
	if (strcmp(reboot, "none") != 0)
		plan_step(job->plan, "end: %s", reboot);
}

int fb_resolve_flash(struct job *job, struct deadline deadline, struct err *err)
{
	struct fb *fb;
	char section[32];
	size_t i;
	int rc = begin(job, err);

	if (rc == 0)
		rc = make_items(job, err);
	fb = fb_of(job);
	for (i = 0; rc == 0 && i < fb->item_count; i++) {
		section_of(fb, i, "image", section);
		rc = job_image_resolve(job, &fb->items[i].image, fb->items[i].request->file,
				       section, fb->items[i].form == FASTBOOT_FORM_RAW, deadline,
				       err);
		if (rc == 0)
			plan_item(job, i);
	}
	if (rc == 0)
		plan_end(job);
	return rc;
}

int fb_resolve_dump(struct job *job, struct deadline deadline, struct err *err)
{
	const struct fb_item *item;
	int rc = begin(job, err);

	(void)deadline;
	if (rc == 0)
		rc = make_items(job, err);
	if (rc < 0)
		return rc;
	item = &fb_of(job)->items[0];
	plan_fact(job->plan, "target", "partition", "%s", item->partition);
	plan_fact(job->plan, "target", "into", "%s", item->request->file);
	plan_step(job->plan, "fetch '%s' into %s, and fetch it again to compare", item->partition,
		  item->request->file);
	return 0;
}

void fb_release(struct job *job)
{
	struct fb *fb = fb_of(job);
	size_t i;

	if (!fb)
		return;
	fb_disconnect(job);
	for (i = 0; i < fb->item_count; i++) {
		free(fb->items[i].partition);
		job_image_free(&fb->items[i].image);
		fastboot_proof_free(&fb->items[i].proof);
	}
	free(fb->items);
	buf_free(&fb->partitions);
	free(fb);
	job->own = NULL;
}
