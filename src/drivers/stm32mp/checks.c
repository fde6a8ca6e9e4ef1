// SPDX-License-Identifier: MIT
/* What is looked at before anything is touched. The files have been verified when the plan was
 * made; here it is this host and the board. */
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/stm32mp/stm32mp.h"
#include "engine/job_dump.h"
#include "engine/job_usb.h"

#define NOTE_SIZE 256

static int check_image(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
		       struct err *err)
{
	const struct stm32mp *stm32mp = stm32mp_of(job);
	uint64_t total = stm32mp_total(stm32mp);
	char size[TEXT_SIZE];

	(void)deadline;
	(void)err;
	if (stm32mp->part_count && !total)
		snprintf(note, NOTE_SIZE, "!its size is not known before it is written");
	else
		snprintf(note, NOTE_SIZE, "%zu of the boot chain, %zu to write, %s",
			 stm32mp->file_count, stm32mp->part_count, text_of_size(total, size));
	return 0;
}

static int check_chip(struct job *job, const struct usb_info *info, struct err *err)
{
	const struct stm32mp_chip *wanted = stm32mp_of(job)->chip, *there;
	struct phase_product product;

	if (!wanted || !wanted->device || !phase_product_parse(info->product, &product))
		return 0;
	there = stm32mp_chip_of(product.device);
	if (!there || there == wanted)
		return 0;
	err_set(err, ERR_TARGET, "%s is an %s, the files are for an %s", info->path, there->title,
		wanted->title);
	return err_remedy(err, "give the files of this board's chip");
}

/* A board that is not there yet is waited for later; one that several could be is not guessed. */
static int check_board(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
		       struct err *err)
{
	const struct usb_mode *mode;
	struct usb_info info;
	int rc = job_usb_look(job, stm32mp_modes, &info, deadline, err);

	if (rc == -ERR_NOT_FOUND) {
		snprintf(note, NOTE_SIZE, "!it is not attached yet: switch it on in USB boot");
		return 0;
	}
	if (rc < 0)
		return rc;
	mode = usb_mode_find(stm32mp_modes, &info);
	snprintf(note, NOTE_SIZE, "%.100s, %s, serial %.80s", info.path, mode ? mode->mode : "?",
		 info.serial[0] ? info.serial : "none");
	return check_chip(job, &info, err);
}

static int check_power(struct job *job, struct deadline deadline, char note[NOTE_SIZE],
		       struct err *err)
{
	enum power_state state;
	int rc;

	snprintf(note, NOTE_SIZE, "none: a board that hangs has to be reset by hand");
	if (!job->board->power)
		return 0;
	rc = job_power(job, err);
	if (rc == 0)
		rc = power_get(job->power, &state, deadline, err);
	if (rc == 0)
		snprintf(note, NOTE_SIZE, "%s", power_state_name(state));
	return rc;
}

#define BOARD_CHECKS                                  \
	{"board", "board is attached", check_board},  \
	{                                             \
		"power", "power answers", check_power \
	}

const struct check stm32mp_flash_checks[] = {
	{"image", "files are whole", check_image},
	BOARD_CHECKS,
	{0},
};

const struct check stm32mp_dump_checks[] = {
	{"room", "room for the dump", job_dump_room},
	BOARD_CHECKS,
	{0},
};
