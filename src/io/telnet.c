// SPDX-License-Identifier: MIT
#include "io/telnet.h"

#include "base/bytes.h"
#include "base/mem.h"

enum {
	SE = 240,
	SB = 250,
	WILL = 251,
	WONT = 252,
	DO = 253,
	DONT = 254,
	IAC = 255,
};

#define COM_PORT_ANSWER 100

void telnet_free(struct telnet *telnet)
{
	buf_free(&telnet->reply);
}

static void say(struct telnet *telnet, uint8_t verb, uint8_t option)
{
	const uint8_t bytes[] = {IAC, verb, option};

	buf_add(&telnet->reply, bytes, sizeof(bytes));
}

void telnet_begin(struct telnet *telnet)
{
	static const struct {
		uint8_t verb, option;
	} rows[] = {
		{WILL, TELNET_BINARY}, {DO, TELNET_BINARY},     {WILL, TELNET_SGA},
		{DO, TELNET_SGA},      {WILL, TELNET_COM_PORT},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].verb == WILL)
			telnet->ours[rows[i].option] = TELNET_ASKED;
		else
			telnet->theirs[rows[i].option] = TELNET_ASKED;
		say(telnet, rows[i].verb, rows[i].option);
	}
}

static bool we_can(uint8_t option)
{
	return option == TELNET_BINARY || option == TELNET_SGA || option == TELNET_COM_PORT;
}

static bool they_may(uint8_t option)
{
	return option == TELNET_BINARY || option == TELNET_SGA || option == TELNET_ECHO;
}

/* The same rules hold both ways: `asks` says whether the option shall be on, `yes` and `no` are our
   words for it. Only a change is answered, so that no two sides answer each other for ever (RFC
   1143). */
static void agree(struct telnet *telnet, enum telnet_option *state, bool asks, bool can,
		  uint8_t yes, uint8_t no, uint8_t option)
{
	enum telnet_option before = *state;

	*state = asks && can ? TELNET_ON : TELNET_REFUSED;
	if (before == TELNET_ASKED || before == *state)
		return;
	if (asks)
		say(telnet, can ? yes : no, option);
	else if (before == TELNET_ON)
		say(telnet, no, option);
}

static void negotiate(struct telnet *telnet, uint8_t verb, uint8_t option)
{
	/* A server has no WILL for this option. Who says so may be no server but a peer that echoes
	   what we said, and an answer would come back as consent. */
	if (option == TELNET_COM_PORT && (verb == WILL || verb == WONT))
		return;
	if (verb == DO || verb == DONT)
		agree(telnet, &telnet->ours[option], verb == DO, we_can(option), WILL, WONT,
		      option);
	else
		agree(telnet, &telnet->theirs[option], verb == WILL, they_may(option), DO, DONT,
		      option);
}

/* Of the server's answers only the baud rate is of use; line and modem state are not asked for. */
static void take_sub(struct telnet *telnet)
{
	const uint8_t *sub = telnet->sub;

	if (telnet->sub_size == 6 && sub[0] == TELNET_COM_PORT &&
	    sub[1] == COM_PORT_ANSWER + COM_PORT_BAUD)
		telnet->baud = be32(sub + 2);
}

static void add_sub(struct telnet *telnet, uint8_t byte)
{
	if (telnet->sub_size < TELNET_SUB_MAX)
		telnet->sub[telnet->sub_size++] = byte;
}

enum state {
	DATA,
	COMMAND, /* behind IAC */
	OPTION,  /* behind IAC WILL and the like */
	SUB,
	SUB_COMMAND, /* behind IAC in a subnegotiation */
};

static int after_command(struct telnet *telnet, uint8_t byte)
{
	if (byte >= WILL && byte <= DONT) {
		telnet->verb = byte;
		return OPTION;
	}
	telnet->sub_size = 0;
	return byte == SB ? SUB : DATA;
}

static int after_sub_command(struct telnet *telnet, uint8_t byte)
{
	if (byte == IAC) {
		add_sub(telnet, byte);
		return SUB;
	}
	if (byte == SE)
		take_sub(telnet);
	return DATA;
}

/* True when the byte is data. */
static bool take(struct telnet *telnet, uint8_t byte)
{
	switch ((enum state)telnet->state) {
	case DATA:
		telnet->state = byte == IAC ? COMMAND : DATA;
		return byte != IAC;
	case COMMAND:
		telnet->state = after_command(telnet, byte);
		return byte == IAC;
	case OPTION:
		negotiate(telnet, telnet->verb, byte);
		telnet->state = DATA;
		return false;
	case SUB:
		if (byte == IAC)
			telnet->state = SUB_COMMAND;
		else
			add_sub(telnet, byte);
		return false;
	case SUB_COMMAND:
		telnet->state = after_sub_command(telnet, byte);
		return false;
	}
	return false;
}

size_t telnet_decode(struct telnet *telnet, const uint8_t *in, size_t size, uint8_t *out)
{
	size_t count = 0, i;

	for (i = 0; i < size; i++)
		if (take(telnet, in[i]))
			out[count++] = in[i];
	return count;
}

void telnet_encode(const void *data, size_t size, struct buf *out)
{
	const char *bytes = data;
	size_t i;

	for (i = 0; i < size; i++) {
		buf_add_char(out, bytes[i]);
		if ((uint8_t)bytes[i] == IAC)
			buf_add_char(out, bytes[i]);
	}
}

void telnet_com_port(enum com_port command, const uint8_t *payload, size_t size, struct buf *out)
{
	const uint8_t start[] = {IAC, SB, TELNET_COM_PORT, (uint8_t)command};
	const uint8_t end[] = {IAC, SE};

	buf_add(out, start, sizeof(start));
	telnet_encode(payload, size, out);
	buf_add(out, end, sizeof(end));
}

void telnet_baud(uint32_t baud, struct buf *out)
{
	const uint8_t bytes[] = {(uint8_t)(baud >> 24), (uint8_t)(baud >> 16), (uint8_t)(baud >> 8),
				 (uint8_t)baud};

	telnet_com_port(COM_PORT_BAUD, bytes, sizeof(bytes), out);
}

void telnet_control(enum com_port_control control, struct buf *out)
{
	const uint8_t byte = (uint8_t)control;

	telnet_com_port(COM_PORT_CONTROL, &byte, 1, out);
}
