// SPDX-License-Identifier: MIT
/*
 * Telnet with the COM port control option (RFC 854, 855, 856, 858, 2217), client side: data and
 * control taken apart and put together. No I/O: what is to be answered is left in a buffer for the
 * caller to send.
 */
#ifndef ABOARD_IO_TELNET_H
#define ABOARD_IO_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	TELNET_BINARY = 0,    /* RFC 856 */
	TELNET_ECHO = 1,      /* RFC 857 */
	TELNET_SGA = 3,       /* RFC 858: no go-ahead */
	TELNET_COM_PORT = 44, /* RFC 2217 */
};

/* Commands of RFC 2217, section 3; the server's answer is the command plus 100. */
enum com_port {
	COM_PORT_BAUD = 1,      /* 4 bytes, big-endian */
	COM_PORT_DATA_SIZE = 2, /* 5..8 */
	COM_PORT_PARITY = 3,    /* 1: none */
	COM_PORT_STOP_SIZE = 4, /* 1: one */
	COM_PORT_CONTROL = 5,   /* enum com_port_control */
};

enum com_port_control {
	COM_PORT_NO_FLOW_CONTROL = 1,
	COM_PORT_BREAK_ON = 5,
	COM_PORT_BREAK_OFF = 6,
	COM_PORT_DTR_ON = 8,
	COM_PORT_DTR_OFF = 9,
	COM_PORT_RTS_ON = 11,
	COM_PORT_RTS_OFF = 12,
};

/* How far an option is agreed on, seen from us. */
enum telnet_option {
	TELNET_OFF,
	TELNET_ASKED,
	TELNET_ON,
	TELNET_REFUSED,
};

#define TELNET_SUB_MAX 32 /* bytes kept of a subnegotiation; what is longer is ignored */

struct telnet {
	enum telnet_option ours[256], theirs[256];
	struct buf reply; /* to be sent by the caller, who then clears it */
	uint32_t baud;    /* what the server said it has set; 0: nothing yet */
	int state;        /* inside telnet.c */
	uint8_t verb;
	uint8_t sub[TELNET_SUB_MAX];
	size_t sub_size;
};

void telnet_free(struct telnet *telnet);

/* Puts the requests for BINARY and SGA (both ways) and COM-PORT into telnet->reply. */
void telnet_begin(struct telnet *telnet);

/* Takes data out of what came; `out` has room for `size` bytes and may be `in`. Returns how many
   bytes of data there are. Answers go to telnet->reply. */
size_t telnet_decode(struct telnet *telnet, const uint8_t *in, size_t size, uint8_t *out);

/* Appends data with every 255 doubled. */
void telnet_encode(const void *data, size_t size, struct buf *out);

/* Appends a COM port command. */
void telnet_com_port(enum com_port command, const uint8_t *payload, size_t size, struct buf *out);
void telnet_baud(uint32_t baud, struct buf *out);
void telnet_control(enum com_port_control control, struct buf *out);

#endif
