// SPDX-License-Identifier: MIT
#include "sim/ums_device.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

#define IN_ENDPOINT  0x81
#define OUT_ENDPOINT 0x02

#define BLOCK         512
#define CBW_SIZE      31
#define CBW_SIGNATURE 0x43425355u
#define CSW_SIGNATURE 0x53425355u

#define GET_MAX_LUN 0xfe
#define BOT_RESET   0xff

enum {
	GOOD,
	FAILED
};

struct sense {
	uint8_t key, asc;
};

static const struct sense no_sense = {0, 0}, reset_occurred = {6, 0x29}, bad_command = {5, 0x20},
			  bad_address = {5, 0x21}, no_lun = {5, 0x25}, write_error = {3, 0x0c},
			  read_error = {3, 0x11};

void ums_face(struct sim_face *face, const struct gadget_ids *ids)
{
	static const struct gadget_pipes pipes = {
		{0x08, 0x06, 0x50}, IN_ENDPOINT, OUT_ENDPOINT, "Mass Storage"};

	face_gadget(face, ids, &pipes);
}

static void set_sense(struct ums_device *ums, size_t lun, struct sense sense)
{
	ums->sense[lun][0] = sense.key;
	ums->sense[lun][1] = sense.asc;
	ums->sense[lun][2] = 0;
}

static void forget_command(struct ums_device *ums)
{
	buf_clear(&ums->answer);
	ums->left = ums->skip = 0;
	ums->moved = ums->expected = 0;
	ums->halts = ums->has_status = ums->writes = false;
}

void ums_begin(struct ums_device *ums)
{
	size_t i;

	forget_command(ums);
	ums->ended = false;
	for (i = 0; i < UMS_LUNS; i++)
		set_sense(ums, i, reset_occurred);
}

void ums_free(struct ums_device *ums)
{
	buf_free(&ums->answer);
}

/* One SCSI command; the status. `cdb` has 16 bytes. */
typedef int run_command(struct ums_device *ums, size_t lun, const uint8_t *cdb);

static int fail(struct ums_device *ums, size_t lun, struct sense sense)
{
	set_sense(ums, lun, sense);
	return FAILED;
}

static int run_nothing(struct ums_device *ums, size_t lun, const uint8_t *cdb)
{
	(void)ums;
	(void)lun;
	(void)cdb;
	return GOOD;
}

static int run_sense(struct ums_device *ums, size_t lun, const uint8_t *cdb)
{
	uint8_t out[18] = {0x70, 0, ums->sense[lun][0], 0, 0, 0, 0, 10};

	(void)cdb;
	out[12] = ums->sense[lun][1];
	out[13] = ums->sense[lun][2];
	set_sense(ums, lun, no_sense);
	buf_add(&ums->answer, out, sizeof(out));
	return GOOD;
}

static int run_inquiry(struct ums_device *ums, size_t lun, const uint8_t *cdb)
{
	uint8_t out[37] = {0, 0x80, 2, 2, 31};

	(void)cdb;
	snprintf((char *)out + 8, sizeof(out) - 8, "Linux   UMS disk %-7zuffff", lun);
	buf_add(&ums->answer, out, 36);
	return GOOD;
}

static int run_mode_sense(struct ums_device *ums, size_t lun, const uint8_t *cdb)
{
	static const uint8_t out[4] = {3};

	(void)lun;
	(void)cdb;
	buf_add(&ums->answer, out, sizeof(out));
	return GOOD;
}

static int run_capacity(struct ums_device *ums, size_t lun, const uint8_t *cdb)
{
	uint8_t out[8];

	(void)cdb;
	put_be32(out, (uint32_t)(ums->luns[lun]->size / BLOCK - 1));
	put_be32(out + 4, BLOCK);
	buf_add(&ums->answer, out, sizeof(out));
	return GOOD;
}

static int run_formats(struct ums_device *ums, size_t lun, const uint8_t *cdb)
{
	uint8_t out[12] = {0, 0, 0, 8};

	(void)cdb;
	put_be32(out + 4, (uint32_t)(ums->luns[lun]->size / BLOCK));
	put_be32(out + 8, BLOCK);
	out[8] = 2; /* formatted */
	buf_add(&ums->answer, out, sizeof(out));
	return GOOD;
}

static int run_stop(struct ums_device *ums, size_t lun, const uint8_t *cdb)
{
	(void)lun;
	if ((cdb[4] & 3) == 2 && ums->eject_ends)
		ums->ended = true;
	return GOOD;
}

static int run_move(struct ums_device *ums, size_t lun, const uint8_t *cdb)
{
	uint64_t at = (uint64_t)be32(cdb + 2) * BLOCK, size = (uint64_t)be16(cdb + 7) * BLOCK;

	if (at > ums->luns[lun]->size || size > ums->luns[lun]->size - at)
		return fail(ums, lun, bad_address);
	ums->medium = ums->luns[lun];
	ums->at = at;
	ums->left = size < ums->expected ? size : ums->expected;
	ums->writes = cdb[0] == 0x2a;
	return GOOD;
}

