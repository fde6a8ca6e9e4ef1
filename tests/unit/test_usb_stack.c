// SPDX-License-Identifier: MIT
/* The transports that stack on a device: trace, replay, fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "io/usb_log.h"
#include "rig/usbip_rig.h"

#define WAIT deadline_in(DEADLINE_NEVER, 20000)
#define SOON deadline_in(DEADLINE_NEVER, 50)

static const struct rig_device board = {
	.busid = "1-2",
	.address = 4,
	.vid = 0x0483,
	.pid = 0xdf11,
	.product = "DFU = fun",
	.serial = "0039",
	.interface = {0xfe, 1, 2},
};

struct bench {
	char folder[32];
	char *log;
	struct usbip_rig *rig;
	struct usb_bus *bus;
};

static int set_up(void **state)
{
	struct bench *bench = xcalloc(1, sizeof(*bench));
	struct err err;

	*state = bench;
	memcpy(bench->folder, "/tmp/aboard-test-XXXXXX", 24);
	if (!mkdtemp(bench->folder))
		return -1;
	bench->log = path_join(bench->folder, "usb.log");
	bench->rig = usbip_rig_new();
	usbip_rig_plug(bench->rig, &board, 1);
	return usb_bus_open(&bench->bus, usbip_rig_address(bench->rig), WAIT, &err);
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	struct err err;

	usb_bus_close(bench->bus);
	usbip_rig_free(bench->rig);
	path_remove_tree(bench->folder, &err);
	free(bench->log);
	free(bench);
	return 0;
}

static struct usb_device *open_device(struct bench *bench)
{
	struct usb_device *usb;
	struct usb_info *list;
	struct err err;
	size_t count;

	assert_int_equal(usb_bus_list(bench->bus, false, &list, &count, WAIT, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(usb_open(&usb, bench->bus, &list[0], WAIT, &err), 0);
	free(list);
	return usb;
}

static struct usb_device *open_traced(struct bench *bench)
{
	struct usb_device *usb;
	struct err err;

	assert_int_equal(usb_trace(&usb, open_device(bench), bench->log, &err), 0);
	return usb;
}

/* What a driver might do; the same on the device and on its log. */
static void talk(struct usb_device *usb)
{
	struct usb_transfer transfers[3] = {{0}}, *reaped;
	static uint8_t big[USB_LOG_WHOLE + 1], data[3][64], in[64];
	struct err err;
	size_t got, i;

	assert_int_equal(usb_claim(usb, 0, &err), 0);
	assert_int_equal(usb_set_alt(usb, 0, 1, WAIT, &err), 0);
	assert_int_equal(
		usb_control(usb, (struct usb_setup){0xc0, 2, 3, 0}, in, 10, &got, WAIT, &err), 0);
	assert_int_equal(got, 7);
	assert_int_equal(
		usb_bulk(usb, RIG_DATA, memset(big, 7, sizeof(big)), sizeof(big), NULL, WAIT, &err),
		0);
	assert_int_equal(usb_bulk(usb, RIG_DATA | USB_IN, in, 64, NULL, WAIT, &err), 0);
	assert_int_equal(in[63], 7);
	assert_int_equal(usb_bulk(usb, RIG_STALL | USB_IN, in, 64, &got, WAIT, &err), -ERR_BOARD);
	assert_int_equal(usb_clear_halt(usb, RIG_STALL | USB_IN, WAIT, &err), 0);
	for (i = 0; i < 3; i++) {
		transfers[i] = (struct usb_transfer){
			.type = USB_BULK,
			.endpoint = i == 0 ? RIG_SILENT | USB_IN : RIG_DATA,
			.data = memset(data[i], (int)i, 64),
			.size = 64,
		};
		assert_int_equal(usb_submit(usb, &transfers[i], &err), 0);
	}
	for (i = 1; i < 3; i++) {
		assert_int_equal(usb_reap(usb, &reaped, WAIT, &err), 0);
		assert_ptr_equal(reaped, &transfers[i]);
	}
	assert_int_equal(usb_reap(usb, &reaped, SOON, &err), -ERR_TIMEOUT);
	usb_cancel(usb);
	assert_int_equal(usb_reap(usb, &reaped, DEADLINE_NEVER, &err), 0);
	assert_int_equal(transfers[0].status, -ERR_CANCELLED);
	assert_int_equal(usb_reset(usb, WAIT, &err), 0);
	usb_release(usb, 0);
}

static void a_log_answers_as_the_device(void **state)
{
	struct bench *bench = *state;
	struct usb_device *usb;
	uint8_t data[4] = {0};
	struct err err;
	size_t i, got;

	for (i = 0; i < 2; i++) {
		usb = open_traced(bench);
		talk(usb);
		usb_close(usb);
	}
	for (i = 0; i < 2; i++) {
		assert_int_equal(usb_replay(&usb, bench->log, i, &err), 0);
		assert_string_equal(usb->info.product, "DFU = fun");
		assert_string_equal(usb->info.serial, "0039");
		assert_string_equal(strrchr(usb->info.path, '/'), "/1-2");
		assert_int_equal(usb->info.pid, 0xdf11);
		assert_int_equal(usb->info.release, 0x0100);
		assert_int_equal(usb->info.speed, USB_SPEED_HIGH);
		assert_int_equal(usb->info.interfaces[0].class, 0xfe);
		talk(usb);
		/* It has nothing more to say. */
		assert_int_equal(usb_bulk(usb, RIG_DATA, data, 4, &got, WAIT, &err), -ERR_USB);
		assert_non_null(strstr(err.text, "its end"));
		usb_close(usb);
	}
	assert_int_equal(usb_replay(&usb, bench->log, 2, &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "2 sessions"));
}

