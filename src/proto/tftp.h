// SPDX-License-Identifier: MIT
/*
 * TFTP packets (RFC 1350) with options (RFC 2347: blksize 2348, timeout and tsize 2349, windowsize
 * 7440): reading what a client sends and building what a server answers. Pure: no sockets, no
 * clocks. What is read comes from the network and is hostile.
 */
#ifndef ABOARD_PROTO_TFTP_H
#define ABOARD_PROTO_TFTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum tftp_opcode {
	TFTP_RRQ = 1,
	TFTP_WRQ,
	TFTP_DATA,
	TFTP_ACK,
	TFTP_ERROR,
	TFTP_OACK,
};

/* U-Boot gives up at once on the codes 1 and 2 and starts over, endlessly, on every other (U-Boot
   net/tftp.c), so a server that means "no" has to say one of these two. */
enum tftp_error_code {
	TFTP_NOT_FOUND = 1,
	TFTP_ACCESS = 2,
};

#define TFTP_HEADER_SIZE     4
#define TFTP_BLKSIZE_DEFAULT 512
#define TFTP_BLKSIZE_MIN     8     /* RFC 2348 */
#define TFTP_BLKSIZE_MAX     65464 /* RFC 2348 */
#define TFTP_DATAGRAM_MAX    (TFTP_HEADER_SIZE + TFTP_BLKSIZE_MAX)
#define TFTP_NAME_MAX        255
#define TFTP_TEXT_MAX        127

/* Options as asked for, or as granted. 0 and false: absent. */
struct tftp_options {
	uint32_t blksize;    /* 8..65464 bytes; more was asked for: 65464 */
	uint32_t timeout;    /* 1..255 seconds */
	uint32_t windowsize; /* 1..65535 blocks */
	bool has_tsize;
	uint64_t tsize; /* bytes; what a client puts here means nothing */
};

struct tftp_request {
	enum tftp_opcode opcode; /* TFTP_RRQ or TFTP_WRQ */
	char name[TFTP_NAME_MAX + 1];
	bool octet; /* mode "octet"; otherwise netascii, mail or unknown */
	struct tftp_options options;
};

/* Reads a request. Options that are unknown, out of range or not decimal are left out, as RFC 2347
   wants; of one that comes twice the first counts; names of options and modes are compared without
   regard to case. -ERR_NETWORK when it is no RRQ or WRQ, is cut short, or has a name longer than
   TFTP_NAME_MAX. */
int tftp_parse_request(const void *packet, size_t size, struct tftp_request *request,
		       struct err *err);

/* The opcode of a packet of any kind, or 0 when it is too short to have one. */
unsigned int tftp_opcode(const void *packet, size_t size);

/* What the receiver of a file sends while it is sent: ACK or ERROR. */
struct tftp_reply {
	enum tftp_opcode opcode;
	uint16_t number;              /* the block, or the error's code */
	char text[TFTP_TEXT_MAX + 1]; /* of an ERROR; printable ASCII, anything else is '?' */
};

/* -ERR_NETWORK when it is neither, or cut short. */
int tftp_parse_reply(const void *packet, size_t size, struct tftp_reply *reply, struct err *err);

/* Each builds a packet and returns its size in bytes, or 0 when `space` is too small. */
size_t tftp_build_oack(void *packet, size_t space, const struct tftp_options *granted);
size_t tftp_build_error(void *packet, size_t space, enum tftp_error_code code, const char *text);

/* The header of a DATA packet; its bytes follow at packet + TFTP_HEADER_SIZE. */
void tftp_build_data(void *packet, uint16_t block);

#endif
