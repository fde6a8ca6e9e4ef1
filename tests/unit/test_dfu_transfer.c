// SPDX-License-Identifier: MIT
/* What goes over the wire, to the byte. */
#include "proto/dfu.h"
#include "rig/usb_script.h"

#define IDLE        "000000000200"
#define DNLOAD_IDLE "000000000500"
#define GETSTATUS   "a1 03 0000 0000 6 -> "

/* Gives `size` bytes, byte n of them being n * 7. */
struct source {
	struct reader reader;
	size_t size, done;
	enum err_kind failure; /* at its end */
};

static int source_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct source *source = container_of(reader, struct source, reader);

	if (source->done == source->size && source->failure)
		return err_set(err, source->failure, "damaged");
	for (*got = 0; *got < size && source->done < source->size; source->done++)
		((uint8_t *)data)[(*got)++] = (uint8_t)(source->done * 7);
	return 0;
}

static struct source source_of(size_t size)
{
	return (struct source){.reader = {.read = source_read}, .size = size};
}

static struct deadline soon(void)
{
	return deadline_in(DEADLINE_NEVER, 20000);
}

/* A device that takes 512 bytes at once. */
struct rig {
	struct usb_script script;
	struct dfu dfu;
	struct err err;
	enum dfu_end end;
};

static struct rig *begin(const char *const *rows)
{
	struct rig *rig = xcalloc(1, sizeof(*rig));

	script_begin(&rig->script, rows);
	rig->dfu = (struct dfu){
		.usb = &rig->script.usb, .block_size = 512, .in_flight = 2, .transfer_ms = 20000};
	return rig;
}

static void end(struct rig *rig)
{
	script_end(&rig->script);
	free(rig);
}

static int send(struct rig *rig, size_t size)
{
	struct source source = source_of(size);

	return dfu_download(&rig->dfu, &source.reader, NULL, &rig->end, soon(), &rig->err);
}

static void is_in(const char *word, const char *text)
{
	if (!strstr(text, word))
		fail_msg("'%s' is not in '%s'", word, text);
}

static void must_send(struct rig *rig, size_t size)
{
	size_t i;

	if (send(rig, size) < 0)
		fail_msg("%s", rig->err.text);
	assert_int_equal(rig->script.out.size, size);
	for (i = 0; i < size; i++)
		assert_int_equal((uint8_t)rig->script.out.data[i], (uint8_t)(i * 7));
}

/* As dfu-util 0.11 sends a file of 1100 bytes. */
static void three_blocks(void **state)
{
	static const char *const rows[] = {
		"alt 0 0 -> ok",
		GETSTATUS IDLE,
		"21 01 0000 0000 512 -> ok",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0001 0000 512 -> ok",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0002 0000 76 -> ok",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0003 0000 0 -> ok",
		GETSTATUS "000000000700",
		GETSTATUS IDLE,
		NULL,
	};
	struct dfu_alt alt = {.alt = 0};
	struct rig *rig = begin(rows);

	(void)state;
	assert_int_equal(dfu_select(&rig->dfu, &alt, soon(), &rig->err), 0);
	must_send(rig, 1100);
	assert_int_equal(rig->end, DFU_END_IDLE);
	assert_int_equal(rig->script.most, 4); /* two blocks, each with its GETSTATUS */
	end(rig);
}

/* A device that needs time for its blocks is given one at a time, and asked until it is done. */
static void busy(void **state)
{
	static const char *const rows[] = {
		"21 01 0000 0000 512 -> ok",
		GETSTATUS "000100000400", /* dfuDNBUSY for 1 ms */
		GETSTATUS "000000000300", /* dfuDNLOAD-SYNC */
		GETSTATUS DNLOAD_IDLE,
		"21 01 0001 0000 512 -> ok",
		GETSTATUS "000000000300",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0002 0000 0 -> ok",
		GETSTATUS "000200000600",
		GETSTATUS "000000000700",
		GETSTATUS IDLE,
		NULL,
	};
	struct rig *rig = begin(rows);

	(void)state;
	must_send(rig, 1024);
	assert_int_equal(rig->script.most, 2);
	assert_int_equal(rig->dfu.in_flight, 1);
	end(rig);
}

/* Time that is asked for with dfuDNLOAD-IDLE lies between the next block and its status. */
static void gap(void **state)
{
	static const char *const rows[] = {
		"21 01 0000 0000 512 -> ok",
		GETSTATUS "000100000500",
		"21 01 0001 0000 1 -> ok",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0002 0000 0 -> ok",
		GETSTATUS IDLE,
		NULL,
	};
	struct rig *rig = begin(rows);

	(void)state;
	must_send(rig, 513);
	assert_int_equal(rig->dfu.in_flight, 1);
	end(rig);
}

