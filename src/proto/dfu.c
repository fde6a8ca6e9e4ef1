// SPDX-License-Identifier: MIT
#include "proto/dfu.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "proto/dfu_request.h"

#define TRANSFER_MS 60000
#define NAMES_MS    1000 /* how long names are asked for again */
#define NAME_MS     2000 /* one of them */
#define NAMES_EVERY 50
#define DETACH_MS   1000 /* where the device names none */
#define IDLE_ROUNDS \
	1000 /* requests on the way to dfuIDLE; a device that needs more never gets there */

#define REQUEST_GET_DESCRIPTOR 6 /* USB 2.0 section 9.4.3 */

int dfu_request(struct dfu *dfu, enum dfu_request request, uint16_t value, struct deadline deadline,
		struct err *err)
{
	struct usb_setup setup = {DFU_OUT, (uint8_t)request, value, dfu->interface};

	return usb_control(dfu->usb, setup, NULL, 0, NULL, deadline_in(deadline, dfu->transfer_ms),
			   err);
}

int dfu_get_status(struct dfu *dfu, struct dfu_status *status, struct deadline deadline,
		   struct err *err)
{
	struct usb_setup setup = {DFU_IN, DFU_GETSTATUS, 0, dfu->interface};
	uint8_t bytes[DFU_STATUS_SIZE];
	int rc = usb_control(dfu->usb, setup, bytes, sizeof(bytes), NULL,
			     deadline_in(deadline, dfu->transfer_ms), err);

	if (rc < 0)
		return err_prefix(err, "DFU status");
	dfu_status_parse(bytes, status);
	return 0;
}

int dfu_wait(uint32_t poll_ms, unsigned int round, struct deadline deadline, struct err *err)
{
	int64_t ms = poll_ms < DFU_POLL_MAX ? poll_ms : DFU_POLL_MAX;
	int64_t least = round < 20 ? round : 20;

	return deadline_pause(ms > least ? ms : least, deadline, err);
}

/* The way to dfuIDLE from each state (section 6.1.2). */
enum step {
	STEP_NONE, /* that is it */
	STEP_CLEAR,
	STEP_ABORT,
	STEP_WAIT, /* the device is at it, and gets on when its status is asked for */
	STEP_APPLICATION,
	STEP_RESET,
	STEP_UNKNOWN,
};

static enum step step_of(const struct dfu_status *status)
{
	static const enum step steps[] = {
		[DFU_APP_IDLE] = STEP_APPLICATION,
		[DFU_APP_DETACH] = STEP_APPLICATION,
		[DFU_IDLE] = STEP_NONE,
		[DFU_DNLOAD_SYNC] = STEP_WAIT,
		[DFU_DNBUSY] = STEP_WAIT,
		[DFU_DNLOAD_IDLE] = STEP_ABORT,
		[DFU_MANIFEST_SYNC] = STEP_WAIT,
		[DFU_MANIFEST] = STEP_WAIT,
		[DFU_MANIFEST_WAIT_RESET] = STEP_RESET,
		[DFU_UPLOAD_IDLE] = STEP_ABORT,
		[DFU_ERROR] = STEP_CLEAR,
	};

	if (status->state >= ARRAY_SIZE(steps))
		return STEP_UNKNOWN;
	return steps[status->state];
}

static int take_step(struct dfu *dfu, const struct dfu_status *status, unsigned int round,
		     struct deadline deadline, struct err *err)
{
	switch (step_of(status)) {
	case STEP_CLEAR:
		return dfu_request(dfu, DFU_CLRSTATUS, 0, deadline, err);
	case STEP_ABORT:
		return dfu_request(dfu, DFU_ABORT, 0, deadline, err);
	case STEP_WAIT:
		return dfu_wait(status->poll_ms, round, deadline, err);
	case STEP_APPLICATION:
		err_set(err, ERR_BOARD, "the device runs its application (%s), not its loader",
			dfu_state_name(status->state));
		return err_remedy(err, "bring it into DFU mode, with 'dfu-util -e' or as its "
				       "manual says");
	case STEP_RESET:
		err_set(err, ERR_BOARD, "the device waits for a reset before it takes anything");
		return err_remedy(err, "switch it off and on");
	default:
		return err_set(err, ERR_BOARD, "the device is in state %u, which DFU does not know",
			       status->state);
	}
}

/* A device in dfuERROR may stall even the question; clearing its status is allowed there. */
static int ask_or_clear(struct dfu *dfu, struct dfu_status *status, struct deadline deadline,
			struct err *err)
{
	int rc = dfu_get_status(dfu, status, deadline, err);

	if (rc != -ERR_BOARD)
		return rc;
	rc = dfu_request(dfu, DFU_CLRSTATUS, 0, deadline, err);
	if (rc < 0 && rc != -ERR_BOARD)
		return rc;
	return dfu_get_status(dfu, status, deadline, err);
}

int dfu_make_idle(struct dfu *dfu, struct deadline deadline, struct err *err)
{
	struct dfu_status status;
	unsigned int round;
	int rc;

	for (round = 0; round < IDLE_ROUNDS; round++) {
		rc = ask_or_clear(dfu, &status, deadline, err);
		if (rc == 0 && step_of(&status) == STEP_NONE)
			return 0;
		if (rc == 0)
			rc = take_step(dfu, &status, round, deadline, err);
		if (rc < 0)
			return err_prefix(err, "bringing the device to dfuIDLE");
	}
	return err_set(err, ERR_BOARD, "the device stays in %s and does not get to dfuIDLE",
		       dfu_state_name(status.state));
}

