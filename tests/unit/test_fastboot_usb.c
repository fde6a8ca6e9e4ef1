// SPDX-License-Identifier: MIT
/* Fastboot over USB, transfer by transfer: a device that is a log. */
#include "image_inputs.h"

#include "io/usb.h"
#include "proto/fastboot.h"

/* The log begins with what the device is, and the session of it. */
#define HEAD                                                                 \
	"session\npath usb:1-2\n"                                            \
	"id 0483:0afb 0223\n"                                                \
	"bus 4 3 00/00/00\n"                                                 \
	"interface ff/42/03\n"                                               \
	"0.000 control 80/06 0200 0000 9 - = ok 9 09022000010100c001\n"      \
	"0.000 control 80/06 0200 0000 32 - = ok 32 "                        \
	"09022000010100c0010904000002ff4203040705810200020007050102000200\n" \
	"0.000 claim 0 = ok\n"

static void add_hex(struct buf *log, const char *bytes, size_t size)
{
	size_t i;

	if (size == 0)
		buf_add_char(log, '-');
	for (i = 0; i < size; i++)
		buf_addf(log, "%02x", (unsigned char)bytes[i]);
}

/* Much of it is in a log as its digest. */
static void add_out(struct buf *log, const char *bytes, size_t size)
{
	char digest[SHA256_TEXT];

	buf_addf(log, "0.001 bulk 01 %zu ", size);
	if (size > 1000) {
		sha256_text(bytes, size, digest);
		buf_addf(log, "sha256:%s", digest);
	} else {
		add_hex(log, bytes, size);
	}
	buf_addf(log, " = ok %zu -\n", size);
}

static void add_in(struct buf *log, size_t asked, const char *bytes, size_t size)
{
	buf_addf(log, "0.001 bulk 81 %zu - = ok %zu ", asked, size);
	add_hex(log, bytes, size);
	buf_add_char(log, '\n');
}

static void say(struct buf *log, const char *command, const char *answer)
{
	add_out(log, command, strlen(command));
	add_in(log, 1024, answer, strlen(answer));
}

/* The device of a log, with a link to it. */
static struct usb_device *open_log(void **state, const struct buf *log, struct fastboot *fastboot)
{
	_cleanup_(freep) char *path = write_buf(state, "usb.log", log);
	struct usb_device *usb;
	struct err err = {0};

	assert_int_equal(usb_replay(&usb, path, 0, &err), 0);
	*fastboot = (struct fastboot){0};
	if (fastboot_usb(&fastboot->link, usb, DEADLINE_NEVER, &err) < 0)
		fail_msg("%s", err.text);
	return usb;
}

static void commands_are_transfers(void **state)
{
	_cleanup_(buf_free) struct buf log = {0};
	struct fastboot fastboot;
	struct usb_device *usb;
	char value[FASTBOOT_ANSWER];
	struct err err = {0};

	buf_add_text(&log, HEAD);
	add_out(&log, "getvar:version", 14);
	add_in(&log, 1024, "INFOhello", 9);
	add_in(&log, 1024, "OKAY0.4", 7);
	add_out(&log, "flash:x", 7);
	buf_add_text(&log, "0.001 bulk 81 1024 - = board 0 -\n");
	usb = open_log(state, &log, &fastboot);
	assert_int_equal(fastboot_command(&fastboot, value, DEADLINE_NEVER, &err, "getvar:version"),
			 0);
	assert_string_equal(value, "0.4");
	assert_int_equal(fastboot_command(&fastboot, NULL, DEADLINE_NEVER, &err, "flash:x"),
			 -ERR_BOARD);
	fastboot_close(&fastboot);
	usb_close(usb);
}

