// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "drivers/dfu/dfu.h"

#define OPEN_TRIES 3

static int refuse_dfuse(const struct dfu *dfu, struct err *err)
{
	if (dfu->function.version != DFU_VERSION_DFUSE)
		return 0;
	err_set(err, ERR_BOARD, "the device speaks ST's DfuSe, which is another protocol than DFU");
	return err_remedy(err, "boards with an STM32MP1 or STM32MP2 have the driver 'stm32mp'; for "
			       "a microcontroller use 'dfu-util' with --dfuse-address");
}

static int open_dfu(struct job *job, struct deadline deadline, struct err *err)
{
	struct dfu_work *work = work_of(job);
	_cleanup_(freep) struct dfu *dfu = xcalloc(1, sizeof(*dfu));
	int rc = dfu_open(dfu, job->usb, deadline, err);

	if (rc < 0)
		return rc;
	dfu->transfer_ms = board_timeout_ms(job->board, "transfer");
	if (dfu->in_flight > work->in_flight)
		dfu->in_flight = work->in_flight;
	work->dfu = steal(dfu);
	rc = refuse_dfuse(work->dfu, err);
	if (rc < 0)
		link_close(job);
	return rc;
}

void link_close(struct job *job)
{
	struct dfu_work *work = work_of(job);

	if (!work->dfu)
		return;
	/* What has asked for time once does so again. */
	if (work->dfu->in_flight < work->in_flight)
		work->in_flight = work->dfu->in_flight;
	dfu_close(work->dfu);
	freep(&work->dfu);
}

/* A device that has just come may go once more before it stays. */
int link_open(struct job *job, struct deadline deadline, struct err *err)
{
	unsigned int tries;
	int rc = -ERR_USB;

	link_close(job);
	for (tries = 0; rc == -ERR_USB && tries < OPEN_TRIES; tries++) {
		rc = job_usb_open(job, dfu_usb_modes, deadline, err);
		if (rc == 0)
			rc = open_dfu(job, deadline, err);
	}
	return rc;
}

int link_reopen(struct job *job, struct deadline deadline, struct err *err)
{
	int rc;

	link_close(job);
	rc = job_usb_reopen(job, dfu_usb_modes, deadline, err);
	if (rc == 0)
		rc = open_dfu(job, deadline, err);
	return rc == -ERR_USB ? link_open(job, deadline, err) : rc;
}

static int list_alts(const struct dfu *dfu, struct err *err)
{
	_cleanup_(buf_free) struct buf list = {.max = 400};
	size_t i;

	for (i = 0; i < dfu->alt_count; i++)
		buf_addf(&list, "%s%u %s", i ? ", " : "", dfu->alts[i].alt,
			 dfu->alts[i].name[0] ? dfu->alts[i].name : "(no name)");
	return err_remedy(err, "it has: %s%s", buf_text(&list), buf_over(&list) ? " ..." : "");
}

/* Two settings of one name cannot be told apart by it. */
static bool is_ambiguous(const struct dfu *dfu, const struct dfu_alt *found, const char *name)
{
	const struct dfu_alt *alt = dfu->alts;
	size_t same = 0, i;

	for (i = 0; i < dfu->alt_count; i++)
		same += strcmp(alt[i].name, found->name) == 0;
	return same > 1 && strncmp(found->name, name, strlen(name)) == 0;
}

int link_find(struct job *job, const struct dfu_item *item, const struct dfu_alt **alt,
	      struct err *err)
{
	const struct dfu *dfu = work_of(job)->dfu;

	if (!item->alt && dfu->alt_count == 1) {
		*alt = &dfu->alts[0];
		return 0;
	}
	if (!item->alt) {
		err_set(err, ERR_TARGET, "the device has %zu alternate settings, and none is named",
			dfu->alt_count);
		return list_alts(dfu, err);
	}
	*alt = dfu_find(dfu, item->alt);
	if (!*alt) {
		err_set(err, ERR_TARGET, "the device has no %s", item->describe);
		return list_alts(dfu, err);
	}
	if (is_ambiguous(dfu, *alt, item->alt)) {
		err_set(err, ERR_TARGET, "several have the name of %s", item->describe);
		return err_remedy(err, "give its number instead");
	}
	return 0;
}

int link_select(struct job *job, const struct dfu_item *item, struct deadline deadline,
		struct err *err)
{
	const struct dfu_alt *alt;
	int rc = link_find(job, item, &alt, err);

	return rc < 0 ? rc : dfu_select(work_of(job)->dfu, alt, deadline, err);
}
