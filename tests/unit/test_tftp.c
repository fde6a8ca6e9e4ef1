// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "proto/tftp.h"

/* A string literal with NULs in it, without the one the compiler adds. */
#define PACKET(text) (text), sizeof(text) - 1

static void request_is(const char *bytes, size_t size, int status,
		       const struct tftp_request *wanted)
{
	_cleanup_(freep) char *packet = xmemdup(bytes, size);
	struct tftp_request got;
	struct err err;

	assert_int_equal(tftp_parse_request(packet, size, &got, &err), status);
	if (status < 0)
		return;
	assert_int_equal(got.opcode, wanted->opcode);
	assert_string_equal(got.name, wanted->name);
	assert_int_equal(got.octet, wanted->octet);
	assert_int_equal(got.options.blksize, wanted->options.blksize);
	assert_int_equal(got.options.timeout, wanted->options.timeout);
	assert_int_equal(got.options.windowsize, wanted->options.windowsize);
	assert_int_equal(got.options.has_tsize, wanted->options.has_tsize);
	assert_int_equal(got.options.tsize, wanted->options.tsize);
}

static void requests(void **state)
{
	static const struct {
		const char *packet;
		size_t size;
		int status;
		struct tftp_request wanted;
	} rows[] = {
		{PACKET("\0\1a\0octet\0"), 0, {TFTP_RRQ, "a", true, {0}}},
		{PACKET("\0\2a\0octet\0"), 0, {TFTP_WRQ, "a", true, {0}}},
		{PACKET("\0\1a\0OcTeT\0"), 0, {TFTP_RRQ, "a", true, {0}}},
		{PACKET("\0\1a\0netascii\0"), 0, {TFTP_RRQ, "a", false, {0}}},
		{PACKET("\0\1\0\0"), 0, {TFTP_RRQ, "", false, {0}}},
		/* as U-Boot asks */
		{PACKET("\0\1boot/Image\0octet\0timeout\0005\0tsize\000734\0blksize\0001468\0"
			"windowsize\00016\0"),
		 0,
		 {TFTP_RRQ, "boot/Image", true, {1468, 5, 16, true, 734}}},
		{PACKET("\0\1a\0octet\0BLKSIZE\0008\0WindowSize\00065535\0TIMEOUT\000255\0"),
		 0,
		 {TFTP_RRQ, "a", true, {8, 255, 65535, false, 0}}},
		/* out of range, not decimal, unknown: as if not there */
		{PACKET("\0\1a\0octet\0blksize\0007\0timeout\0000\0windowsize\0000\0"),
		 0,
		 {TFTP_RRQ, "a", true, {0}}},
		{PACKET("\0\1a\0octet\0blksize\00065465\0timeout\000256\0windowsize\00065536\0"),
		 0,
		 {TFTP_RRQ, "a", true, {65464, 0, 0, false, 0}}},
		{PACKET("\0\1a\0octet\0blksize\0000x200\0timeout\000-1\0windowsize\0 4\0"),
		 0,
		 {TFTP_RRQ, "a", true, {0}}},
		{PACKET("\0\1a\0octet\0blksize\0\0tsize\00099999999999999999999\0x\0001\0"),
		 0,
		 {TFTP_RRQ, "a", true, {0}}},
		/* twice: the first counts */
		{PACKET("\0\1a\0octet\0blksize\0001024\0blksize\000512\0"),
		 0,
		 {TFTP_RRQ, "a", true, {1024, 0, 0, false, 0}}},
		/* an option that is cut short */
		{PACKET("\0\1a\0octet\0tsize\0000\0blksize\000512"),
		 0,
		 {TFTP_RRQ, "a", true, {0, 0, 0, true, 0}}},
		{PACKET("\0\1a\0octet\0blksize\0"), 0, {TFTP_RRQ, "a", true, {0}}},
		/* no requests */
		{PACKET(""), -ERR_NETWORK, {0}},
		{PACKET("\0"), -ERR_NETWORK, {0}},
		{PACKET("\0\1"), -ERR_NETWORK, {0}},
		{PACKET("\0\1a"), -ERR_NETWORK, {0}},
		{PACKET("\0\1a\0"), -ERR_NETWORK, {0}},
		{PACKET("\0\1a\0octet"), -ERR_NETWORK, {0}},
		{PACKET("\0\3\0\1"), -ERR_NETWORK, {0}},
		{PACKET("\1\1a\0octet\0"), -ERR_NETWORK, {0}},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		request_is(rows[i].packet, rows[i].size, rows[i].status, &rows[i].wanted);
}

static void long_names(void **state)
{
	char packet[2 + TFTP_NAME_MAX + 1 + 7] = {0, 1};
	struct tftp_request got;
	struct err err;

	(void)state;
	memset(packet + 2, 'n', TFTP_NAME_MAX);
	memcpy(packet + 2 + TFTP_NAME_MAX, "\0octet", 7);
	assert_int_equal(tftp_parse_request(packet, sizeof(packet) - 1, &got, &err), 0);
	assert_int_equal(strlen(got.name), TFTP_NAME_MAX);
	memcpy(packet + 2 + TFTP_NAME_MAX, "n\0octet", 8);
	assert_int_equal(tftp_parse_request(packet, sizeof(packet), &got, &err), -ERR_NETWORK);
}

static void replies(void **state)
{
	static const struct {
		const char *packet;
		size_t size;
		int status;
		struct tftp_reply wanted;
	} rows[] = {
		{PACKET("\0\4\xff\xfe"), 0, {TFTP_ACK, 65534, ""}},
		{PACKET("\0\4\0\0more"), 0, {TFTP_ACK, 0, ""}},
		{PACKET("\0\5\0\3full\0"), 0, {TFTP_ERROR, 3, "full"}},
		{PACKET("\0\5\0\10no NUL"), 0, {TFTP_ERROR, 8, "no NUL"}},
		{PACKET("\0\5\0\0a\033[31m\n\xc3"), 0, {TFTP_ERROR, 0, "a?[31m??"}},
		{PACKET("\0\5\0\0"), 0, {TFTP_ERROR, 0, ""}},
		{PACKET("\0\4\0"), -ERR_NETWORK, {0}},
		{PACKET("\0\5"), -ERR_NETWORK, {0}},
		{PACKET("\0\3\0\1x"), -ERR_NETWORK, {0}},
		{PACKET(""), -ERR_NETWORK, {0}},
	};
	struct tftp_reply got;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *packet = xmemdup(rows[i].packet, rows[i].size);

		assert_int_equal(tftp_parse_reply(packet, rows[i].size, &got, NULL),
				 rows[i].status);
		if (rows[i].status < 0)
			continue;
		assert_int_equal(got.opcode, rows[i].wanted.opcode);
		assert_int_equal(got.number, rows[i].wanted.number);
		assert_string_equal(got.text, rows[i].wanted.text);
	}
}

