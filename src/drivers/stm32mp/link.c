// SPDX-License-Identifier: MIT
/* The board on USB: found, followed, asked what it waits for, and sent that. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/stm32mp/stm32mp.h"
#include "engine/job_usb.h"

static const char *const speeds[] = {
	[USB_SPEED_UNKNOWN] = "unknown speed", [USB_SPEED_LOW] = "low speed",
	[USB_SPEED_FULL] = "full speed",       [USB_SPEED_HIGH] = "high speed",
	[USB_SPEED_SUPER] = "super speed",     [USB_SPEED_SUPER_PLUS] = "super speed plus",
};

static void tell(struct job *job)
{
	const struct usb_info *info = &job->usb->info;
	const struct usb_mode *mode = usb_mode_find(stm32mp_modes, info);

	events_log(job->events, "info", "%s: %04x:%04x, %s, %s, serial %s, '%s'", info->path,
		   info->vid, info->pid, speeds[info->speed], mode ? mode->mode : "?",
		   info->serial[0] ? info->serial : "none", info->product);
	if (info->speed == USB_SPEED_FULL)
		events_log(job->events, "warning",
			   "the board is attached at full speed, 12 Mbit/s: another cable or port "
			   "may do 480");
}

void stm32mp_disconnect(struct job *job)
{
	struct stm32mp *stm32mp = stm32mp_of(job);

	stm32mp_fast_close(stm32mp);
	if (stm32mp->dfu)
		dfu_close(stm32mp->dfu);
	free(steal(stm32mp->dfu));
	job_usb_close(job);
}

const struct dfu_alt *stm32mp_alt(const struct stm32mp *stm32mp, uint8_t phase)
{
	struct phase_alt alt;
	size_t i;

	for (i = 0; stm32mp->dfu && i < stm32mp->dfu->alt_count; i++)
		if (phase_alt_parse(stm32mp->dfu->alts[i].name, &alt) && alt.phase == phase)
			return &stm32mp->dfu->alts[i];
	return NULL;
}

bool stm32mp_in_uboot(const struct job *job)
{
	return job->usb && text_starts(job->usb->info.product, STM32MP_GADGET);
}

/* Only a U-Boot SPL has no command area. What names itself as the others do, and shows none, has
   not told its names, and must not be taken for it. */
static int check_alts(struct job *job, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	struct phase_product product;

	stm32mp->spl = !stm32mp_alt(stm32mp, PHASE_COMMAND);
	if (!stm32mp->spl || !phase_product_parse(job->usb->info.product, &product))
		return 0;
	err_set(err, ERR_BOARD, "%s does not tell what its alternate settings are for",
		job->usb->info.path);
	return err_remedy(err, "reset the board; if it stays so, try another cable or port");
}

/* 0483:df11 is every STM32 microcontroller, too; those speak DfuSe. */
static int check_kind(struct job *job, struct err *err)
{
	const struct stm32mp *stm32mp = stm32mp_of(job);
	struct phase_product product;
	const struct stm32mp_chip *chip;

	if (stm32mp->dfu->function.version == 0x011a) {
		err_set(err, ERR_TARGET, "%s is an STM32 microcontroller ('%s'), not an STM32MP",
			job->usb->info.path, job->usb->info.product);
		return err_remedy(err, "say in the board file by which USB port the board is known "
				       "(usb: ...)");
	}
	if (!phase_product_parse(job->usb->info.product, &product))
		return 0;
	chip = stm32mp_chip_of(product.device);
	if (!chip || !stm32mp->chip || !stm32mp->chip->device || chip == stm32mp->chip)
		return 0;
	err_set(err, ERR_TARGET, "%s is an %s, the files are for an %s", job->usb->info.path,
		chip->title, stm32mp->chip->title);
	return err_remedy(err, "nothing was sent; give the files of this board's chip");
}

static int open_dfu(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	int rc;

	stm32mp->dfu = xcalloc(1, sizeof(*stm32mp->dfu));
	rc = dfu_open(stm32mp->dfu, job->usb, deadline, err);
	if (rc < 0) {
		free(steal(stm32mp->dfu));
		job_usb_close(job);
		return rc;
	}
	stm32mp->dfu->transfer_ms = board_timeout_ms(job->board, "transfer");
	tell(job);
	rc = check_kind(job, err);
	if (rc == 0)
		rc = check_alts(job, err);
	if (rc < 0)
		stm32mp_disconnect(job);
	return rc;
}

/* A device may go again while it is being opened: what is there next is what is meant. */
#define OPEN_TRIES 3

