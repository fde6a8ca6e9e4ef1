// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "tftp_rig.h"

static const enum sim_kind any[] = {SIM_RFC, SIM_UBOOT, SIM_UBOOT_FIRST, SIM_UBOOT_OLD};

/* A clean network: nothing is sent twice, one acknowledgement a window. */
static void clean(void **state)
{
	static const uint64_t sizes[] = {0, 1, 511, 512, 513, 16 * 512 - 1, 16 * 512, 100000};
	static const uint32_t windows[] = {0, 1, 2, 7, 16, 64, 65535};
	struct sim_setup setup = {0};
	struct sim_result result;
	size_t i, j, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < ARRAY_SIZE(windows); j++) {
			for (k = 0; k < ARRAY_SIZE(windowed); k++) {
				setup.kind = windowed[k];
				setup.size = sizes[i];
				setup.options.windowsize = windows[j];
				result = good(&setup, SECOND, "clean", (unsigned int)sizes[i]);
				assert_int_equal(result.resent, 0);
				assert_int_equal(result.gaps, 0);
				assert_int_equal(result.sent, result.blocks + (windows[j] != 0));
			}
		}
	}
}

/* Receive rings that are shorter than a window, in clients of different speed: the pace settles,
   little is sent twice, and lockstep is beaten. */
static void short_rings(void **state)
{
	static const struct {
		unsigned int ring;
		int64_t drain_time;
	} rows[] = {{4, 15}, {4, 40}, {4, 100}, {4, 300}, {8, 40}, {8, 100}, {16, 100}, {32, 40}};
	static const uint32_t windows[] = {8, 16, 64};
	struct sim_setup setup = {.size = 40000 * 512, .frame_time = 5};
	struct sim_result lockstep, result;
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		setup.ring = rows[i].ring;
		setup.drain_time = rows[i].drain_time;
		setup.kind = SIM_UBOOT;
		setup.options.windowsize = 1;
		lockstep = good(&setup, 60 * SECOND, "ring", (unsigned int)i);
		for (j = 0; j < ARRAY_SIZE(windows); j++) {
			setup.kind = i % 2 ? SIM_UBOOT : SIM_UBOOT_FIRST;
			setup.options.windowsize = windows[j];
			result = good(&setup, lockstep.time * 9 / 10, "ring", (unsigned int)i);
			assert_in_range(result.resent, 0, result.blocks / 40);
		}
	}
}

/* A client that is away for a while (emulated, on a busy machine) with a driver that never recovers
   from an overrun of its ring, as U-Boot's virtio-net: it must not be overrun meanwhile. */
static void late_client(void **state)
{
	static const int64_t away[] = {30 * MS, 60 * MS, 200 * MS, 900 * MS};
	static const uint32_t windows[] = {1, 4, 8, 16};
	struct sim_setup setup = {
		.size = 40000 * 512, .ring = 32, .drain_time = 20, .brittle = true};
	size_t i, j, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(away); i++) {
		for (j = 0; j < ARRAY_SIZE(windows); j++) {
			for (k = 0; k < ARRAY_SIZE(windowed); k++) {
				setup.kind = windowed[k];
				setup.away_for = away[i];
				setup.away_at = k == 0 ? 0 : 2 * SECOND;
				setup.options.windowsize = windows[j];
				good(&setup, 20 * SECOND, "late", (unsigned int)i);
			}
		}
	}
}

static struct sim_fate double_all(void *context, enum sim_way way, unsigned int place,
				  unsigned int opcode, uint16_t block)
{
	(void)context;
	(void)way;
	(void)place;
	(void)block;
	return (struct sim_fate){opcode == TFTP_OACK ? 1 : 2, 0};
}

/* The sorcerer's apprentice: when every packet comes twice, the sender must not send twice. */
static void doubled(void **state)
{
	static const uint32_t windows[] = {0, 1, 4, 16};
	struct sim_setup setup = {.size = 500000, .fate = double_all};
	struct sim_result result;
	size_t j, k;

	(void)state;
	for (j = 0; j < ARRAY_SIZE(windows); j++) {
		for (k = 0; k < ARRAY_SIZE(any); k++) {
			if (any[k] == SIM_UBOOT_OLD && windows[j])
				continue;
			setup.kind = any[k];
			setup.options.windowsize = windows[j];
			result = good(&setup, SECOND, "doubled", windows[j]);
			assert_in_range(result.sent, result.blocks, result.blocks * 108 / 100);
		}
	}
}

static struct sim_fate dead(void *context, enum sim_way way, unsigned int place,
			    unsigned int opcode, uint16_t block)
{
	const unsigned int *after = context;

	(void)opcode;
	(void)block;
	return (struct sim_fate){way == SIM_TO_SERVER && place >= *after ? 0 : 1, 0};
}

/* A client that is switched off is given up after TFTP_SILENT_MAX timeouts, within a minute,
   and is not drowned meanwhile. */
