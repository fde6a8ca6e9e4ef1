// SPDX-License-Identifier: MIT
#include "sim/dfu_device.h"

#include <string.h>

#include "base/bytes.h"
#include "sim/fault.h"

enum {
	DETACH,
	DNLOAD,
	UPLOAD,
	GETSTATUS,
	CLRSTATUS,
	GETSTATE,
	ABORT,
	REQUESTS
};

#define SET_INTERFACE 11

enum {
	ERR_ADDRESS_STATUS = 8,
	ERR_UNKNOWN_STATUS = 14,
	ERR_STALLED_STATUS = 15
};

const struct dfu_manners dfu_strict = {
	.says_busy = true,
	.must_wait = true,
	.counts_blocks = true,
	.refused = ERR_STALLED_STATUS,
	.miscounted = ERR_ADDRESS_STATUS,
};

const struct dfu_manners dfu_uboot = {
	.counts_blocks = true,
	.miscounted = ERR_UNKNOWN_STATUS,
	.detaches = true,
	.alt_resets = true,
};

const struct dfu_manners dfu_tfa = {
	.says_sync = true,
	.refusal_keeps = true,
	.detaches = true,
	.detaches_ever = true,
};

const struct dfu_manners dfu_rom = {
	.says_busy = true,
	.refused = ERR_STALLED_STATUS,
	.detaches = true,
	.detaches_ever = true,
	.alt_resets = true,
};

/* Requests that each state takes (section 6.1.2 and appendix A.2); DETACH is judged apart. */
#define TAKES(request) (1u << (request))

static const uint32_t taken[] = {
	[DFU_IDLE] = TAKES(DNLOAD) | TAKES(UPLOAD) | TAKES(ABORT),
	[DFU_DNLOAD_SYNC] = 0,
	[DFU_DNBUSY] = 0,
	[DFU_DNLOAD_IDLE] = TAKES(DNLOAD) | TAKES(ABORT),
	[DFU_MANIFEST_SYNC] = 0,
	[DFU_MANIFEST] = 0,
	[DFU_MANIFEST_WAIT_RESET] = 0,
	[DFU_UPLOAD_IDLE] = TAKES(UPLOAD) | TAKES(ABORT),
	[DFU_ERROR] = TAKES(CLRSTATUS),
};

static enum sim_status refuse(struct dfu_device *dfu, uint8_t status)
{
	if (dfu->manners->refusal_keeps || dfu->state == DFU_ERROR)
		return SIM_STALL;
	dfu->state = DFU_ERROR;
	dfu->status = status;
	return SIM_STALL;
}

void dfu_device_reset(struct dfu_device *dfu)
{
	dfu->state = DFU_IDLE;
	dfu->status = 0;
	dfu->block = 0;
	dfu->at = 0;
	dfu->told = dfu->stuck = false;
}

static bool wrong_block(struct dfu_device *dfu, uint16_t number)
{
	return dfu->manners->counts_blocks && number != dfu->block;
}

static enum sim_status end_download(struct dfu_device *dfu)
{
	if (dfu->state == DFU_IDLE)
		return refuse(dfu, dfu->manners->refused);
	dfu->state = DFU_MANIFEST_SYNC;
	return SIM_OK;
}

static enum sim_status download(struct dfu_device *dfu, uint16_t number, const uint8_t *data,
				size_t size)
{
	uint8_t status;

	if (!(dfu->function.attributes & DFU_CAN_DOWNLOAD) || size > dfu->function.transfer_size)
		return refuse(dfu, dfu->manners->refused);
	if (!size)
		return end_download(dfu);
	if (dfu->state == DFU_IDLE) {
		dfu->block = 0;
		dfu->at = 0;
	}
	if (wrong_block(dfu, number))
		return refuse(dfu, dfu->manners->miscounted);
	status = dfu->ops->write(dfu, dfu->at, data, size);
	if (status && dfu->manners->refusal_keeps)
		return SIM_STALL;
	dfu->block++;
	dfu->at += size;
	dfu->state = status ? DFU_ERROR : DFU_DNLOAD_SYNC;
	dfu->status = status;
	dfu->told = false;
	dfu->ready_us = dfu->device->now_us;
	return SIM_OK;
}

static enum sim_status upload(struct dfu_device *dfu, uint16_t number, uint8_t *data, size_t *size)
{
	size_t wanted = *size;

	if (!(dfu->function.attributes & DFU_CAN_UPLOAD))
		return refuse(dfu, dfu->manners->refused);
	if (dfu->state == DFU_IDLE) {
		dfu->block = 0;
		dfu->at = 0;
	}
	if (wrong_block(dfu, number))
		return refuse(dfu, dfu->manners->miscounted);
	if (!dfu->ops->read(dfu, dfu->at, data, size))
		return refuse(dfu, dfu->manners->refused);
	dfu->block++;
	dfu->at += *size;
	dfu->state = *size < wanted ? DFU_IDLE : DFU_UPLOAD_IDLE;
	return SIM_OK;
}