static int open_until_it_holds(struct job *job, const struct usb_mode *modes,
			       struct deadline deadline, struct err *err)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < OPEN_TRIES; i++) {
		rc = job_usb_open(job, modes, deadline, err);
		if (rc == 0 && usb_mode_find(stm32mp_fastboot_modes, &job->usb->info)) {
			tell(job);
			return 0;
		}
		if (rc == 0)
			rc = open_dfu(job, deadline, err);
		if (rc != -ERR_USB)
			return rc;
	}
	return rc;
}

int stm32mp_connect(struct job *job, struct deadline deadline, struct err *err)
{
	if (stm32mp_of(job)->dfu)
		return 0;
	return open_until_it_holds(job, stm32mp_dfu_modes, deadline, err);
}

int stm32mp_find(struct job *job, struct deadline deadline, struct err *err)
{
	return open_until_it_holds(job, stm32mp_modes, deadline, err);
}

int stm32mp_reconnect(struct job *job, const struct usb_mode *modes, struct deadline deadline,
		      struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	int rc;

	if (stm32mp->dfu)
		dfu_close(stm32mp->dfu);
	free(steal(stm32mp->dfu));
	rc = job_usb_reopen(job, modes, deadline, err);
	if (rc < 0 && rc != -ERR_USB)
		return rc;
	if (rc == 0 && usb_mode_find(stm32mp_fastboot_modes, &job->usb->info)) {
		tell(job);
		return 0;
	}
	if (rc == 0)
		rc = open_dfu(job, deadline, err);
	return rc == -ERR_USB ? open_until_it_holds(job, modes, deadline, err) : rc;
}

int stm32mp_getphase(struct job *job, struct getphase *getphase, struct deadline deadline,
		     struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	uint8_t answer[GETPHASE_SIZE];
	size_t got;
	int rc;

	*getphase = (struct getphase){.phase = PHASE_SSBL};
	if (!stm32mp->spl) {
		rc = dfu_select(stm32mp->dfu, stm32mp_alt(stm32mp, PHASE_COMMAND), deadline, err);
		if (rc == 0)
			rc = dfu_ask(stm32mp->dfu, answer, sizeof(answer), &got, deadline, err);
		if (rc == 0)
			rc = getphase_parse(answer, got, getphase, err);
		if (rc < 0)
			return err_prefix(err, "GETPHASE");
	}
	stm32mp->phase = *getphase;
	return 0;
}

int stm32mp_send(struct job *job, uint8_t phase, struct reader *from, uint64_t base, uint64_t total,
		 struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	const struct dfu_alt *alt =
		stm32mp->spl ? &stm32mp->dfu->alts[0] : stm32mp_alt(stm32mp, phase);
	struct job_share share = {job, base, total};
	struct dfu_progress progress = {base == UINT64_MAX ? NULL : job_share_progress, &share};
	enum dfu_end end;
	char text[32];
	int rc;

	if (!alt)
		return err_set(err, ERR_BOARD, "the board asks for %s, but takes nothing like that",
			       phase_text(phase, text));
	rc = dfu_select(stm32mp->dfu, alt, deadline, err);
	if (rc == 0)
		rc = dfu_download(stm32mp->dfu, from, &progress, &end, deadline, err);
	return rc < 0 ? err_prefix(err, "sending %s", phase_text(phase, text)) : 0;
}

int stm32mp_setphase(struct job *job, uint8_t phase, uint32_t offset, struct deadline deadline,
		     struct err *err)
{
	uint8_t bytes[SETPHASE_SIZE];
	struct bytes_reader memory;
	int rc;

	setphase_make(phase, offset, bytes);
	reader_of_bytes(&memory, bytes, sizeof(bytes));
	rc = stm32mp_send(job, PHASE_COMMAND, &memory.reader, UINT64_MAX, 0, deadline, err);
	return rc < 0 ? err_prefix(err, "SETPHASE") : 0;
}

int stm32mp_detach(struct job *job, struct deadline deadline, struct err *err)
{
	int rc = dfu_detach(stm32mp_of(job)->dfu, deadline, err);

	return rc < 0 ? err_prefix(err, "DETACH") : 0;
}

int stm32mp_board_error(struct job *job, const struct getphase *getphase, struct err *err)
{
	stm32mp_of(job)->failed = true;
	err_set(err, ERR_BOARD, "the board says: %s",
		getphase->text[0] ? getphase->text : "an error, without a word on it");
	return err_remedy(err, "reset the board (into USB boot again) before the next try; the "
			       "console may say more");
}