static const struct {
	uint8_t code;
	run_command *run;
} commands[] = {
	{0x00, run_nothing} /* TEST UNIT READY */,
	{0x03, run_sense},
	{0x12, run_inquiry},
	{0x1a, run_mode_sense},
	{0x1b, run_stop},
	{0x1e, run_nothing} /* PREVENT REMOVAL */,
	{0x23, run_formats},
	{0x25, run_capacity},
	{0x28, run_move},
	{0x2a, run_move},
	{0x2f, run_nothing} /* VERIFY */,
	{0x35, run_nothing} /* SYNCHRONIZE */,
};

/* A pending UNIT ATTENTION fails any command but those that may always be sent (SPC-2 5.6). */
static bool has_attention(const struct ums_device *ums, size_t lun, uint8_t code)
{
	return ums->sense[lun][0] == reset_occurred.key && code != 0x03 && code != 0x12;
}

static int run_scsi(struct ums_device *ums, size_t lun, const uint8_t *cdb)
{
	size_t i;

	if (lun >= ums->count)
		return fail(ums, 0, no_lun);
	if (has_attention(ums, lun, cdb[0]))
		return FAILED;
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].code == cdb[0])
			return commands[i].run(ums, lun, cdb);
	return fail(ums, lun, bad_command);
}

static void set_status(struct ums_device *ums, uint8_t status)
{
	ums->csw[UMS_CSW - 1] = status;
}

static enum sim_status take_cbw(struct ums_device *ums, const uint8_t *cbw, size_t size)
{
	bool in;
	int status;

	if (size != CBW_SIZE || le32(cbw) != CBW_SIGNATURE || ums->has_status)
		return SIM_STALL;
	forget_command(ums);
	ums->expected = le32(cbw + 8);
	in = cbw[12] & 0x80;
	status = run_scsi(ums, cbw[13] & 0x0f, cbw + 15);
	if (ums->answer.size > ums->expected)
		ums->answer.size = ums->expected;
	if (!in && ums->expected && !ums->writes)
		ums->skip = ums->expected;
	ums->halts = in && ums->expected && !ums->answer.size && (!ums->left || ums->writes);
	put_le32(ums->csw, CSW_SIGNATURE);
	memcpy(ums->csw + 4, cbw + 4, 4);
	set_status(ums, (uint8_t)status);
	ums->has_status = true;
	return SIM_OK;
}

static enum sim_status take_data(struct ums_device *ums, const uint8_t *data, size_t size)
{
	size_t step = size < ums->left ? size : (size_t)ums->left;

	if (ums->skip) {
		ums->skip = size < ums->skip ? ums->skip - size : 0;
		return SIM_OK;
	}
	if (!medium_write(ums->medium, ums->at, data, step)) {
		set_status(ums, FAILED);
		set_sense(ums, 0, write_error);
	}
	ums->at += step;
	ums->left -= step;
	ums->moved += (uint32_t)step;
	return SIM_OK;
}

static enum sim_status give_status(struct ums_device *ums, uint8_t *data, size_t *size)
{
	put_le32(ums->csw + 8, ums->expected - ums->moved);
	*size = *size < UMS_CSW ? *size : UMS_CSW;
	memcpy(data, ums->csw, *size);
	ums->has_status = false;
	return SIM_OK;
}

static enum sim_status give_data(struct ums_device *ums, uint8_t *data, size_t *size)
{
	uint64_t there = ums->left ? ums->left : ums->answer.size;

	if (*size > there)
		*size = (size_t)there;
	if (!ums->left) {
		memcpy(data, ums->answer.data, *size);
		buf_drop(&ums->answer, *size);
	} else if (!medium_read(ums->medium, ums->at, data, *size)) {
		set_status(ums, FAILED);
		set_sense(ums, 0, read_error);
	}
	ums->at += *size;
	ums->left -= ums->left ? *size : 0;
	ums->moved += (uint32_t)*size;
	return SIM_OK;
}

enum sim_status ums_bulk(struct ums_device *ums, uint8_t endpoint, uint8_t *data, size_t *size,
			 bool *pending)
{
	if (endpoint == OUT_ENDPOINT) {
		if (ums->has_status && (ums->skip || (ums->writes && ums->left)))
			return take_data(ums, data, *size);
		return take_cbw(ums, data, *size);
	}
	if (endpoint != IN_ENDPOINT)
		return SIM_STALL;
	if (!ums->has_status || ums->skip || (ums->writes && ums->left)) {
		*pending = true;
		return SIM_OK;
	}
	if (ums->halts) {
		ums->halts = false;
		return SIM_STALL;
	}
	if ((ums->left && !ums->writes) || ums->answer.size)
		return give_data(ums, data, size);
	return give_status(ums, data, size);
}

enum sim_status ums_control(struct ums_device *ums, struct usb_setup setup, uint8_t *data,
			    size_t *size)
{
	if (!(setup.request_type & 0x60)) {
		*size = 0;
		return SIM_OK;
	}
	if (setup.request_type == 0xa1 && setup.request == GET_MAX_LUN && *size) {
		*size = 1;
		data[0] = (uint8_t)(ums->count - 1);
		return SIM_OK;
	}
	*size = 0;
	if (setup.request_type != 0x21 || setup.request != BOT_RESET)
		return SIM_STALL;
	forget_command(ums);
	return SIM_OK;
}