static void long_error_text(void **state)
{
	char packet[1000] = {0, 5};
	struct tftp_reply got;

	(void)state;
	memset(packet + 4, 'x', sizeof(packet) - 4);
	assert_int_equal(tftp_parse_reply(packet, sizeof(packet), &got, NULL), 0);
	assert_int_equal(strlen(got.text), TFTP_TEXT_MAX);
}

static void building(void **state)
{
	struct tftp_options granted = {1468, 5, 16, true, 5000000000};
	static const char oack[] = "\0\6tsize\0005000000000\0timeout\0005\0blksize\0001468\0"
				   "windowsize\00016";
	char packet[512];

	(void)state;
	assert_int_equal(tftp_build_oack(packet, sizeof(packet), &granted), sizeof(oack));
	assert_memory_equal(packet, oack, sizeof(oack));
	assert_int_equal(tftp_build_oack(packet, sizeof(oack) - 1, &granted), 0);
	assert_int_equal(tftp_build_error(packet, sizeof(packet), TFTP_NOT_FOUND, "no"), 7);
	assert_memory_equal(packet, "\0\5\0\1no", 7);
	assert_int_equal(tftp_build_error(packet, 6, TFTP_NOT_FOUND, "no"), 0);
	tftp_build_data(packet, 0x1234);
	assert_memory_equal(packet, "\0\3\x12\x34", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests), cmocka_unit_test(long_names),
		cmocka_unit_test(replies),  cmocka_unit_test(long_error_text),
		cmocka_unit_test(building),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
