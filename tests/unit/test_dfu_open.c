// SPDX-License-Identifier: MIT
/* What a device is asked when it is opened as DFU. */
#include "proto/dfu.h"
#include "rig/usb_script.h"

#define GETSTATUS "a1 03 0000 0000 6 -> "
#define IDLE      GETSTATUS "000000000200"

#define CONFIGURATION                                  \
	"09022400010100c032" /* configuration */       \
	"0904000000fe010204" /* alternate setting 0 */ \
	"0904000100fe010205" /* alternate setting 1 */ \
	"09210b"             /* transfers of */
#define READ_CONFIGURATION(transfer_size)          \
	"80 06 0200 0000 9 -> 09022400010100c032", \
		"80 06 0200 0000 36 -> " CONFIGURATION "ff00" transfer_size "1001"

#define NAMES                                                                 \
	"80 06 0300 0000 255 -> 04030904", "80 06 0304 0409 255 -> 04036100", \
		"80 06 0300 0000 255 -> 04030904", "80 06 0305 0409 255 -> 04036200"

static void open_is(const char *const *rows, int rc, const char *first, const char *second,
		    size_t block_size)
{
	_cleanup_(freep) struct dfu *dfu = xcalloc(1, sizeof(*dfu));
	struct usb_script script;
	struct err err = {0};

	script_begin(&script, rows);
	if (dfu_open(dfu, &script.usb, deadline_in(DEADLINE_NEVER, 20000), &err) != rc)
		fail_msg("%s", err.text);
	assert_int_equal(script.claimed, rc == 0);
	if (rc == 0) {
		assert_int_equal(dfu->alt_count, 2);
		assert_string_equal(dfu->alts[0].name, first);
		assert_string_equal(dfu->alts[1].name, second);
		assert_int_equal(dfu->block_size, block_size);
		dfu_close(dfu);
		assert_int_equal(script.claimed, 0);
	}
	script_end(&script);
}

/* Descriptors, names, and dfuIDLE; a name that cannot be read yet is asked for again. */
static void opens(void **state)
{
	static const char *const names[] = {
		READ_CONFIGURATION("0002"),
		"80 06 0300 0000 255 -> 04030904",
		"80 06 0304 0409 255 -> stall",
		"80 06 0300 0000 255 -> 04030904",
		"80 06 0305 0409 255 -> 060353006f00",
		"80 06 0300 0000 255 -> 04030904",
		"80 06 0304 0409 255 -> 060362006c00",
		GETSTATUS "0e0000000a00",
		"21 04 0000 0000 0 -> ok",
		IDLE,
		NULL,
	};
	/* A transfer size over what a control transfer can have; an application that runs. */
	static const char *const large[] = {
		READ_CONFIGURATION("ffff"),
		NAMES,
		IDLE,
		NULL,
	};
	static const char *const application[] = {
		READ_CONFIGURATION("0010"),
		NAMES,
		GETSTATUS "000000000000",
		NULL,
	};
	/* No transfer size in the configuration: it is asked for by itself. */
	static const char *const asked[] = {
		READ_CONFIGURATION("0000"),
		"81 06 2100 0000 9 -> 09210bff0000041001",
		NAMES,
		IDLE,
		NULL,
	};
	static const char *const none[] = {
		READ_CONFIGURATION("0000"),
		"81 06 2100 0000 9 -> stall",
		NULL,
	};

	(void)state;
	open_is(names, 0, "bl", "So", 512);
	open_is(large, 0, "a", "b", USB_CONTROL_SIZE);
	open_is(application, -ERR_BOARD, NULL, NULL, 0);
	open_is(asked, 0, "a", "b", 1024);
	open_is(none, -ERR_BOARD, NULL, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(opens)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
