// SPDX-License-Identifier: MIT
/* The stages of a flash, in their order, whichever way the data goes. */
#include "base/mem.h"
#include "base/text.h"
#include "drivers/stm32mp/stm32mp.h"

/* A board that another job has left half-way must not be taken for one in its ROM: what U-Boot
   holds there is another layout. */
static int refuse_leftover(struct job *job, struct err *err)
{
	const struct getphase *phase = &stm32mp_of(job)->phase;
	char text[32];

	if (phase->phase == PHASE_LAYOUT || stm32mp_of(job)->loaded)
		return 0;
	if (phase->phase == PHASE_END)
		err_set(err, ERR_BOARD,
			"the board has been programmed already, and waits to leave");
	else
		err_set(err, ERR_BOARD, "the board waits for %s of a layout that is not this one",
			phase_text(phase->phase, text));
	return err_remedy(err, "reset the board, so that it starts from its ROM");
}

/* The first time the board may be in any of its modes. When the job comes back here something went
   wrong: a board that can be reset from here is, another one goes on from where it stands. One that
   is in fastboot is of no use there: its script has been used up. */
int stm32mp_attach(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	bool again = stm32mp->begun;
	int rc;

	stm32mp->begun = true;
	if (again && (job->board->power || (stm32mp->failed && stm32mp->dfu)))
		return stm32mp_restart(job, deadline, err);
	stm32mp_disconnect(job);
	rc = stm32mp_find(job, deadline, err);
	return rc < 0 || stm32mp->dfu ? rc : stm32mp_fast_reset(job, deadline, err);
}

int stm32mp_boot(struct job *job, struct deadline deadline, struct err *err)
{
	int rc = stm32mp_chain(job, false, deadline, err);

	return rc < 0 ? rc : refuse_leftover(job, err);
}

/* Once a script was refused the board's U-Boot cannot take a layout either before a reset. */
static int fall_back(struct job *job, struct err *why, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	int rc;

	if (stm32mp->way == WAY_FASTBOOT || why->kind == ERR_CANCELLED) {
		*err = *why;
		return -(int)err->kind;
	}
	events_log(job->events, "warning",
		   "no fastboot here (%s): going on by DFU, which is slower", why->text);
	stm32mp->fast = false;
	stm32mp->slow_reason = "this board's U-Boot does not offer fastboot";
	rc = stm32mp->at_rom ? 0 : stm32mp_restart(job, deadline, err);
	if (rc == 0)
		rc = stm32mp_chain(job, false, deadline, err);
	return rc < 0 ? err_prefix(err, "going back to DFU") : 0;
}

int stm32mp_layout(struct job *job, struct deadline deadline, struct err *err)
{
	struct stm32mp *stm32mp = stm32mp_of(job);
	struct err why;
	int rc = 0;

	if (stm32mp->area)
		return 0;
	/* TF-A before v2.4 asks for the layout itself; the U-Boot of that time takes no script. */
	if (stm32mp->fast && !stm32mp_in_uboot(job)) {
		stm32mp->fast = false;
		stm32mp->slow_reason = "TF-A of this age wants the layout itself";
		events_log(job->events, "info", "by DFU: %s", stm32mp->slow_reason);
	}
	if (stm32mp->fast) {
		rc = stm32mp_fast_begin(job, deadline, &why);
		if (rc == 0)
			return 0;
		rc = fall_back(job, &why, deadline, err);
	}
	if (rc == 0)
		rc = stm32mp_chain(job, true, deadline, err);
	if (rc == 0)
		rc = refuse_leftover(job, err);
	return rc;
}

int stm32mp_write(struct job *job, struct deadline deadline, struct err *err)
{
	if (stm32mp_of(job)->area)
		return stm32mp_write_words(job, deadline, err);
	if (stm32mp_of(job)->fast)
		return stm32mp_fast_write(job, deadline, err);
	return stm32mp_write_parts(job, deadline, err);
}

int stm32mp_verify(struct job *job, struct deadline deadline, struct err *err)
{
	if (stm32mp_of(job)->area)
		return stm32mp_verify_words(job, deadline, err);
	if (stm32mp_of(job)->fast)
		return stm32mp_fast_verify(job, deadline, err);
	return stm32mp_read_back(job, deadline, err);
}

/* U-Boot leaves `stm32prog` or fastboot, and stays at its prompt. */
int stm32mp_end(struct job *job, struct deadline deadline, struct err *err)
{
	int rc;

	if (stm32mp_of(job)->fast)
		rc = stm32mp_fast_end(job, deadline, err);
	else
		rc = stm32mp_detach(job, deadline, err);
	stm32mp_disconnect(job);
	return rc;
}
