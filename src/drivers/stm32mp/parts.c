// SPDX-License-Identifier: MIT
/* What is programmed: each image read to its end, and looked at for what its place demands. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/inspect.h"
#include "drivers/stm32mp/stm32mp.h"

#define LOOK_SIZE ((size_t)4 << 20) /* bytes of an image's beginning that are looked at */

struct part *stm32mp_part(struct stm32mp *stm32mp, uint8_t id)
{
	size_t i;

	for (i = 0; i < stm32mp->part_count; i++)
		if (stm32mp->parts[i].line->id == id)
			return &stm32mp->parts[i];
	return NULL;
}

void stm32mp_part_text(const struct part *part, char out[64])
{
	const struct tsv_line *line = part->line;

	snprintf(out, 64, "%s (0x%02x) of %s%s", line->name, line->id, line->device,
		 line->boot == 0   ? ""
		 : line->boot == 1 ? " boot1"
				   : " boot2");
}

uint64_t stm32mp_total(const struct stm32mp *stm32mp)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < stm32mp->part_count; i++) {
		if (stm32mp->parts[i].image.size == IMAGE_SIZE_UNKNOWN)
			return 0;
		total += stm32mp->parts[i].image.size;
	}
	return total;
}

static int check_size(const struct part *part, struct err *err)
{
	char size[TEXT_SIZE], room[TEXT_SIZE], text[64];

	if (!part->line->size || part->image.size == IMAGE_SIZE_UNKNOWN ||
	    part->image.size <= part->line->size)
		return 0;
	stm32mp_part_text(part, text);
	err_set(err, ERR_TARGET,
		"%s does not fit: it has %s (%" PRIu64 " bytes), %s has %s (%" PRIu64 ")",
		part->image.ref, text_of_size(part->image.size, size), part->image.size, text,
		text_of_size(part->line->size, room), part->line->size);
	return err_remedy(err,
			  "move the next line's offset in the layout, or take a smaller image");
}

static int read_head(struct job *job, const char *path, struct buf *head, struct deadline deadline,
		     struct err *err)
{
	struct image_options options = {.http = job->request->http};
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(reader_closep) struct reader *stream = NULL;
	_cleanup_(freep) char *piece = xmalloc(LOOK_SIZE);
	size_t got;
	int rc = image_open(&image, path, &options, deadline, err);

	if (rc < 0)
		return rc;
	stream = image_stream(image);
	rc = reader_fill(stream, piece, LOOK_SIZE, &got, err);
	if (rc == 0)
		buf_add(head, piece, got);
	return rc;
}

/* A partition that ROM and TF-A look for by name (TF-A plat/st/common/bl2_io_storage.c). */
static bool has_partition(const json_t *partitions, const char *start)
{
	const json_t *row;
	size_t i;

	json_array_foreach(partitions, i,
			   row) if (text_starts(json_string_value(json_object_get(row, "name")),
						start)) return true;
	return false;
}

static void plan_table(struct job *job, const struct part *part, const struct finding *finding,
		       const char *section)
{
	const json_t *partitions = json_object_get(finding->facts, "partitions"), *row;
	_cleanup_(buf_free) struct buf names = {.max = 400};
	size_t i;

	json_array_foreach(partitions, i, row) buf_addf(
		&names, "%s%s", i ? ", " : "", json_string_value(json_object_get(row, "name")));
	plan_fact(job->plan, section, "partitions", "%s", buf_text(&names));
	if (!has_partition(partitions, "fsbl"))
		plan_warn(job->plan,
			  "%s has no partition 'fsbl...': the boot ROM finds no TF-A "
			  "on %s",
			  part->image.ref, part->line->device);
}

/* What is wrong with the table itself is an error; damage in a partition may be meant. The
   beginning holds the primary table, its copy lies at the end. */
static int judge_checks(struct job *job, const struct part *part, const struct finding *finding,
			struct err *err)
{
	const json_t *row;
	size_t i;

	json_array_foreach(finding->checks, i, row)
	{
		const char *check = json_string_value(json_object_get(row, "check"));

		if (json_is_true(json_object_get(row, "good")))
			continue;
		if (text_equal(check, "header") || text_equal(check, "entries"))
			return err_set(err, ERR_IMAGE, "the partition table of %s is damaged: %s",
				       part->image.ref,
				       json_string_value(json_object_get(row, "note")));
		plan_warn(job->plan, "%s: %s looks damaged", part->image.ref, check);
	}
	return 0;
}