/* One that is not in the configuration is asked for (dfu-util does so, too). */
static int read_function(struct dfu *dfu, struct deadline deadline, struct err *err)
{
	struct usb_setup setup = {USB_IN | 0x01, REQUEST_GET_DESCRIPTOR, 0x2100, dfu->interface};
	uint8_t bytes[9] = {0};
	size_t got = 0;
	int rc = 0;

	if (dfu->function.transfer_size == 0)
		rc = usb_control(dfu->usb, setup, bytes, sizeof(bytes), &got,
				 deadline_in(deadline, dfu->transfer_ms), err);
	if (rc < 0 && rc != -ERR_BOARD)
		return rc;
	if (got >= 2)
		dfu_function_parse(bytes, got, &dfu->function);
	if (dfu->function.transfer_size == 0)
		return err_set(err, ERR_BOARD,
			       "the device does not tell how many bytes it takes at once");
	dfu->block_size = dfu->function.transfer_size;
	if (dfu->block_size > USB_CONTROL_SIZE)
		dfu->block_size = USB_CONTROL_SIZE;
	return 0;
}

/* Reads what is still missing; *missing tells whether there is more to come. */
static int read_missing(struct dfu *dfu, const uint8_t *strings, bool *missing,
			struct deadline deadline, struct err *err)
{
	size_t i;
	int rc;

	*missing = false;
	for (i = 0; i < dfu->alt_count; i++) {
		if (strings[i] == 0 || dfu->alts[i].name[0])
			continue;
		rc = usb_string(dfu->usb, strings[i], dfu->alts[i].name,
				deadline_in(deadline, NAME_MS), err);
		if (rc == -ERR_USB || rc == -ERR_CANCELLED)
			return rc;
		if (rc < 0)
			dfu->alts[i].name[0] = '\0';
		*missing |= !dfu->alts[i].name[0];
	}
	return 0;
}

/* Right after it has enumerated a device may fail to tell its names. One that never does is known
 * by numbers. */
static int read_names(struct dfu *dfu, const uint8_t *strings, struct deadline deadline,
		      struct err *err)
{
	struct deadline patience = deadline_in(deadline, NAMES_MS);
	bool missing;
	int rc;

	for (;;) {
		rc = read_missing(dfu, strings, &missing, deadline, err);
		if (rc < 0 || !missing || deadline_left_ms(patience) == 0)
			return rc;
		rc = deadline_pause(NAMES_EVERY, deadline, err);
		if (rc < 0)
			return rc;
	}
}

static int get_ready(struct dfu *dfu, const uint8_t *strings, struct deadline deadline,
		     struct err *err)
{
	int rc = read_function(dfu, deadline, err);

	if (rc == 0)
		rc = read_names(dfu, strings, deadline, err);
	if (rc == 0)
		rc = dfu_make_idle(dfu, deadline, err);
	return rc;
}

int dfu_open(struct dfu *dfu, struct usb_device *usb, struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf configuration = {0};
	uint8_t strings[DFU_ALTS_MAX] = {0};
	int rc = usb_configuration(usb, 0, &configuration, deadline, err);

	*dfu = (struct dfu){.usb = usb, .in_flight = 2, .transfer_ms = TRANSFER_MS};
	if (rc == 0)
		rc = dfu_parse((const uint8_t *)buf_text(&configuration), configuration.size, dfu,
			       strings, err);
	if (rc == 0)
		rc = usb_claim(usb, dfu->interface, err);
	if (rc < 0)
		return rc;
	rc = get_ready(dfu, strings, deadline, err);
	if (rc < 0)
		usb_release(usb, dfu->interface);
	return rc;
}

void dfu_close(struct dfu *dfu)
{
	usb_release(dfu->usb, dfu->interface);
}

int dfu_select(struct dfu *dfu, const struct dfu_alt *alt, struct deadline deadline,
	       struct err *err)
{
	int rc = usb_set_alt(dfu->usb, dfu->interface, alt->alt,
			     deadline_in(deadline, dfu->transfer_ms), err);

	if (rc < 0)
		return err_prefix(err, "selecting alternate setting %u", alt->alt);
	return dfu_make_idle(dfu, deadline, err);
}

int dfu_ask(struct dfu *dfu, void *data, size_t size, size_t *got, struct deadline deadline,
	    struct err *err)
{
	struct usb_setup setup = {DFU_IN, DFU_UPLOAD, 0, dfu->interface};
	int rc = usb_control(dfu->usb, setup, data, size, got,
			     deadline_in(deadline, dfu->transfer_ms), err);

	/* A whole answer leaves the device in dfuUPLOAD-IDLE, a short one does not. */
	if (rc == 0 && *got == size)
		rc = dfu_request(dfu, DFU_ABORT, 0, deadline, err);
	return rc;
}

int dfu_detach(struct dfu *dfu, struct deadline deadline, struct err *err)
{
	uint16_t timeout = dfu->function.detach_ms ? dfu->function.detach_ms : DETACH_MS;
	int rc = dfu_request(dfu, DFU_DETACH, timeout, deadline, err);

	return rc == -ERR_USB ? 0 : rc;
}
