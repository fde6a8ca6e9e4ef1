// SPDX-License-Identifier: MIT
/* The fast way: U-Boot runs a script in place of a layout, becomes a fastboot device, takes only
 * what is used of the image in large pieces, and reads it back itself (script.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/legacy.h"
#include "drivers/fastboot/send.h"
#include "drivers/stm32mp/fast_layout.h"
#include "drivers/stm32mp/stm32mp.h"
#include "engine/job_usb.h"

#define READ_RATE     1000                /* bytes a millisecond, of a slow card */
#define ERASE_RATE    10000               /* the same, erasing */
#define ERASE_STEP    ((uint64_t)4 << 20) /* no medium erases in larger steps */
#define ERASE_LEAST   ((uint64_t)4 << 20) /* zeros that are worth it */
#define SCRIPT_BRANCH 202110              /* first branch of ST's U-Boot that runs scripts */

/* Why this job cannot go that way; NULL: it can. */
static const char *why_not(struct job *job)
{
	const struct stm32mp *stm32mp = stm32mp_of(job);
	const char *uboot = yaml_text(job->board->own, "uboot", NULL);
	size_t i;

	if (stm32mp->way == WAY_DFU)
		return "the board file says dfu";
	if (stm32mp->part_count == 0)
		return "nothing is sent";
	for (i = 0; i < stm32mp->part_count; i++)
		if (!stm32mp->parts[i].image.repeatable)
			return "an image can be read only once, and has to be measured first";
	if (!stm32mp->chip)
		return "the chip is not known, and so not which memory is free";
	if (uboot && tsv_uboot_version(uboot) < SCRIPT_BRANCH)
		return "U-Boot runs no script in place of a layout before v2021.10";
	return fast_layout_reason(stm32mp->tsv, stm32mp->media);
}

void stm32mp_choose_way(struct job *job)
{
	struct stm32mp *stm32mp = stm32mp_of(job);

	stm32mp->slow_reason = why_not(job);
	stm32mp->fast = !stm32mp->slow_reason;
}

static int measure_part(struct job *job, struct part *part, struct deadline deadline,
			struct err *err)
{
	const struct tsv_line *line = part->line;
	struct script_place place = {line->boot, line->type->guid ? line->offset : 0};
	_cleanup_(image_closep) struct image *image = NULL;
	int rc = job_image_take(job, &part->image, &image, deadline, err);

	if (rc == 0)
		rc = script_measure(&stm32mp_of(job)->script, image, place, err);
	return rc < 0 ? rc : job_image_read(&part->image, image, err);
}

int stm32mp_measure(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	size_t i;
	int rc = 0;

	script_free(&stm32mp->script);
	for (i = 0; rc == 0 && stm32mp->fast && i < stm32mp->part_count; i++)
		rc = measure_part(job, &stm32mp->parts[i], deadline, err);
	return rc;
}

bool stm32mp_may_erase(struct job *job)
{
	return !stm32mp_of(job)->parts[0].line->type->guid &&
	       yaml_bool(job->board->own, "erase", true);
}

/* Zeros need not be written where a whole medium has been erased before. Not beyond the image,
   whose last step may be shared; and not what a block map leaves out: it stays as it is. */
static uint64_t bytes_to_erase(struct job *job)
{
	const struct stm32mp *stm32mp = stm32mp_of(job);
	const struct part *part = &stm32mp->parts[0];

	if (!stm32mp_may_erase(job) || stm32mp->script.unused > 0 ||
	    stm32mp->script.zeros < ERASE_LEAST)
		return 0;
	return part->image.size - part->image.size % ERASE_STEP;
}

static int make_script(struct job *job, struct buf *out, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	_cleanup_(buf_free) struct buf before = {0};
	_cleanup_(buf_free) struct buf after = {0};
	_cleanup_(buf_free) struct buf text = {0};
	struct script_settings settings = {
		.interface = "mmc",
		.device = fast_layout_device(stm32mp->tsv),
		.memory = stm32mp->chip->memory,
		.erase = bytes_to_erase(job),
	};
	int rc;

	fast_layout_before(stm32mp->tsv, &before);
	fast_layout_after(stm32mp->tsv, &after);
	settings.before = buf_text(&before);
	settings.after = buf_text(&after);
	rc = script_text(&stm32mp->script, &settings, &text, err);
	return rc < 0 ? rc : legacy_script(text.data, text.size, 0, 0, out, err);
}

/* What U-Boot made of the script: after one it is at its end; another answer means that it read it
   as a layout. */
