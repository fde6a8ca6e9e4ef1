// SPDX-License-Identifier: MIT
/* The boot chain: what the board asks for is sent, until it asks for what does not belong to it.
 * TF-A and U-Boot differ from version to version in what they want and in what order, so GETPHASE
 * is the only authority. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/stm32mp/stm32mp.h"
#include "engine/job_usb.h"

#define ROUNDS_MAX 32 /* no chain is so long */
#define SENT_MAX   2  /* a phase is sent once more when the board asks again */
#define LOOK_MS    20 /* between two looks at a board that is about to move on */

/* The wait for what comes after a phase has been sent. With the layout known U-Boot erases and
   makes partitions before it shows up again. */
static const char *wait_after(const struct stm32mp *stm32mp, uint8_t phase)
{
	if (stm32mp->loaded)
		return "partitions";
	return phase == PHASE_SSBL ? "uboot" : "tf-a";
}

static int leave(struct job *job, uint8_t after, struct deadline deadline, struct err *err)
{
	const char *wait = wait_after(stm32mp_of(job), after);
	struct deadline limit = job_deadline(job, deadline, wait);
	int rc = stm32mp_detach(job, limit, err);

	if (rc == 0)
		rc = stm32mp_reconnect(job, stm32mp_dfu_modes, limit, err);
	if (rc == -ERR_TIMEOUT)
		err_remedy(err,
			   "the board left USB to start what it was sent: its console may say "
			   "why it does not come back; the wait is the timeout '%s'",
			   wait);
	return rc;
}

/* A board that takes the next stage over within the same USB session may not answer for a moment,
 * or may be gone and come back: either way the next phase tells. */
static int look(struct job *job, struct getphase *getphase, struct deadline deadline,
		struct err *err)
{
	int rc = stm32mp_connect(job, deadline, err);

	if (rc == 0)
		rc = stm32mp_getphase(job, getphase, deadline, err);
	if (rc != -ERR_USB)
		return rc;
	stm32mp_disconnect(job);
	rc = stm32mp_connect(job, deadline, err);
	return rc < 0 ? rc : stm32mp_getphase(job, getphase, deadline, err);
}

/* Until it wants something else than it got. */
static int await_change(struct job *job, uint8_t sent, struct deadline deadline, struct err *err)
{
	struct deadline limit = job_deadline(job, deadline, wait_after(stm32mp_of(job), sent));
	unsigned int address = job->usb->info.address;
	struct getphase getphase;
	char text[32];
	int rc;

	if (stm32mp_of(job)->spl)
		return leave(job, sent, deadline, err);
	for (;;) {
		rc = look(job, &getphase, limit, err);
		if (rc == 0 && (getphase.phase != sent || sent == PHASE_LAYOUT ||
				job->usb->info.address != address))
			return 0;
		if (rc < 0 && rc != -ERR_USB && rc != -ERR_BOARD)
			return err_prefix(err, "after %s", phase_text(sent, text));
		rc = deadline_pause(LOOK_MS, limit, err);
		if (rc == -ERR_TIMEOUT)
			return 0; /* it still wants the same */
		if (rc < 0)
			return rc;
	}
}

static int no_file(uint8_t phase, struct err *err)
{
	static const char *const keys[] = {NULL, "fsbl", "fip_ddr", "fip"};
	char text[32];

	err_set(err, ERR_CONFIG,
		"the board asks for %s (phase 0x%02x), and no file is known for it",
		phase_text(phase, text), phase);
	return err_remedy(err,
			  "add a line with id 0x%02x and device none to the layout, or the "
			  "key '%s' to the board file",
			  phase, keys[phase]);
}

static uint64_t chain_total(const struct stm32mp *stm32mp, uint8_t before)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < stm32mp->file_count; i++)
		if (stm32mp->files[i].phase < before)
			total += stm32mp->files[i].bytes.size;
	return total;
}

static int send_file(struct job *job, uint8_t phase, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	struct boot_file *file = stm32mp_file(stm32mp, phase);
	char text[32], size[TEXT_SIZE], took[TEXT_SIZE];
	struct bytes_reader memory;
	int64_t begun = clock_ms();
	int rc;

	if (!file)
		return no_file(phase, err);
	if (file->sent == SENT_MAX) {
		err_set(err, ERR_BOARD, "the board asks again and again for %s, which it was sent",
			phase_text(phase, text));
		return err_remedy(err,
				  "is %s made for this board, and for booting from USB? Its "
				  "console may say more",
				  file->path);
	}
	if (file->sent++ > 0)
		events_log(job->events, "warning", "the board asks once more for %s",
			   phase_text(phase, text));
	reader_of_bytes(&memory, file->bytes.data, file->bytes.size);
	rc = stm32mp_send(job, phase, &memory.reader, chain_total(stm32mp, phase),
			  chain_total(stm32mp, UINT8_MAX), deadline, err);
	if (rc < 0)
		return rc;
	events_log(job->events, "info", "phase 0x%02x: %s, %s in %s", phase, file->path,
		   text_of_size(file->bytes.size, size),
		   text_of_duration(clock_ms() - begun, took));
	return await_change(job, phase, deadline, err);
}