static void a_log_is_strict(void **state)
{
	struct bench *bench = *state;
	_cleanup_(usb_closep) struct usb_device *usb = open_traced(bench);
	uint8_t data[64] = "abcd";
	struct err err;

	assert_int_equal(usb_claim(usb, 0, &err), 0);
	assert_int_equal(usb_bulk(usb, RIG_DATA, data, 4, NULL, WAIT, &err), 0);
	assert_int_equal(usb_bulk(usb, RIG_GONE | USB_IN, data, 4, NULL, WAIT, &err), -ERR_USB);
	assert_int_equal(usb_bulk(usb, RIG_DATA, data, 4, NULL, WAIT, &err), -ERR_USB);
	assert_int_equal(usb_await_gone(usb, WAIT, &err), 0);
	usb_close(steal(usb));
	assert_int_equal(usb_replay(&usb, bench->log, 0, &err), 0);
	memcpy(data, "abce", 4);
	assert_int_equal(usb_bulk(usb, RIG_DATA, data, 4, NULL, WAIT, &err), -ERR_USB);
	assert_non_null(strstr(err.text, "but 'claim 0'"));
	assert_int_equal(usb_claim(usb, 1, &err), -ERR_USB);
	assert_int_equal(usb_claim(usb, 0, &err), 0);
	assert_int_equal(usb_bulk(usb, RIG_DATA, data, 4, NULL, WAIT, &err), -ERR_USB);
	assert_non_null(strstr(err.text, "61626365"));
	memcpy(data, "abcd", 4);
	assert_int_equal(usb_bulk(usb, RIG_DATA, data, 4, NULL, WAIT, &err), 0);
	assert_int_equal(usb_bulk(usb, RIG_GONE | USB_IN, data, 4, NULL, WAIT, &err), -ERR_USB);
	assert_int_equal(usb_bulk(usb, RIG_DATA, data, 4, NULL, WAIT, &err), -ERR_USB);
	assert_int_equal(usb_await_gone(usb, WAIT, &err), 0);
}

static void logs_that_make_no_sense(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", "0 sessions"},
		{"session\nid 0483:df1\n", "line 2"},
		{"session\nbus 1 9 00/00/00\n", "line 2"},
		{"session\ninterface fe/1/02\n", "line 2"},
		{"session\n\n0.1 claim 0\n", "line 3"},
		{"session\n0.1 claim 0 = well\n", "line 2"},
		{"session\n0.1 bulk 81 4 - = ok 2 123\n", "line 2"},
		{"session\n0.1 bulk 81 4 - = ok 3 1234\n", "line 2"},
		{"session\n0.1 bulk 81 4 - = ok 2 12zz\n", "line 2"},
	};
	struct usb_device *usb = NULL;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(usb_replay_text(&usb, rows[i].text, 0, &err), -ERR_CONFIG);
		assert_null(usb);
		if (!strstr(err.text, rows[i].error))
			fail_msg("%s", err.text);
	}
	/* An answer with more than is asked for is not given. */
	assert_int_equal(usb_replay_text(&usb, "session\n0.1 bulk 81 1 - = ok 2 1234\n", 0, &err),
			 0);
	assert_int_equal(usb_bulk(usb, 0x81, &(uint8_t){0}, 1, NULL, WAIT, &err), -ERR_USB);
	usb_close(usb);
}

static int send_and_fetch(struct usb_device *usb, size_t *sent, size_t *fetched, struct err *err)
{
	uint8_t data[64] = "0123456789";
	int rc = usb_bulk(usb, RIG_DATA, data, 10, sent, SOON, err);

	return rc < 0 ? rc : usb_bulk(usb, RIG_DATA | USB_IN, data, 10, fetched, SOON, err);
}

static void faults(void **state)
{
	static const struct {
		struct usb_fault fault;
		int first, second; /* outcomes of the first and the second pair of transfers */
		size_t sent, fetched;
	} rows[] = {
		{{USB_FAULT_STALL, 1, false}, -ERR_BOARD, -ERR_BOARD, 10, 0},
		{{USB_FAULT_STALL, 0, true}, -ERR_BOARD, 0, 0, 0},
		{{USB_FAULT_SHORT, 0, true}, 0, 0, 5, 5},
		{{USB_FAULT_SHORT, 1, true}, 0, 0, 10, 5},
		{{USB_FAULT_HANG, 1, true}, -ERR_TIMEOUT, 0, 10, 0},
		{{USB_FAULT_GONE, 1, false}, -ERR_USB, -ERR_USB, 10, 0},
		{{USB_FAULT_GONE, 0, true}, -ERR_USB, 0, 0, 0},
		{{USB_FAULT_GONE, 9, false}, 0, 0, 10, 10},
	};
	struct bench *bench = *state;
	struct err err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct usb_device *usb = usb_fault(open_device(bench), rows[i].fault);
		size_t sent = 0, fetched = 0, more;

		assert_int_equal(send_and_fetch(usb, &sent, &fetched, &err), rows[i].first);
		assert_int_equal(sent, rows[i].sent);
		assert_int_equal(fetched, rows[i].fetched);
		assert_int_equal(send_and_fetch(usb, &more, &more, &err), rows[i].second);
		if (rows[i].fault.kind == USB_FAULT_GONE && rows[i].second < 0) {
			assert_int_equal(usb_claim(usb, 0, &err), -ERR_USB);
			assert_int_equal(usb_await_gone(usb, WAIT, &err), 0);
		} else {
			assert_int_equal(usb_claim(usb, 0, &err), 0);
		}
		usb_close(usb);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_log_answers_as_the_device, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_log_is_strict, set_up, tear_down),
		cmocka_unit_test(logs_that_make_no_sense),
		cmocka_unit_test_setup_teardown(faults, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