/* A device that asks for time all of a sudden, when another block is under way: what became of that
 * one cannot be known, so the download has failed, and the next one is done in lockstep. */
static void suddenly_busy(void **state)
{
	static const char *const rows[] = {
		"21 01 0000 0000 512 -> ok",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0001 0000 512 -> ok",
		GETSTATUS "000100000400",
		"21 01 0002 0000 512 -> stall",
		GETSTATUS "0f0000000a00",
		GETSTATUS "0f0000000a00",
		"21 04 0000 0000 0 -> ok",
		GETSTATUS IDLE,
		"21 01 0000 0000 512 -> ok",
		GETSTATUS "000000000400",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0001 0000 0 -> ok",
		GETSTATUS IDLE,
		NULL,
	};
	struct rig *rig = begin(rows);

	(void)state;
	assert_int_equal(send(rig, 2000), -ERR_BOARD);
	is_in("block 1, 512 bytes after the start", rig->err.text);
	assert_true(err_may_pass(rig->err.kind));
	assert_int_equal(rig->dfu.in_flight, 1);
	assert_int_equal(send(rig, 512), 0);
	end(rig);
}

/* A write error is told of its own block, also when the next one is under way; and the device is
 * brought back to dfuIDLE. */
static void write_error(void **state)
{
	static const char *const rows[] = {
		"21 01 0000 0000 512 -> ok",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0001 0000 512 -> ok",
		GETSTATUS "030000000a05",
		"21 01 0002 0000 512 -> stall",
		GETSTATUS "0f0000000a00",
		"80 06 0300 0000 255 -> 04030904",
		"80 06 0305 0409 255 -> 0a03620061006400ac20",
		GETSTATUS "030000000a00",
		"21 04 0000 0000 0 -> ok",
		GETSTATUS IDLE,
		NULL,
	};
	struct rig *rig = begin(rows);

	(void)state;
	assert_int_equal(send(rig, 5000), -ERR_BOARD);
	is_in("block 1, 512 bytes after the start: the device refused: errWRITE", rig->err.text);
	is_in("(bad€)", rig->err.text);
	end(rig);
}

/* One that stalls the block itself says why in its status. */
static void stalled_block(void **state)
{
	static const char *const rows[] = {
		"21 01 0000 0000 512 -> stall", GETSTATUS "080000000a00", GETSTATUS "080000000a00",
		"21 04 0000 0000 0 -> ok",      GETSTATUS IDLE,           NULL,
	};
	struct rig *rig = begin(rows);

	(void)state;
	assert_int_equal(send(rig, 600), -ERR_TARGET);
	is_in("block 0, 0 bytes after the start: the device refused: errADDRESS", rig->err.text);
	end(rig);
}

static void gone_in_the_middle(void **state)
{
	static const char *const rows[] = {
		"21 01 0000 0000 512 -> ok",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0001 0000 512 -> ok",
		GETSTATUS "gone",
		NULL,
	};
	struct rig *rig = begin(rows);

	(void)state;
	assert_int_equal(send(rig, 5000), -ERR_USB);
	is_in("512 bytes after the start", rig->err.text);
	end(rig);
}

/* After the last block a device may be gone, or answer no more: that is no error here. */
static void gone_at_the_end(void **state)
{
	static const char *const status[] = {
		"21 01 0000 0000 3 -> ok",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0001 0000 0 -> ok",
		GETSTATUS "gone",
		NULL,
	};
	static const char *const stalls[] = {
		"21 01 0000 0000 3 -> ok",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0001 0000 0 -> ok",
		GETSTATUS "stall",
		NULL,
	};
	static const char *const last[] = {
		"21 01 0000 0000 3 -> ok",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0001 0000 0 -> gone",
		NULL,
	};
	static const char *const *const ways[] = {status, stalls, last};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		struct rig *rig = begin(ways[i]);

		must_send(rig, 3);
		assert_int_equal(rig->end, DFU_END_GONE);
		end(rig);
	}
}

static void refused_end(void **state)
{
	static const char *const rows[] = {
		"21 01 0000 0000 3 -> ok",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0001 0000 0 -> stall",
		GETSTATUS "090000000a00",
		GETSTATUS "090000000a00",
		"21 04 0000 0000 0 -> ok",
		GETSTATUS IDLE,
		NULL,
	};
	static const char *const manifest[] = {
		"21 01 0000 0000 3 -> ok",
		GETSTATUS DNLOAD_IDLE,
		"21 01 0001 0000 0 -> ok",
		GETSTATUS "0a0000000a00",
		GETSTATUS "0a0000000a00",
		"21 04 0000 0000 0 -> ok",
		GETSTATUS IDLE,
		NULL,
	};
	struct rig *rig = begin(rows);

	(void)state;
	assert_int_equal(send(rig, 3), -ERR_BOARD);
	is_in("after the last block: the device refused: errNOTDONE", rig->err.text);
	end(rig);
	rig = begin(manifest);
	assert_int_equal(send(rig, 3), -ERR_BOARD);
	is_in("after the last block: the device refused: errFIRMWARE", rig->err.text);
	end(rig);
}