static int send_layout(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	struct bytes_reader memory;
	int rc;

	if (stm32mp->loaded)
		return err_set(err, ERR_BOARD, "the board asks again for the layout it was sent");
	reader_of_bytes(&memory, stm32mp->layout.data, stm32mp->layout.size);
	rc = stm32mp_send(job, PHASE_LAYOUT, &memory.reader, UINT64_MAX, 0, deadline, err);
	if (rc < 0)
		return rc;
	stm32mp->loaded = true;
	events_log(job->events, "info", "phase 0x00: the layout, %zu bytes", stm32mp->layout.size);
	return await_change(job, PHASE_LAYOUT, deadline, err);
}

/* A board in its ROM has forgotten all. */
static void note_rom(struct stm32mp *stm32mp, bool first)
{
	size_t i;

	stm32mp->loaded = stm32mp->failed = stm32mp->resumed = false;
	for (i = 0; first && i < stm32mp->file_count; i++)
		stm32mp->files[i].sent = 0;
	for (i = 0; i < stm32mp->part_count; i++)
		stm32mp->parts[i].sent = false;
}

/* Layouts of old give partitions the ids of the boot chain, so it counts who asks. */
static bool is_chain(struct job *job, uint8_t phase)
{
	return phase >= PHASE_FSBL && phase <= PHASE_SSBL &&
	       (stm32mp_of(job)->spl || !stm32mp_in_uboot(job));
}

/* One thing the board asks for; *done when it is not for the chain to give. */
static int give(struct job *job, const struct getphase *getphase, bool layout, uint8_t *last,
		bool *done, struct deadline deadline, struct err *err)
{
	if (getphase->phase == PHASE_ERROR)
		return stm32mp_board_error(job, getphase, err);
	if (getphase->phase == PHASE_LAYOUT && getphase->detach)
		return leave(job, *last, deadline, err);
	if (is_chain(job, getphase->phase)) {
		*last = getphase->phase;
		return send_file(job, getphase->phase, deadline, err);
	}
	*done = getphase->phase != PHASE_LAYOUT || !layout;
	return *done ? 0 : send_layout(job, deadline, err);
}

int stm32mp_chain(struct job *job, bool layout, struct deadline deadline, struct err *err)
{
	struct getphase getphase;
	uint8_t last = PHASE_SSBL;
	bool done = false;
	unsigned int i;
	int rc = 0;

	for (i = 0; rc == 0 && !done && i < ROUNDS_MAX; i++) {
		rc = look(job, &getphase, deadline, err);
		if (rc == 0 && getphase.phase == PHASE_FSBL && is_chain(job, PHASE_FSBL))
			note_rom(stm32mp_of(job), i == 0);
		if (rc == 0)
			rc = give(job, &getphase, layout, &last, &done, deadline, err);
	}
	if (rc == 0 && !done)
		return err_set(err, ERR_BOARD,
			       "the board does not come to the end of its boot chain");
	return rc;
}

/* Out of fastboot, or by the power switch, or by a bus reset while U-Boot leaves DFU, which it
   takes as a reset of the board (STM32MP1; U-Boot common/dfu.c). */
static int reset_board(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	int rc;

	if (job->board->power) {
		stm32mp_disconnect(job);
		rc = job_power(job, err);
		return rc < 0 ? rc : power_cycle(job->power, deadline, err);
	}
	if (!stm32mp->dfu || !stm32mp_in_uboot(job)) {
		err_set(err, ERR_BOARD, "the board cannot be reset from here");
		return err_remedy(err,
				  "reset it (into USB boot), or give the board file a 'power'");
	}
	rc = stm32mp_detach(job, deadline, err);
	if (rc == 0)
		rc = usb_reset(job->usb, deadline, err);
	return rc == -ERR_USB ? 0 : rc;
}

int stm32mp_restart(struct job *job, struct deadline deadline, struct err *err)
{
	struct deadline limit = job_deadline(job, deadline, "uboot");
	int rc = reset_board(job, limit, err);

	if (rc == 0 && job->usb)
		rc = stm32mp_reconnect(job, stm32mp_dfu_modes, limit, err);
	else if (rc == 0)
		rc = stm32mp_connect(job, limit, err);
	return rc < 0 ? err_prefix(err, "resetting the board") : 0;
}
