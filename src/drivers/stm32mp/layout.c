// SPDX-License-Identifier: MIT
/* The flash layout: read from a .tsv, or made for images that fill whole media. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "drivers/stm32mp/stm32mp.h"

static bool same_file(const char *a, const char *b)
{
	struct stat one, two;

	return stat(a, &one) == 0 && stat(b, &two) == 0 && one.st_dev == two.st_dev &&
	       one.st_ino == two.st_ino;
}

/* ST's tools look in the current folder first. A file of the same name beside the layout that is
   another one may be what was meant: that must be seen. */
char *stm32mp_find_file(struct job *job, const char *name)
{
	const struct stm32mp *stm32mp = stm32mp_of(job);
	_cleanup_(freep) char *folder = stm32mp->tsv_path ? path_folder(stm32mp->tsv_path) : NULL;
	char *beside;

	if (!folder)
		return board_path(job->board, name);
	beside = path_join(folder, name);
	if (*name == '/' || access(name, F_OK) != 0)
		return beside;
	if (access(beside, F_OK) == 0 && !same_file(name, beside))
		plan_warn(job->plan,
			  "'%s' is in the current folder and beside the layout; the "
			  "one in the current folder is taken",
			  name);
	free(beside);
	return xstrdup(name);
}

int stm32mp_read_layout(struct job *job, const char *path, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	_cleanup_(buf_free) struct buf text = {0};
	int rc = path_read(path, TSV_SIZE_MAX, &text, err);

	if (rc < 0)
		return rc;
	stm32mp->tsv_path = xstrdup(path);
	tsv_parse(stm32mp->tsv, text.data, text.size);
	plan_fact(job->plan, "layout", "file", "%s", path);
	return tsv_verdict(stm32mp->tsv, path, err);
}

/* The medium an item is for: a target of the board file, or U-Boot's own name for it. */
static const char *item_device(struct job *job, const struct request_item *item)
{
	const char *target = item->target;

	if (!target)
		target = job->board->default_target;
	if (!target)
		target = yaml_text(job->board->own, "device", "mmc0");
	return yaml_text(job->board->targets, target, target);
}

static int no_partitions(struct err *err)
{
	err_set(err, ERR_USAGE, "partitions of STM32MP boards are written by a flash layout");
	return err_remedy(err, "give a .tsv file in place of the image");
}

int stm32mp_make_layout(struct job *job, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {0};
	const struct request *request = job->request;
	size_t i;

	for (i = 0; i < request->item_count; i++) {
		if (request->items[i].partition)
			return no_partitions(err);
		buf_addf(&text, "P\t0x%zx\timage%zu\tRawImage\t%s\t0x0\t%s\n", TSV_ID_USER + i, i,
			 item_device(job, &request->items[i]), request->items[i].file);
	}
	tsv_parse(stm32mp_of(job)->tsv, text.data, text.size);
	return tsv_verdict(stm32mp_of(job)->tsv, "image", err);
}

/* The media the board file tells of. */
static void read_media(struct job *job)
{
	struct tsv_media *media = stm32mp_of(job)->media;
	const struct yaml *list = yaml_get(job->board->own, "media");
	size_t i;

	for (i = 0; list && i < list->count && i < MEDIA_MAX; i++)
		media[i] = (struct tsv_media){
			.device = yaml_text(list->items[i], "device", ""),
			.capacity = yaml_size(list->items[i], "capacity", 0),
			.erase_size = yaml_size(list->items[i], "erase_size", 0),
		};
}

static const char *layout_name(const struct stm32mp *stm32mp)
{
	return stm32mp->tsv_path ? stm32mp->tsv_path : "image";
}

static void tell_notes(struct job *job)
{
	const struct stm32mp *stm32mp = stm32mp_of(job);
	const struct tsv *tsv = stm32mp->tsv;
	size_t i, unknown = 0;
	char key[32];

	for (i = 0; i < tsv->note_count; i++) {
		const struct tsv_note *note = &tsv->notes[i];

		if (note->gravity == TSV_WARNING && note->line)
			plan_warn(job->plan, "%s:%u: %s", layout_name(stm32mp), note->line,
				  note->text);
		else if (note->gravity == TSV_WARNING)
			plan_warn(job->plan, "%s", note->text);
		if (note->gravity != TSV_UNKNOWN)
			continue;
		snprintf(key, sizeof(key), "not checked %zu", ++unknown);
		plan_fact(job->plan, "layout", key, "%s", note->text);
	}
}

int stm32mp_check_layout(struct job *job, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	const char *uboot = yaml_text(job->board->own, "uboot", NULL);
	_cleanup_(buf_free) struct buf text = {0};

	if (uboot && !tsv_uboot_version(uboot)) {
		err_set(err, ERR_CONFIG, "'%s' is no version of U-Boot", uboot);
		return err_remedy(err, "write it as v2022.10-stm32mp");
	}
	read_media(job);
	tsv_check(stm32mp->tsv, stm32mp->media, uboot ? tsv_uboot_version(uboot) : 0);
	tell_notes(job);
	tsv_write(stm32mp->tsv, &text);
	tsv_wrap(text.data, text.size, &stm32mp->layout);
	return tsv_verdict(stm32mp->tsv, layout_name(stm32mp), err);
}