static void waits_for_reset(void **state)
{
	static const char *const rows[] = {
		"21 01 0000 0000 3 -> ok", GETSTATUS DNLOAD_IDLE,    "21 01 0001 0000 0 -> ok",
		GETSTATUS "000100000700",  GETSTATUS "000000000800", NULL,
	};
	struct rig *rig = begin(rows);

	(void)state;
	must_send(rig, 3);
	assert_int_equal(rig->end, DFU_END_RESET);
	end(rig);
}

static void empty(void **state)
{
	static const char *const rows[] = {GETSTATUS IDLE, NULL};
	struct rig *rig = begin(rows);

	(void)state;
	assert_int_equal(send(rig, 0), -ERR_IMAGE);
	is_in("empty", rig->err.text);
	end(rig);
}

/* Damage in the image: what was sent is aborted, never manifested. */
static void bad_image(void **state)
{
	static const char *const rows[] = {
		"21 01 0000 0000 512 -> ok", GETSTATUS DNLOAD_IDLE, GETSTATUS DNLOAD_IDLE,
		"21 06 0000 0000 0 -> ok",   GETSTATUS IDLE,        NULL,
	};
	struct source source = source_of(600);
	struct rig *rig = begin(rows);

	(void)state;
	source.failure = ERR_DIGEST;
	assert_int_equal(
		dfu_download(&rig->dfu, &source.reader, NULL, &rig->end, soon(), &rig->err),
		-ERR_DIGEST);
	assert_string_equal(rig->err.text, "damaged");
	end(rig);
}

/* A device that never answers: what is under way is taken back in time. */
static void hangs(void **state)
{
	static const char *const rows[] = {
		"21 01 0000 0000 512 -> ok", GETSTATUS "hang", GETSTATUS DNLOAD_IDLE,
		"21 06 0000 0000 0 -> ok",   GETSTATUS IDLE,   NULL,
	};
	struct rig *rig = begin(rows);

	(void)state;
	rig->dfu.transfer_ms = 1;
	assert_int_equal(send(rig, 600), -ERR_TIMEOUT);
	is_in("block 0", rig->err.text);
	end(rig);
}

/* A state machine in the place of rows: every block is taken, in the order of its number. */
static int take_all(struct usb_script *script, struct usb_transfer *transfer)
{
	static const uint8_t in_between[] = {0, 0, 0, 0, 5, 0}, at_end[] = {0, 0, 0, 0, 2, 0};
	uint64_t next = script->out.size / 16;
	bool last = script->out.over;

	if (transfer->setup.request == 3) {
		memcpy(transfer->data, last ? at_end : in_between, 6);
		transfer->got = 6;
		return 0;
	}
	assert_int_equal(transfer->setup.request, 1);
	assert_int_equal(transfer->setup.value, (uint16_t)(transfer->size ? next - 1 : next));
	script->out.over |= transfer->size == 0;
	transfer->got = transfer->size;
	return 0;
}

static void wrap(void **state)
{
	struct rig *rig = begin(NULL);

	(void)state;
	rig->script.rest = take_all;
	rig->dfu.block_size = 16;
	must_send(rig, (65536 + 3) * 16);
	assert_int_equal(rig->script.most, 4);
	end(rig);
}

/* To dfuIDLE from wherever an earlier host has left it. */
static void to_idle(void **state)
{
	static const char *const from_download[] = {
		GETSTATUS DNLOAD_IDLE, "21 06 0000 0000 0 -> ok", GETSTATUS IDLE, NULL};
	static const char *const from_upload[] = {GETSTATUS "000000000900",
						  "21 06 0000 0000 0 -> ok", GETSTATUS IDLE, NULL};
	static const char *const from_error[] = {GETSTATUS "0e0000000a00",
						 "21 04 0000 0000 0 -> ok", GETSTATUS IDLE, NULL};
	static const char *const from_busy[] = {GETSTATUS "000100000400", GETSTATUS "000000000300",
						GETSTATUS DNLOAD_IDLE,    "21 06 0000 0000 0 -> ok",
						GETSTATUS IDLE,           NULL};
	static const char *const from_stall[] = {GETSTATUS "stall", "21 04 0000 0000 0 -> ok",
						 GETSTATUS IDLE, NULL};
	static const char *const application[] = {GETSTATUS "000000000000", NULL};
	static const char *const unknown[] = {GETSTATUS "000000006300", NULL};
	static const struct {
		const char *const *rows;
		int rc;
	} ways[] = {
		{from_download, 0},    {from_upload, 0}, {from_error, 0},
		{from_busy, 0},        {from_stall, 0},  {application, -ERR_BOARD},
		{unknown, -ERR_BOARD},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		struct rig *rig = begin(ways[i].rows);

		assert_int_equal(dfu_make_idle(&rig->dfu, soon(), &rig->err), ways[i].rc);
		end(rig);
	}
}