static void silent_client(void **state)
{
	static const struct {
		struct tftp_options options;
		unsigned int after;
		const char *error;
	} rows[] = {
		{{0}, 0, "no answer from the client after 0 bytes"},
		{{0, 1, 0, true, 0}, 0, "no answer from the client after 0 bytes"},
		{{0, 1, 16, false, 0}, 3, "no answer from the client after 16384 bytes"},
		{{0, 0, 64, false, 0}, 2, "no answer from the client after 32768 bytes"},
	};
	struct sim_setup setup = {.kind = SIM_UBOOT, .size = 1000000, .fate = dead};
	struct sim_result result;
	unsigned int after;
	size_t i;

	(void)state;
	setup.context = &after;
	setup.client_timeout = 3000 * SECOND;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		after = rows[i].after;
		setup.options = rows[i].options;
		result = sim_run(&setup);
		assert_int_equal(result.state, TFTP_SEND_FAILED);
		assert_string_equal(result.error, rows[i].error);
		assert_in_range(result.time, 7 * SECOND, 60 * SECOND);
		assert_in_range(result.sent, 1 + TFTP_SILENT_MAX,
				200 + TFTP_SILENT_MAX * 4 * (setup.options.windowsize + 1));
	}
}

static int shrunk(void *context, uint64_t offset, void *data, size_t size, struct err *err)
{
	if (offset >= 1024)
		return err_set(err, ERR_HOST, "it has become shorter");
	return sim_read(context, offset, data, size, err);
}

static struct tftp_send begin(struct tftp_options options,
			      int (*read)(void *, uint64_t, void *, size_t, struct err *))
{
	struct tftp_request request = {.opcode = TFTP_RRQ, .octet = true, .options = options};
	struct tftp_source source = {.read = read, .size = 5000};
	struct tftp_send send;

	tftp_send_start(&send, &request, &source, TFTP_WINDOW_DEFAULT, 0);
	return send;
}

/* The client is told with a code that ends it. */
static void source_fails(void **state)
{
	struct tftp_options options = {.windowsize = 4};
	struct tftp_send send = begin(options, shrunk);
	uint8_t packet[1024];
	size_t size;

	(void)state;
	assert_int_equal(tftp_send_next(&send, packet, 1), 15);
	tftp_send_receive(&send, "\0\4\0\0", 4, 2);
	assert_int_equal(tftp_send_next(&send, packet, 3), 516);
	assert_int_equal(tftp_send_next(&send, packet, 3), 516);
	size = tftp_send_next(&send, packet, 3);
	assert_int_equal(size, 4 + sizeof("it has become shorter"));
	assert_memory_equal(packet, "\0\5\0\2it has become shorter", size);
	assert_int_equal(send.state, TFTP_SEND_FAILED);
	assert_int_equal(tftp_send_next(&send, packet, 4), 0);
	assert_int_equal(tftp_send_wake(&send), INT64_MAX);
}

static void client_ends_it(void **state)
{
	struct tftp_send send = begin((struct tftp_options){0}, sim_read);
	uint8_t packet[1024];

	(void)state;
	assert_int_equal(tftp_send_next(&send, packet, 1), 516);
	tftp_send_receive(&send, "\0\5\0\3no room", 12, 2);
	assert_int_equal(send.state, TFTP_SEND_FAILED);
	assert_string_equal(send.error, "the client ended it: no room (error 3)");
	tftp_send_receive(&send, "\0\4\0\1", 4, 3);
	assert_int_equal(tftp_send_next(&send, packet, 4), 0);
}

/* Acknowledgements of what was not sent, or long ago, and what is none change nothing. */
static void senseless_packets(void **state)
{
	static const char *const packets[] = {"\0\4\0\2", "\0\4\0\0", "\0\4\xff\xff", "\0\4\x80\0",
					      "\0\3\0\1", "\0\6\0\1", "\0\1\0\1"};
	struct tftp_send send = begin((struct tftp_options){0}, sim_read);
	uint8_t packet[1024];
	size_t i;

	(void)state;
	assert_int_equal(tftp_send_next(&send, packet, 1), 516);
	for (i = 0; i < ARRAY_SIZE(packets); i++) {
		tftp_send_receive(&send, packets[i], 4, 2);
		assert_int_equal(tftp_send_next(&send, packet, 3), 0);
		assert_int_equal(tftp_send_bytes(&send), 0);
	}
	tftp_send_receive(&send, "\0\4\0\1", 3, 4);
	assert_int_equal(tftp_send_bytes(&send), 0);
	tftp_send_receive(&send, "\0\4\0\1", 4, 5);
	assert_int_equal(tftp_send_bytes(&send), 512);
	assert_int_equal(tftp_send_next(&send, packet, 5), 516);
	assert_memory_equal(packet, "\0\3\0\2", 4);
}

/* What is granted: U-Boot breaks off when blksize is more, or timeout other, than it asked for. */
static void granting(void **state)
{
	static const struct {
		struct tftp_options asked;
		const char *oack;
		size_t size;
	} rows[] = {
		{{1468, 0, 0, false, 0}, "\0\6blksize\0001468", 15},
		{{0, 7, 0, false, 0}, "\0\6timeout\0007", 12},
		{{0, 0, 0, true, 77}, "\0\6tsize\0005000", 13},
		{{0, 0, 65535, false, 0}, "\0\6windowsize\00064", 16},
		{{0, 0, 1, false, 0}, "\0\6windowsize\0001", 15},
	};
	struct tftp_send send;
	uint8_t packet[1024];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		send = begin(rows[i].asked, sim_read);
		assert_int_equal(tftp_send_next(&send, packet, 1), rows[i].size);
		assert_memory_equal(packet, rows[i].oack, rows[i].size);
		assert_int_equal(tftp_send_next(&send, packet, 2), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean),          cmocka_unit_test(short_rings),
		cmocka_unit_test(late_client),    cmocka_unit_test(doubled),
		cmocka_unit_test(silent_client),  cmocka_unit_test(source_fails),
		cmocka_unit_test(client_ends_it), cmocka_unit_test(senseless_packets),
		cmocka_unit_test(granting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
