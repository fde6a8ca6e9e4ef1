// SPDX-License-Identifier: MIT
/* The proof: every range that was written is read back from the medium, by the device itself or by
   this host, and its CRC-32 is compared with that of what was sent. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "drivers/fastboot/board.h"

static const struct {
	const char *key, *name;
} ways[] = {
	[FB_WAY_UNKNOWN] = {"auto", "not known"},
	[FB_WAY_NONE] = {"none", "not at all"},
	[FB_WAY_FETCH] = {"fetch", "the device sends what is on it"},
	[FB_WAY_RUN] = {"run", "U-Boot reads it and counts a CRC-32 (oem run)"},
	[FB_WAY_UCMD] = {"ucmd", "U-Boot reads it and counts a CRC-32 (UCmd)"},
};

const char *fb_way_name(enum fb_way way)
{
	return ways[way].name;
}

static int probe_fetch(struct job *job, bool *works, struct deadline deadline, struct err *err)
{
	struct fb *fb = fb_of(job);
	int rc = fastboot_getvar_number(&fb->device, "max-fetch-size", &fb->fetch_max, works,
					deadline, err);

	*works = *works && fb->fetch_max >= SPARSE_BLOCK;
	if (rc == 0 && !*works)
		snprintf(fb->why_not, sizeof(fb->why_not), "the device has no 'fetch'");
	return rc;
}

static int probe(struct job *job, enum fb_way way, bool *works, struct deadline deadline,
		 struct err *err)
{
	if (way == FB_WAY_FETCH)
		return probe_fetch(job, works, deadline, err);
	return fb_console_probe(job, way, works, deadline, err);
}

/* A partition that U-Boot cannot find again cannot be read back, whatever else it can. */
static int find_all(struct job *job, struct deadline deadline, struct err *err)
{
	struct fb *fb = fb_of(job);
	size_t i;
	int rc = 0;

	if (fb->way != FB_WAY_RUN && fb->way != FB_WAY_UCMD)
		return 0;
	for (i = 0; rc == 0 && i < fb->item_count; i++)
		rc = fb_console_find(job, &fb->items[i], deadline, err);
	if (rc != -ERR_BOARD)
		return rc;
	snprintf(fb->why_not, sizeof(fb->why_not), "%.200s", err->text);
	fb->way = FB_WAY_NONE;
	return 0;
}

int fb_find_way(struct job *job, struct deadline deadline, struct err *err)
{
	const char *key = yaml_text(job->board->own, "read_back", "auto");
	struct fb *fb = fb_of(job);
	bool works = false, asked = strcmp(key, "none") != 0;
	int way, rc = 0;

	fb->way = FB_WAY_NONE;
	snprintf(fb->why_not, sizeof(fb->why_not), "'read_back: none' is set");
	for (way = FB_WAY_FETCH; asked && rc == 0 && !works && way <= FB_WAY_UCMD; way++) {
		if (strcmp(key, "auto") != 0 && strcmp(key, ways[way].key) != 0)
			continue;
		rc = probe(job, (enum fb_way)way, &works, deadline, err);
		if (works)
			fb->way = (enum fb_way)way;
	}
	if (rc == 0 && !works && strcmp(key, "auto") == 0)
		snprintf(fb->why_not, sizeof(fb->why_not),
			 "the loader has neither 'fetch' nor 'oem run' nor 'UCmd', so it cannot be "
			 "asked what is on the board");
	return rc == 0 ? find_all(job, deadline, err) : rc;
}

static int add_crc(void *context, const void *data, size_t size, struct err *err)
{
	uint32_t *crc = context;

	(void)err;
	*crc = crc32_add(*crc, data, size);
	return 0;
}

static int fetch_crc(struct job *job, const struct fb_item *item, const struct sparse_range *range,
		     uint32_t *crc, struct deadline deadline, struct err *err)
{
	struct fastboot_sink sink = {add_crc, crc};
	struct fb *fb = fb_of(job);
	uint64_t done, step;
	int rc = 0;

	*crc = 0;
	for (done = 0; rc == 0 && done < range->length; done += step) {
		step = range->length - done < fb->fetch_max ? range->length - done : fb->fetch_max;
		rc = fastboot_fetch(&fb->device, item->partition, range->offset + done,
				    (uint32_t)step, &sink, deadline, err);
	}
	return rc;
}

static int check_range(struct job *job, const struct fb_item *item,
		       const struct sparse_range *range, struct deadline deadline, struct err *err)
{
	uint32_t crc;
	int rc = fb_of(job)->way == FB_WAY_FETCH
			 ? fetch_crc(job, item, range, &crc, deadline, err)
			 : fb_console_crc(job, item, range, &crc, deadline, err);

	if (rc < 0 || crc == range->crc)
		return rc;
	err_set(err, ERR_VERIFY,
		"'%s' is not what was written: bytes %" PRIu64 " to %" PRIu64
		" read back with CRC-32 %08" PRIx32 ", and should have %08" PRIx32,
		item->partition, range->offset, range->offset + range->length - 1, crc, range->crc);
	return err_remedy(err, "the medium does not keep what is written to it: try another one");
}

static int check_item(struct job *job, struct fb_item *item, uint64_t *done, uint64_t total,
		      struct deadline deadline, struct err *err)
{
	bool console = fb_of(job)->way != FB_WAY_FETCH;
	size_t i;
	int rc = console ? fb_console_find(job, item, deadline, err) : 0;

	for (i = 0; rc == 0 && i < item->proof.count; i++) {
		rc = check_range(job, item, &item->proof.ranges[i], deadline, err);
		*done += item->proof.ranges[i].length;
		job_progress(job, *done, total);
	}
	if (rc == 0 && console)
		rc = fb_console_end(job, item, deadline, err);
	return rc;
}

static uint64_t bytes_to_read(const struct fb *fb)
{
	uint64_t total = 0;
	size_t i, k;

	for (i = 0; i < fb->item_count; i++)
		for (k = 0; k < fb->items[i].proof.count; k++)
			total += fb->items[i].proof.ranges[k].length;
	return total;
}

static void tell(struct job *job, bool verified)
{
	const struct fb *fb = fb_of(job);
	size_t i;

	for (i = 0; i < fb->item_count; i++)
		job_wrote(job, fb->items[i].partition, NULL, fb->items[i].image.size,
			  fb->items[i].image.sha256, verified);
}

int fb_stage_verify(struct job *job, struct deadline deadline, struct err *err)
{
	struct fb *fb = fb_of(job);
	uint64_t done = 0, total = bytes_to_read(fb);
	size_t i;
	int rc = 0;

	if (fb->way == FB_WAY_NONE) {
		job->unproven = fb->why_not;
		tell(job, false);
		return 0;
	}
	for (i = 0; rc == 0 && i < fb->item_count; i++)
		rc = check_item(job, &fb->items[i], &done, total, deadline, err);
	if (rc < 0)
		return rc;
	tell(job, true);
	job->proven = true;
	return 0;
}
