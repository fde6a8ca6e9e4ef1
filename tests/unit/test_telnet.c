// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "io/telnet.h"

struct row {
	const char *in;
	size_t in_size;
	const char *data;
	size_t data_size;
	const char *reply;
	size_t reply_size;
};

#define BYTES(text) text, sizeof(text) - 1

/* IAC \377, DONT \376, DO \375, WONT \374, WILL \373, SB \372, SE \360 */
static const struct row rows[] = {
	{BYTES("plain"), BYTES("plain"), BYTES("")},
	{BYTES("a\377\377b"), BYTES("a\377b"), BYTES("")},
	{BYTES("\r\0\n"), BYTES("\r\0\n"), BYTES("")},
	{BYTES("a\377\361b"), BYTES("ab"), BYTES("")},                 /* NOP */
	{BYTES("a\377\375\030b"), BYTES("ab"), BYTES("\377\374\030")}, /* DO terminal type */
	{BYTES("\377\373\005"), BYTES(""), BYTES("\377\376\005")},     /* WILL status */
	{BYTES("\377\373\001"), BYTES(""), BYTES("\377\375\001")},     /* WILL echo */
	{BYTES("\377\375\000\377\375\000"), BYTES(""), BYTES("\377\373\000")}, /* DO twice */
	{BYTES("\377\375\003\377\376\003"), BYTES(""), BYTES("\377\373\003\377\374\003")},
	{BYTES("\377\376\054"), BYTES(""), BYTES("")}, /* DONT what is off */
	{BYTES("\377\373\054"), BYTES(""), BYTES("")}, /* WILL COM-PORT: an echo */
	{BYTES("a\377\372\054\151\0\0\377\377\377\360b"), BYTES("ab"), BYTES("")},
	{BYTES("\377\372\054\377"), BYTES(""), BYTES("")},
};

static void decodes(void **state)
{
	size_t i, step, at, count, piece;
	uint8_t data[64];

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (step = 1; step <= rows[i].in_size; step++) {
			_cleanup_(telnet_free) struct telnet telnet = {0};

			for (count = at = 0; at < rows[i].in_size; at += piece) {
				piece = rows[i].in_size - at < step ? rows[i].in_size - at : step;
				count += telnet_decode(&telnet, (const uint8_t *)rows[i].in + at,
						       piece, data + count);
			}
			assert_int_equal(count, rows[i].data_size);
			assert_memory_equal(data, rows[i].data, count);
			assert_int_equal(telnet.reply.size, rows[i].reply_size);
			assert_memory_equal(buf_text(&telnet.reply), rows[i].reply,
					    rows[i].reply_size);
		}
}

static void agreement(void **state)
{
	_cleanup_(telnet_free) struct telnet telnet = {0};
	uint8_t data[64];

	(void)state;
	telnet_begin(&telnet);
	assert_int_equal(telnet.reply.size, 15);
	buf_clear(&telnet.reply);
	/* Answers to what we asked for are not answered again. */
	assert_int_equal(
		telnet_decode(&telnet, (const uint8_t *)"\377\375\054\377\374\000", 6, data), 0);
	assert_int_equal(telnet.reply.size, 0);
	assert_int_equal(telnet.ours[TELNET_COM_PORT], TELNET_ON);
	assert_int_equal(telnet.theirs[TELNET_BINARY], TELNET_REFUSED);
}

static void baud(void **state)
{
	static const char answer[] = "\377\372\054\145\0\026\343\140\377\360";
	_cleanup_(telnet_free) struct telnet telnet = {0};
	_cleanup_(buf_free) struct buf out = {0};
	uint8_t data[64];

	(void)state;
	telnet_baud(1500000, &out);
	assert_int_equal(out.size, 10);
	assert_memory_equal(out.data, "\377\372\054\001\0\026\343\140\377\360", 10);
	telnet_decode(&telnet, (const uint8_t *)answer, sizeof(answer) - 1, data);
	assert_int_equal(telnet.baud, 1500000);
	/* 255 inside the number is doubled. */
	buf_clear(&out);
	telnet_baud(0xff00, &out);
	assert_int_equal(out.size, 11);
}

static void long_subnegotiation(void **state)
{
	_cleanup_(telnet_free) struct telnet telnet = {0};
	uint8_t in[512], data[512];

	(void)state;
	memset(in, 1, sizeof(in));
	memcpy(in, "\377\372\054", 3);
	memcpy(in + sizeof(in) - 3, "\377\360x", 3);
	assert_int_equal(telnet_decode(&telnet, in, sizeof(in), data), 1);
	assert_int_equal(data[0], 'x');
	assert_int_equal(telnet.baud, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes),
		cmocka_unit_test(agreement),
		cmocka_unit_test(baud),
		cmocka_unit_test(long_subnegotiation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
