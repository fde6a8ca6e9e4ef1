// SPDX-License-Identifier: MIT
/* What is to be done, from the board file, the layout and the request: read only. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/stm32mp/stm32mp.h"

static int read_chip(struct job *job, struct err *err)
{
	const char *name = yaml_text(job->board->own, "chip", NULL);

	if (!name)
		return 0;
	stm32mp_of(job)->chip = stm32mp_chip_find(name);
	if (stm32mp_of(job)->chip)
		return 0;
	err_set(err, ERR_CONFIG, "chip '%s' is not known", name);
	return err_remedy(err, "it is one of mp13, mp15, mp21, mp23, mp25");
}

static int read_way(struct job *job, struct err *err)
{
	static const struct {
		const char *name;
		enum way way;
	} ways[] = {{"auto", WAY_AUTO}, {"fastboot", WAY_FASTBOOT}, {"dfu", WAY_DFU}};
	const char *name = yaml_text(job->board->own, "way", "auto");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		if (strcmp(ways[i].name, name) != 0)
			continue;
		stm32mp_of(job)->way = ways[i].way;
		return 0;
	}
	err_set(err, ERR_CONFIG, "way '%s' is not known", name);
	return err_remedy(err, "it is one of auto, fastboot, dfu");
}

static void plan_board(struct job *job)
{
	plan_fact(job->plan, "board", "name", "%s", job->board->name);
	plan_fact(job->plan, "board", "driver", "%s", job->board->driver->name);
	if (yaml_text(job->board->usb, "path", NULL))
		plan_fact(job->plan, "board", "usb port", "%s",
			  yaml_text(job->board->usb, "path", NULL));
	if (yaml_text(job->board->usb, "serial", NULL))
		plan_fact(job->plan, "board", "usb serial", "%s",
			  yaml_text(job->board->usb, "serial", NULL));
	if (job->board->power)
		plan_fact(job->plan, "board", "power", "%s",
			  yaml_text(job->board->power, "type", "?"));
}

static int begin(struct job *job, struct err *err)
{
	struct stm32mp *stm32mp = xcalloc(1, sizeof(*stm32mp));
	int rc;

	job->own = stm32mp;
	stm32mp->tsv = xcalloc(1, sizeof(*stm32mp->tsv));
	stm32mp->layout.max = TSV_SIZE_MAX + 4096;
	plan_board(job);
	rc = read_chip(job, err);
	return rc < 0 ? rc : read_way(job, err);
}

static int read_layout(struct job *job, struct err *err)
{
	const struct request *request = job->request;
	size_t i;

	for (i = 0; i < request->item_count; i++) {
		if (!text_ends(request->items[i].file, ".tsv"))
			continue;
		if (request->item_count == 1 && !request->items[0].target &&
		    !request->items[0].partition)
			return stm32mp_read_layout(job, request->items[0].file, err);
		err_set(err, ERR_USAGE, "a flash layout says itself what goes where");
		return err_remedy(err, "give the .tsv file alone, without targets");
	}
	return stm32mp_make_layout(job, err);
}

static int plan_way(struct job *job, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);

	stm32mp_choose_way(job);
	plan_fact(job->plan, "layout", "way", "%s",
		  !stm32mp->fast                 ? "DFU"
		  : stm32mp->way == WAY_FASTBOOT ? "fastboot"
						 : "fastboot, or DFU when U-Boot has none");
	if (!stm32mp->fast)
		plan_fact(job->plan, "layout", "not by fastboot", "%s", stm32mp->slow_reason);
	if (stm32mp->fast && stm32mp_may_erase(job))
		plan_fact(job->plan, "layout", "erased first",
			  "by fastboot, as far as the image goes, when much of it is zeros");
	if (stm32mp->fast || stm32mp->way != WAY_FASTBOOT)
		return 0;
	err_set(err, ERR_CONFIG, "this cannot be written by fastboot: %s", stm32mp->slow_reason);
	return err_remedy(err, "write 'way: auto' or 'way: dfu' in the board file");
}

int stm32mp_resolve_flash(struct job *job, struct deadline deadline, struct err *err)
{
	int rc = begin(job, err);

	if (rc == 0 && text_equal(job->request->items[0].target, "otp"))
		return stm32mp_resolve_words(job, err);
	if (rc == 0)
		rc = read_layout(job, err);
	if (rc == 0)
		rc = stm32mp_check_layout(job, err);
	if (rc == 0)
		rc = stm32mp_read_files(job, err);
	if (rc == 0)
		rc = stm32mp_read_parts(job, deadline, err);
	if (rc < 0)
		return rc;
	if (stm32mp_of(job)->chip)
		plan_fact(job->plan, "board", "chip", "%s", stm32mp_of(job)->chip->title);
	plan_step(job->plan, "%s",
		  yaml_bool(job->board->own, "reboot", false)
			  ? "reset the board"
			  : "leave the board at U-Boot's prompt");
	return plan_way(job, err);
}

int stm32mp_resolve_dump(struct job *job, struct deadline deadline, struct err *err)
{
	const struct request_item *item = &job->request->items[0];
	struct stm32mp *stm32mp;
	int rc = begin(job, err);

	(void)deadline;
	if (rc < 0)
		return rc;
	stm32mp = stm32mp_of(job);
	stm32mp->area = text_equal(item->target, "otp")    ? PHASE_OTP
			: text_equal(item->target, "pmic") ? PHASE_PMIC
							   : 0;
	if (!stm32mp->area) {
		err_set(err, ERR_USAGE, "this driver reads the targets 'otp' and 'pmic'");
		return err_remedy(err, "give --target otp or --target pmic");
	}
	rc = stm32mp_read_files(job, err);
	if (rc < 0)
		return rc;
	plan_fact(job->plan, "target", "name", "%s", item->target);
	plan_fact(job->plan, "target", "into", "%s", item->file);
	plan_step(job->plan, "read the %s into %s", item->target, item->file);
	return 0;
}

void stm32mp_release(struct job *job)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	size_t i;

	if (!stm32mp)
		return;
	stm32mp_disconnect(job);
	for (i = 0; i < stm32mp->file_count; i++) {
		free(stm32mp->files[i].path);
		buf_free(&stm32mp->files[i].bytes);
	}
	for (i = 0; i < stm32mp->part_count; i++) {
		free(stm32mp->parts[i].path);
		job_image_free(&stm32mp->parts[i].image);
	}
	free(stm32mp->parts);
	tsv_free(stm32mp->tsv);
	free(stm32mp->tsv);
	free(stm32mp->tsv_path);
	buf_free(&stm32mp->layout);
	script_free(&stm32mp->script);
	free(stm32mp);
	job->own = NULL;
}