static int keep(void *context, const void *data, size_t size, struct err *err)
{
	(void)err;
	return buf_add(context, data, size) ? 0 : -ERR_HOST;
}

/* Reads four bytes at once. */
static int receive(struct rig *rig, uint64_t limit, struct buf *came)
{
	struct dfu_sink sink = {keep, came};
	uint64_t got = 0;
	int rc;

	rig->dfu.block_size = 4;
	rc = dfu_upload(&rig->dfu, limit, &sink, &got, soon(), &rig->err);
	assert_int_equal(got, came->size);
	return rc;
}

/* Up to its end, which is a short answer, and an early one: what is left is aborted. */
static void upload(void **state)
{
	static const char *const whole[] = {
		"a1 02 0000 0000 4 -> 01020304",
		"a1 02 0001 0000 4 -> 05060708",
		"a1 02 0002 0000 4 -> 09",
		"a1 02 0003 0000 4 -> stall",
		GETSTATUS "0f0000000a00",
		"21 04 0000 0000 0 -> ok",
		GETSTATUS IDLE,
		NULL,
	};
	static const char *const part[] = {
		"a1 02 0000 0000 4 -> 01020304",
		"a1 02 0001 0000 4 -> 05060708",
		GETSTATUS "000000000900",
		"21 06 0000 0000 0 -> ok",
		GETSTATUS IDLE,
		NULL,
	};
	static const char *const no[] = {
		"a1 02 0000 0000 4 -> stall", GETSTATUS "0e0000000a00", GETSTATUS "0e0000000a00",
		"21 04 0000 0000 0 -> ok",    GETSTATUS IDLE,           NULL,
	};
	static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	_cleanup_(buf_free) struct buf came = {0};
	struct rig *rig = begin(whole);

	(void)state;
	assert_int_equal(receive(rig, UINT64_MAX, &came), 0);
	assert_int_equal(came.size, 9);
	assert_memory_equal(came.data, expected, 9);
	end(rig);
	buf_clear(&came);
	rig = begin(part);
	assert_int_equal(receive(rig, 6, &came), 0);
	assert_int_equal(came.size, 6);
	end(rig);
	buf_clear(&came);
	rig = begin(no);
	rig->dfu.in_flight = 1;
	assert_int_equal(receive(rig, 6, &came), -ERR_BOARD);
	is_in("errUNKNOWN", rig->err.text);
	end(rig);
}

static void ask(void **state)
{
	static const char *const rows[] = {
		"a1 02 0000 0000 8 -> 01020304",
		"a1 02 0000 0000 2 -> 0102",
		"21 06 0000 0000 0 -> ok",
		NULL,
	};
	struct rig *rig = begin(rows);
	uint8_t answer[8];
	size_t got;

	(void)state;
	assert_int_equal(dfu_ask(&rig->dfu, answer, 8, &got, soon(), &rig->err), 0);
	assert_int_equal(got, 4);
	assert_int_equal(dfu_ask(&rig->dfu, answer, 2, &got, soon(), &rig->err), 0);
	assert_int_equal(got, 2);
	end(rig);
}

static void detach(void **state)
{
	static const char *const rows[] = {
		"21 00 03e8 0000 0 -> ok",
		"21 00 00ff 0000 0 -> stall",
		"21 00 00ff 0000 0 -> gone",
		NULL,
	};
	struct rig *rig = begin(rows);

	(void)state;
	assert_int_equal(dfu_detach(&rig->dfu, soon(), &rig->err), 0);
	rig->dfu.function.detach_ms = 255;
	assert_int_equal(dfu_detach(&rig->dfu, soon(), &rig->err), -ERR_BOARD);
	assert_int_equal(dfu_detach(&rig->dfu, soon(), &rig->err), 0);
	end(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_blocks),
		cmocka_unit_test(busy),
		cmocka_unit_test(gap),
		cmocka_unit_test(suddenly_busy),
		cmocka_unit_test(write_error),
		cmocka_unit_test(stalled_block),
		cmocka_unit_test(gone_in_the_middle),
		cmocka_unit_test(gone_at_the_end),
		cmocka_unit_test(refused_end),
		cmocka_unit_test(waits_for_reset),
		cmocka_unit_test(empty),
		cmocka_unit_test(bad_image),
		cmocka_unit_test(hangs),
		cmocka_unit_test(wrap),
		cmocka_unit_test(to_idle),
		cmocka_unit_test(upload),
		cmocka_unit_test(ask),
		cmocka_unit_test(detach),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