static int send_script(struct job *job, struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf script = {0};
	struct bytes_reader memory;
	struct getphase getphase;
	int rc = make_script(job, &script, err);

	if (rc < 0)
		return rc;
	reader_of_bytes(&memory, script.data, script.size);
	rc = stm32mp_send(job, PHASE_LAYOUT, &memory.reader, UINT64_MAX, 0, deadline, err);
	if (rc == 0)
		rc = stm32mp_getphase(job, &getphase, deadline, err);
	if (rc < 0)
		return rc;
	if (getphase.phase == PHASE_ERROR)
		return stm32mp_board_error(job, &getphase, err);
	if (getphase.phase == PHASE_END)
		return 0;
	stm32mp_of(job)->failed = true;
	return err_set(err, ERR_BOARD, "U-Boot does not take a script in place of a layout");
}

static int open_fastboot(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	int rc;

	if (!usb_mode_find(stm32mp_fastboot_modes, &job->usb->info)) {
		stm32mp->at_rom = true;
		return err_set(err, ERR_BOARD, "the board is back in '%s'", job->usb->info.product);
	}
	rc = fastboot_usb(&stm32mp->fastboot.link, job->usb, deadline, err);
	return rc < 0 ? rc : fastboot_hello(&stm32mp->fastboot, deadline, err);
}

void stm32mp_fast_close(struct stm32mp *stm32mp)
{
	if (stm32mp->fastboot.link)
		fastboot_close(&stm32mp->fastboot);
	stm32mp->fastboot.link = NULL;
}

int stm32mp_fast_reset(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	struct deadline limit = job_deadline(job, deadline, "uboot");
	int rc = open_fastboot(job, limit, err);

	if (rc == 0)
		rc = fastboot_command(&stm32mp->fastboot, NULL, limit, err, "reboot");
	stm32mp_fast_close(stm32mp);
	if (rc == 0 || rc == -ERR_USB)
		rc = stm32mp_reconnect(job, stm32mp_dfu_modes, limit, err);
	if (rc == 0)
		return 0;
	err_prefix(err, "resetting the board, which is in fastboot");
	return err_remedy(err, "a download that broke may still be waited for there: switch the "
			       "board off and on");
}

/* Whether what was erased can be relied upon. */
static int ask_erased(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	char text[FASTBOOT_ANSWER];
	uint64_t value;
	bool known;
	int rc;

	stm32mp->erased = 0;
	if (!bytes_to_erase(job))
		return 0;
	rc = fastboot_getvar(&stm32mp->fastboot, "zero", text, &known, deadline, err);
	if (rc == 0 && known && text_hex(text, &value) && value <= UINT32_MAX &&
	    script_is_zero((uint32_t)value))
		stm32mp->erased = bytes_to_erase(job);
	if (rc == 0 && !stm32mp->erased)
		events_log(job->events, "info",
			   "the medium does not read as zeros when it is "
			   "erased: zeros are written");
	return rc;
}

int stm32mp_fast_begin(struct job *job, struct deadline deadline, struct err *err)
{
	int64_t patience = board_timeout_ms(job->board, "fastboot") +
			   (int64_t)(bytes_to_erase(job) / ERASE_RATE);
	struct deadline limit = deadline_in(deadline, patience);
	int rc;

	stm32mp_of(job)->at_rom = false;
	rc = send_script(job, deadline, err);
	if (rc == 0)
		rc = stm32mp_detach(job, limit, err);
	if (rc == 0)
		rc = stm32mp_reconnect(job, stm32mp_modes, limit, err);
	if (rc == 0)
		rc = open_fastboot(job, limit, err);
	if (rc == 0)
		rc = ask_erased(job, limit, err);
	return rc < 0 ? err_prefix(err, "switching U-Boot to fastboot") : 0;
}

static int send_image(struct job *job, struct part *part, uint64_t base, struct deadline deadline,
		      struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	_cleanup_(image_closep) struct image *image = NULL;
	struct job_share share = {job, base, stm32mp_total(stm32mp)};
	char place[16];
	struct fastboot_send how = {
		.partition = place,
		.form = FASTBOOT_FORM_SPARSE,
		.size = part->image.size,
		.erased = stm32mp->erased,
		.progress = job_share_progress,
		.context = &share,
	};
	int rc = fastboot_buffer(&stm32mp->fastboot, &how.buffer, deadline, err);

	fast_layout_place(stm32mp->tsv, part->line, place);
	if (rc == 0)
		rc = job_image_take(job, &part->image, &image, deadline, err);
	if (rc == 0)
		rc = fastboot_send_image(&stm32mp->fastboot, &how, image, deadline, err);
	return rc < 0 ? rc : job_image_read(&part->image, image, err);
}

/* U-Boot is still there after it refused a piece, and every piece says itself where it goes: the
   whole is sent once more. */
static int write_part(struct job *job, struct part *part, uint64_t base, struct deadline deadline,
		      struct err *err)
{
	char text[64], size[TEXT_SIZE], took[TEXT_SIZE];
	int64_t begun = clock_ms();
	int rc = send_image(job, part, base, deadline, err);

