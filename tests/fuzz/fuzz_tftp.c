// SPDX-License-Identifier: MIT
/*
 * The first bytes are a request, told by their length in one byte. If it is one, the rest are
 * events for the transfer it begins: a byte of kind, then what it needs.
 *   even: that many tenths of a millisecond pass
 *   odd:  a packet of kind / 2 bytes comes from the client
 * A transfer must never send outside its file, and must say when it wants to be woken.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/tftp.h"
#include "proto/tftp_send.h"

#define FILE_SIZE 70000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_zeros(void *context, uint64_t offset, void *data, size_t size, struct err *err)
{
	(void)context;
	if (offset > FILE_SIZE || size > FILE_SIZE - offset)
		abort();
	if (offset == 0x8000)
		return err_set(err, ERR_HOST, "cannot be read here");
	memset(data, 0, size);
	return 0;
}

static void send_some(struct tftp_send *send, uint8_t *packet, int64_t now)
{
	unsigned int tries;
	size_t size;

	for (tries = 0; tries < 300; tries++) {
		size = tftp_send_next(send, packet, now);
		if (!size)
			break;
		if (size > TFTP_HEADER_SIZE + send->blksize && size > TFTP_BLKSIZE_DEFAULT)
			abort();
	}
	if (!tftp_send_ended(send) && tftp_send_wake(send) == INT64_MAX)
		abort();
	if (tftp_send_bytes(send) > FILE_SIZE || send->acked > send->high)
		abort();
}

static void transfer(const struct tftp_request *request, const uint8_t *events, size_t size)
{
	struct tftp_source source = {.read = read_zeros, .size = FILE_SIZE};
	_cleanup_(freep) uint8_t *packet = xmalloc(TFTP_DATAGRAM_MAX);
	struct tftp_send send;
	size_t length, i = 0;
	int64_t now = 0;

	tftp_send_start(&send, request, &source, 16, now);
	while (i < size) {
		send_some(&send, packet, now);
		length = events[i] / 2;
		if (events[i++] % 2 == 0) {
			now += (int64_t)length * 200;
			continue;
		}
		if (length > size - i)
			length = size - i;
		tftp_send_receive(&send, events + i, length, now);
		i += length;
	}
	for (i = 0; i < 200 && !tftp_send_ended(&send); i++) {
		now = tftp_send_wake(&send) > now ? tftp_send_wake(&send) : now;
		send_some(&send, packet, now);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tftp_request request;
	struct tftp_reply reply;
	struct err err;
	size_t length;

	if (size < 1)
		return 0;
	length = data[0] < size ? data[0] : size - 1;
	tftp_parse_reply(data + 1, length, &reply, &err);
	if (tftp_parse_request(data + 1, length, &request, &err) == 0)
		transfer(&request, data + 1 + length, size - 1 - length);
	return 0;
}
