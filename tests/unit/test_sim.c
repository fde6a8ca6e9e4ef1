// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "io/usbip_wire.h"
#include "sim/fault.h"
#include "sim/gpt.h"
#include "sim/models.h"
#include "sim/session.h"

static void faults_count(void **state)
{
	struct sim_faults *faults = sim_faults_new();
	static const bool cut[] = {false, true, false};
	struct err err;
	size_t i;

	(void)state;
	assert_int_equal(sim_faults_add(faults, "stall@2", &err), 0);
	assert_int_equal(sim_faults_add(faults, "rom:hang@2+", &err), 0);
	assert_int_equal(sim_faults_add(faults, "cut@100", &err), 0);
	for (i = 0; i < ARRAY_SIZE(cut); i++) {
		assert_int_equal(sim_fault(faults, SIM_FAULT_CUT, NULL, 64), cut[i]);
		assert_int_equal(sim_fault(faults, SIM_FAULT_STALL, "uboot", 1), i == 1);
		assert_false(sim_fault(faults, SIM_FAULT_HANG, "uboot", 1));
		assert_int_equal(sim_fault(faults, SIM_FAULT_HANG, "rom", 1), i >= 1);
	}
	assert_false(sim_fault(NULL, SIM_FAULT_STALL, NULL, 1));
	sim_faults_free(faults);
}

static void faults_are_read_strictly(void **state)
{
	static const char *const wrong[] = {"",        "stal",      "stall@",    "stall@0",
					    "stall@x", "stall@1++", "a:b:stall", "@3"};
	struct sim_faults *faults = sim_faults_new();
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(sim_faults_add(faults, wrong[i], &err), -ERR_USAGE);
	assert_int_equal(sim_faults_add(faults, "no-strings", &err), 0);
	assert_int_equal(sim_fault_time(faults, SIM_FAULT_NO_STRINGS, "x"), 500);
	assert_int_equal(sim_fault_time(faults, SIM_FAULT_SLOW_FLUSH, "x"), 0);
	sim_faults_free(faults);
}

static void guids_are_stored_mixed(void **state)
{
	static const uint8_t linux_type[16] = {0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47,
					       0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4};
	uint8_t guid[16];

	(void)state;
	assert_true(gpt_guid("0fc63daf-8483-4772-8e79-3d69d8477de4", guid));
	assert_memory_equal(guid, linux_type, sizeof(guid));
	assert_false(gpt_guid("0fc63daf-8483", guid));
}

static struct sim_device *make_dfu(uint64_t transfer_us)
{
	const struct sim_settings common = {.number = 1, .transfer_us = transfer_us};
	const struct dfu_settings settings = {.transfer_size = 64};
	struct sim_device *device;
	struct err err;

	assert_int_equal(dfu_model_new(&device, &common, &settings, &err), 0);
	return device;
}

static void add_import(struct buf *out)
{
	uint8_t request[USBIP_OP_SIZE + USBIP_BUSID] = {0};

	usbip_put_op(request, &(struct usbip_op){USBIP_VERSION, USBIP_OP_REQ_IMPORT, 0});
	memcpy(request + USBIP_OP_SIZE, "1-1", 3);
	buf_add(out, request, sizeof(request));
}

/* GETSTATUS, 6 bytes. */
static void add_request(struct buf *out, const struct session *session, uint32_t sequence)
{
	struct usbip_header header = {.command = USBIP_CMD_SUBMIT,
				      .sequence = sequence,
				      .devid = (uint32_t)1 << 16 | session->address,
				      .in = true,
				      .length = 6};
	uint8_t bytes[USBIP_HEADER_SIZE];

	usb_put_setup(header.setup, &(struct usb_setup){0xa1, 3, 0, 0}, 6);
	usbip_put_header(bytes, &header);
	buf_add(out, bytes, sizeof(bytes));
}

static void import(struct session *session)
{
	_cleanup_(buf_free) struct buf request = {0};

	add_import(&request);
	session_take(session, request.data, request.size, 0);
	assert_non_null(session->port);
	buf_clear(&session->out);
}

/* Whole and byte by byte the answers are the same. */
static void requests_come_in_pieces(void **state)
{
	struct sim_bus bus = {0}, other = {0};
	struct session whole, pieces;
	_cleanup_(buf_free) struct buf input = {0};
	size_t i;

	(void)state;
	sim_bus_add(&bus, make_dfu(0), 0);
	sim_bus_add(&other, make_dfu(0), 0);
	session_begin(&whole, &bus);
	session_begin(&pieces, &other);
	import(&whole);
	import(&pieces);
	add_request(&input, &whole, 1);
	add_request(&input, &whole, 2);
	session_take(&whole, input.data, input.size, 0);
	for (i = 0; i < input.size; i++)
		session_take(&pieces, input.data + i, 1, 0);
	assert_int_equal(whole.out.size, 2 * (USBIP_HEADER_SIZE + 6));
	assert_int_equal(pieces.out.size, whole.out.size);
	assert_memory_equal(pieces.out.data, whole.out.data, whole.out.size);
	session_end(&whole, 0);
	session_end(&pieces, 0);
	sim_bus_free(&bus);
	sim_bus_free(&other);
}

/* Two requests that are sent at once are answered one after the other, each when it has taken its
   time, whenever the server happens to look. */
static void transfers_take_their_time(void **state)
{
	static const struct {
		int64_t at_us;
		size_t answers;
	} steps[] = {{0, 0}, {999, 0}, {1500, 1}, {1999, 1}, {2000, 2}};
	struct sim_bus bus = {0};
	struct session session;
	_cleanup_(buf_free) struct buf input = {0};
	size_t i;

	(void)state;
	sim_bus_add(&bus, make_dfu(1000), 0);
	session_begin(&session, &bus);
	import(&session);
	add_request(&input, &session, 1);
	add_request(&input, &session, 2);
	session_take(&session, input.data, input.size, 0);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		session_work(&session, steps[i].at_us);
		assert_int_equal(session.out.size, steps[i].answers * (USBIP_HEADER_SIZE + 6));
	}
	session_end(&session, 0);
	sim_bus_free(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_count),
		cmocka_unit_test(faults_are_read_strictly),
		cmocka_unit_test(guids_are_stored_mixed),
		cmocka_unit_test(requests_come_in_pieces),
		cmocka_unit_test(transfers_take_their_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