	stm32mp_part_text(part, text);
	if (rc == -ERR_BOARD) {
		events_log(job->events, "warning", "%s: once more, after: %s", text, err->text);
		rc = fastboot_hello(&stm32mp_of(job)->fastboot, deadline, err);
		rc = rc < 0 ? rc : send_image(job, part, base, deadline, err);
	}
	if (rc < 0)
		return err_prefix(err, "%s", text);
	events_log(job->events, "info", "%s: %s in %s, by fastboot", text,
		   text_of_size(part->image.size, size),
		   text_of_duration(clock_ms() - begun, took));
	return 0;
}

int stm32mp_fast_write(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	uint64_t base = 0;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < stm32mp->part_count; i++) {
		rc = write_part(job, &stm32mp->parts[i], base, deadline, err);
		base += stm32mp->parts[i].image.size;
	}
	return rc;
}

/* Where a group of ranges is, for people. */
static void group_text(const struct stm32mp *stm32mp, size_t group, struct buf *out)
{
	const struct script_range *first = script_first(&stm32mp->script, group),
				  *last = script_last(&stm32mp->script, group);
	unsigned int device = fast_layout_device(stm32mp->tsv);

	buf_addf(out, "mmc%u", device);
	if (first->hwpart)
		buf_addf(out, " boot%u", first->hwpart);
	buf_addf(out, ", byte 0x%" PRIx64 " to", first->offset);
	if (last->hwpart != first->hwpart && last->hwpart)
		buf_addf(out, " boot%u", last->hwpart);
	buf_addf(out, " 0x%" PRIx64, last->offset + last->size);
}

static int compare_group(struct job *job, size_t group, bool *known, struct deadline deadline,
			 struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	_cleanup_(buf_free) struct buf place = {.max = 200};
	char name[32], text[FASTBOOT_ANSWER];
	uint64_t value;
	int rc;

	snprintf(name, sizeof(name), "crc%zu", group);
	rc = fastboot_getvar(&stm32mp->fastboot, name, text, known, deadline, err);
	if (rc < 0 || !*known)
		return rc;
	if (text_hex(text, &value) && value <= UINT32_MAX &&
	    script_matches(&stm32mp->script, group, (uint32_t)value))
		return 0;
	group_text(stm32mp, group, &place);
	err_set(err, ERR_VERIFY, "%s reads back with another checksum (%.16s) than was sent",
		buf_text(&place), text);
	return err_remedy(err, "the medium does not keep what is written to it: try another one");
}

/* A variable that is missing while others are there is no proof either. */
static int compare_groups(struct job *job, size_t *known_count, struct deadline deadline,
			  struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	size_t i, groups = script_groups(&stm32mp->script);
	bool known;
	int rc;

	for (*known_count = 0, i = 0; i < groups; i++) {
		rc = compare_group(job, i, &known, deadline, err);
		if (rc < 0)
			return rc;
		*known_count += known;
	}
	if (*known_count == 0 || *known_count == groups)
		return 0;
	return err_set(err, ERR_VERIFY, "U-Boot told only %zu of %zu checksums", *known_count,
		       groups);
}

/* The board goes off the bus, reads its medium, and comes back when it is done: the slowest of
   cards gives a megabyte a second. */
static int let_it_read(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	int64_t patience = board_timeout_ms(job->board, "fastboot");
	struct deadline limit =
		deadline_in(deadline, patience + (int64_t)(stm32mp_total(stm32mp) / READ_RATE));
	int rc = fastboot_command(&stm32mp->fastboot, NULL, limit, err, "continue");

	stm32mp_fast_close(stm32mp);
	if (rc == 0 || rc == -ERR_USB)
		rc = stm32mp_reconnect(job, stm32mp_fastboot_modes, limit, err);
	if (rc == 0)
		rc = open_fastboot(job, limit, err);
	return rc < 0 ? err_prefix(err, "while the board reads its medium") : 0;
}

int stm32mp_fast_verify(struct job *job, struct deadline deadline, struct err *err)
{
	const struct stm32mp *stm32mp = stm32mp_of(job);
	char text[64];
	size_t known, i;
	int rc = let_it_read(job, deadline, err);

	if (rc == 0)
		rc = compare_groups(job, &known, deadline, err);
	if (rc < 0)
		return rc;
	job->proven = known > 0;
	if (!job->proven)
		job->unproven = "this board's U-Boot has no mmc read, crc32 or setexpr";
	for (i = 0; i < stm32mp->part_count; i++) {
		const struct part *part = &stm32mp->parts[i];

		stm32mp_part_text(part, text);
		job_wrote(job, text, part->line->device, part->image.size, part->image.sha256,
			  job->proven);
	}
	return 0;
}

int stm32mp_fast_end(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	bool reboot = yaml_bool(job->board->own, "reboot", false);
	int rc = fastboot_command(&stm32mp->fastboot, NULL, deadline, err, "%s",
				  reboot ? "reboot" : "continue");

	stm32mp_fast_close(stm32mp);
	return rc == -ERR_USB ? 0 : rc;
}