/* How far the block is that came last. */
static uint32_t sync_block(struct dfu_device *dfu)
{
	const struct dfu_manners *manners = dfu->manners;
	bool first = !dfu->told;
	bool stuck = first && sim_fault(dfu->device->faults, SIM_FAULT_BUSY, dfu->device->stage, 1);

	if (stuck || dfu->stuck) {
		dfu->stuck = true;
		dfu->state = DFU_DNBUSY;
		return dfu->poll_ms;
	}
	dfu->told = true;
	if (manners->says_sync && first)
		return 0;
	if (manners->says_busy && first && dfu->poll_ms) {
		dfu->state = DFU_DNBUSY;
		dfu->ready_us = dfu->device->now_us + (int64_t)dfu->poll_ms * 1000;
		return dfu->poll_ms;
	}
	dfu->state = DFU_DNLOAD_IDLE;
	return manners->says_busy ? 0 : dfu->poll_ms;
}

static uint32_t begin_manifest(struct dfu_device *dfu)
{
	uint8_t status = dfu->ops->finish(dfu, dfu->at);

	dfu->state = status ? DFU_ERROR : DFU_MANIFEST;
	dfu->status = status;
	dfu->ready_us = dfu->device->now_us + (int64_t)dfu->manifest_ms * 1000;
	return status ? 0 : dfu->manifest_ms;
}

static void end_manifest(struct dfu_device *dfu)
{
	if (dfu->function.attributes & DFU_MANIFESTATION_TOLERANT)
		dfu_device_reset(dfu);
	else
		dfu->state = DFU_MANIFEST_WAIT_RESET;
}

/* What GETSTATUS changes; the poll timeout it tells. */
static uint32_t advance(struct dfu_device *dfu)
{
	switch (dfu->state) {
	case DFU_DNBUSY:
		dfu->state = DFU_DNLOAD_SYNC;
		return sync_block(dfu);
	case DFU_DNLOAD_SYNC:
		return sync_block(dfu);
	case DFU_MANIFEST_SYNC:
		return begin_manifest(dfu);
	case DFU_MANIFEST:
		end_manifest(dfu);
		return 0;
	default:
		return 0;
	}
}

static bool too_early(const struct dfu_device *dfu)
{
	return dfu->manners->must_wait &&
	       (dfu->state == DFU_DNBUSY || dfu->state == DFU_MANIFEST) &&
	       dfu->device->now_us < dfu->ready_us;
}

static enum sim_status get_status(struct dfu_device *dfu, uint8_t *data, size_t *size)
{
	uint8_t answer[DFU_STATUS_SIZE] = {0};
	uint32_t poll_ms;

	if (too_early(dfu))
		return refuse(dfu, dfu->manners->refused);
	poll_ms = advance(dfu);
	answer[0] = dfu->status;
	answer[1] = (uint8_t)(poll_ms & 0xff);
	answer[2] = (uint8_t)(poll_ms >> 8 & 0xff);
	answer[3] = (uint8_t)(poll_ms >> 16 & 0xff);
	answer[4] = dfu->state;
	*size = *size < sizeof(answer) ? *size : sizeof(answer);
	memcpy(data, answer, *size);
	return SIM_OK;
}

static enum sim_status detach(struct dfu_device *dfu)
{
	const struct dfu_manners *manners = dfu->manners;

	if (!dfu->ops->detach || !manners->detaches || dfu->state == DFU_ERROR ||
	    (dfu->state != DFU_IDLE && !manners->detaches_ever))
		return refuse(dfu, manners->refused);
	dfu->ops->detach(dfu);
	return SIM_OK;
}

static enum sim_status class_request(struct dfu_device *dfu, struct usb_setup setup, uint8_t *data,
				     size_t *size)
{
	size_t out = *size;

	if (setup.request != UPLOAD)
		*size = 0;
	switch (setup.request) {
	case DETACH:
		return detach(dfu);
	case DNLOAD:
		*size = out;
		return download(dfu, setup.value, data, out);
	case UPLOAD:
		return upload(dfu, setup.value, data, size);
	default: /* CLRSTATUS, ABORT */
		dfu_device_reset(dfu);
		return SIM_OK;
	}
}

enum sim_status dfu_device_control(struct dfu_device *dfu, struct usb_setup setup, uint8_t *data,
				   size_t *size)
{
	if (!(setup.request_type & 0x60)) { /* standard: SET_INTERFACE */
		dfu->alt = (uint8_t)setup.value;
		if (dfu->manners->alt_resets)
			dfu_device_reset(dfu);
		return SIM_OK;
	}
	if ((setup.request_type & 0x7f) != 0x21 || setup.request >= REQUESTS)
		return refuse(dfu, dfu->manners->refused);
	if (setup.request == GETSTATUS)
		return get_status(dfu, data, size);
	if (setup.request == GETSTATE) {
		*size = *size < 1 ? *size : 1;
		memcpy(data, &dfu->state, *size);
		return SIM_OK;
	}
	if (setup.request != DETACH && (dfu->state >= sizeof(taken) / sizeof(taken[0]) ||
					!(taken[dfu->state] & TAKES(setup.request))))
		return refuse(dfu, dfu->manners->refused);
	return class_request(dfu, setup, data, size);
}

void dfu_face(struct sim_face *face, const struct dfu_function *function, const char *const *names)
{
	uint8_t descriptor[9] = {9, 0x21, function->attributes};
	unsigned int alt;

	for (alt = 0; names[alt]; alt++)
		face_interface(face, 0, (uint8_t)alt, (struct usb_class){0xfe, 1, 2}, 0,
			       names[alt]);
	put_le16(descriptor + 3, function->detach_ms);
	put_le16(descriptor + 5, function->transfer_size);
	put_le16(descriptor + 7, function->version);
	face_add(face, descriptor, sizeof(descriptor));
	face_end(face);
}