/* Two in flight of 256 KiB, and the rest. */
static void data_is_cut_up(void **state)
{
	static const size_t parts[] = {262144, 262144, 262144, 262144, 262144, 5};
	_cleanup_(freep) char *data = xcalloc(5 * 262144 + 5, 1);
	_cleanup_(buf_free) struct buf log = {0};
	struct fastboot fastboot;
	struct usb_device *usb;
	struct err err = {0};
	size_t i, at = 0;

	for (i = 0; i < 5 * 262144 + 5; i++)
		data[i] = (char)(i / 4096 + i % 7);
	buf_add_text(&log, HEAD);
	say(&log, "download:00140005", "DATA00140005");
	for (i = 0; i < ARRAY_SIZE(parts); at += parts[i++])
		add_out(&log, data + at, parts[i]);
	add_in(&log, 1024, "OKAY", 4);
	usb = open_log(state, &log, &fastboot);
	if (fastboot_download_bytes(&fastboot, data, 5 * 262144 + 5, DEADLINE_NEVER, &err) < 0)
		fail_msg("%s", err.text);
	fastboot_close(&fastboot);
	usb_close(usb);
}

static int take(void *context, const void *data, size_t size, struct err *err)
{
	(void)err;
	assert_true(buf_add(context, data, size));
	return 0;
}

/* The end of what is fetched may be less than a packet, and the answer comes behind it. */
static void data_comes_in(void **state)
{
	_cleanup_(buf_free) struct buf log = {0}, got = {0}, wanted = {0};
	struct fastboot_sink sink = {take, &got};
	struct fastboot fastboot;
	struct usb_device *usb;
	struct err err = {0};

	add_content(&wanted, 2500, 3);
	buf_add_text(&log, HEAD);
	say(&log, "fetch:boot:0x00000000:0x000009c4", "DATA000009c4");
	add_in(&log, 2048, wanted.data, 1024);
	add_in(&log, 1024, wanted.data + 1024, 1024);
	add_in(&log, 1024, wanted.data + 2048, 452);
	add_in(&log, 1024, "OKAY", 4);
	usb = open_log(state, &log, &fastboot);
	if (fastboot_fetch(&fastboot, "boot", 0, 2500, &sink, DEADLINE_NEVER, &err) < 0)
		fail_msg("%s", err.text);
	assert_same(&got, &wanted);
	fastboot_close(&fastboot);
	usb_close(usb);
}

/* What is left in the middle of a download is reset. */
static void half_a_download_is_left_behind(void **state)
{
	_cleanup_(buf_free) struct buf log = {0};
	struct fastboot fastboot;
	struct usb_device *usb;
	struct err err = {0};

	buf_add_text(&log, HEAD);
	add_out(&log, "getvar:version", 14);
	buf_add_text(&log, "0.001 bulk 81 1024 - = board 0 -\n0.002 reset = ok\n");
	say(&log, "getvar:version", "OKAY0.4");
	usb = open_log(state, &log, &fastboot);
	if (fastboot_hello(&fastboot, DEADLINE_NEVER, &err) < 0)
		fail_msg("%s", err.text);
	fastboot_close(&fastboot);
	usb_close(usb);
}

static void another_class_is_refused(void **state)
{
	_cleanup_(buf_free) struct buf log = {0};
	_cleanup_(freep) char *path = NULL;
	struct fastboot_link *link;
	struct usb_device *usb;
	struct err err = {0};

	buf_add_text(&log, "session\npath usb:1-2\nid 0483:0afb 0223\nbus 4 3 00/00/00\n"
			   "0.000 control 80/06 0200 0000 9 - = ok 9 09022000010100c001\n"
			   "0.000 control 80/06 0200 0000 32 - = ok 32 "
			   "09022000010100c0010904000002ff4201040705810200020007050102000200\n");
	path = write_buf(state, "usb.log", &log);
	assert_int_equal(usb_replay(&usb, path, 0, &err), 0);
	assert_int_equal(fastboot_usb(&link, usb, DEADLINE_NEVER, &err), -ERR_BOARD);
	usb_close(usb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_transfers),
		cmocka_unit_test(data_is_cut_up),
		cmocka_unit_test(data_comes_in),
		cmocka_unit_test(half_a_download_is_left_behind),
		cmocka_unit_test(another_class_is_refused),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