static int check_disk(struct job *job, const struct part *part, struct buf *head,
		      const char *section, struct err *err)
{
	struct finding finding;
	struct input input;
	int rc = 0;

	input_of_memory(&input, head->data, head->size);
	input.whole = part->image.size == head->size;
	inspect_input(&input, &finding);
	if (text_equal(finding.kind, "gpt")) {
		plan_table(job, part, &finding, section);
		rc = judge_checks(job, part, &finding, err);
	} else {
		plan_warn(job->plan, "%s has no GPT: the boot ROM finds no TF-A on %s",
			  part->image.ref, part->line->device);
	}
	finding_free(&finding);
	return rc;
}

/* A whole image: its table. Parts of the boot chain: what ROM and TF-A will demand of them. */
static int check_content(struct job *job, const struct part *part, const char *section,
			 struct deadline deadline, struct err *err)
{
	const struct tsv_line *line = part->line;
	_cleanup_(buf_free) struct buf head = {.max = LOOK_SIZE};
	bool raw = !line->type->guid, fsbl = text_starts(line->name, "fsbl"),
	     fip = strcmp(line->type->name, "FIP") == 0;
	int rc;

	if (!part->image.repeatable || !(raw || fsbl || fip))
		return 0;
	rc = read_head(job, part->path, &head, deadline, err);
	if (rc < 0)
		return rc;
	if (raw)
		return line->medium == TSV_MMC ? check_disk(job, part, &head, section, err) : 0;
	if (part->image.size > head.size)
		return 0;
	return stm32mp_check_boot_file(job, fsbl ? PHASE_FSBL : PHASE_SSBL,
				       (const uint8_t *)head.data, head.size, section, err);
}

static void plan_part(struct job *job, const struct part *part, const char *section)
{
	const struct tsv_line *line = part->line;
	char size[TEXT_SIZE], text[64];

	stm32mp_part_text(part, text);
	plan_fact(job->plan, section, "name", "%s", line->name);
	plan_fact(job->plan, section, "type", "%s", line->type->name);
	if (line->boot)
		plan_fact(job->plan, section, "place", "%s boot%u", line->device, line->boot);
	else
		plan_fact(job->plan, section, "place", "%s at 0x%" PRIx64, line->device,
			  line->offset);
	if (line->size)
		plan_fact_bytes(job->plan, section, "room", line->size);
	plan_step(job->plan, "write %s to %s, and read it back",
		  part->image.size == IMAGE_SIZE_UNKNOWN ? part->image.ref
							 : text_of_size(part->image.size, size),
		  text);
}

static int read_part(struct job *job, const struct tsv_line *line, struct deadline deadline,
		     struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	struct part *part = &stm32mp->parts[stm32mp->part_count++];
	char section[32];
	int rc;

	part->line = line;
	part->path = stm32mp->tsv_path ? stm32mp_find_file(job, line->file) : xstrdup(line->file);
	snprintf(section, sizeof(section), "partition 0x%02x", line->id);
	rc = job_image_resolve(job, &part->image, part->path, section, false, deadline, err);
	if (rc == 0)
		rc = check_size(part, err);
	if (rc == 0)
		rc = check_content(job, part, section, deadline, err);
	if (rc < 0)
		return err_prefix(err, "%s (0x%02x)", line->name, line->id);
	plan_part(job, part, section);
	return 0;
}

/* The board asks for ids in ascending order. */
static int by_id(const void *a, const void *b)
{
	const struct tsv_line *one = *(const struct tsv_line *const *)a;
	const struct tsv_line *two = *(const struct tsv_line *const *)b;

	return (int)one->id - (int)two->id;
}

static void plan_erase(struct job *job, const struct tsv_line *line)
{
	if (line->erase)
		plan_step(job->plan, "erase %s (0x%02x) of %s", line->name, line->id, line->device);
}

int stm32mp_read_parts(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	struct tsv *tsv = stm32mp->tsv;
	const struct tsv_line *lines[TSV_LINES_MAX];
	size_t i;
	int rc = 0;

	for (i = 0; i < tsv->count; i++)
		lines[i] = &tsv->lines[i];
	qsort(lines, tsv->count, sizeof(lines[0]), by_id);
	stm32mp->parts = xcalloc(tsv->count, sizeof(*stm32mp->parts));
	for (i = 0; i < tsv->count; i++)
		plan_erase(job, lines[i]);
	for (i = 0; rc == 0 && i < tsv->count; i++)
		if (tsv_is_sent(lines[i]))
			rc = read_part(job, lines[i], deadline, err);
	return rc;
}
