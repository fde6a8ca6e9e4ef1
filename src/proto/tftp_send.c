// SPDX-License-Identifier: MIT
#include "proto/tftp_send.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* How fast blocks follow each other inside a window: so many frames, then a pause of so many
   microseconds. Two rows up doubles the rate. With 1468 bytes a frame the slowest row is 2.9 MB/s,
   the rate of lockstep; the last has no pauses. */
static const struct {
	unsigned int frames;
	int64_t pause;
} paces[] = {
	{1, 500},  {1, 350},  {1, 250},  {1, 180},  {2, 250},   {3, 250},
	{4, 250},  {6, 250},  {8, 250},  {12, 250}, {16, 250},  {24, 250},
	{32, 250}, {48, 250}, {64, 250}, {96, 250}, {128, 250}, {UINT32_MAX, 0},
};

#define PACE_FIRST     8 /* the row of 8 frames */
#define GROW_QUICKLY   1 /* windows passed whole before the pace grows */
#define GROW_AFTER     8 /* the same where it went wrong before; doubled every time */
#define GROW_AFTER_MAX 512
#define GAP_GUARD_MIN  1000 /* us */

/* Bytes of a block in one Ethernet frame beside IP's and UDP's headers; more is fragmented by IP,
   and it is frames that fill a receive ring. */
#define FRAME_BYTES 1472

static unsigned int frames_of_block(const struct tftp_send *send)
{
	return (send->blksize + TFTP_HEADER_SIZE + FRAME_BYTES - 1) / FRAME_BYTES;
}

static void slower(struct tftp_send *send)
{
	send->pace = send->pace > 2 ? send->pace - 2 : 0;
	send->clean = 0;
}

/* Another window has passed whole. Below the row where it last went wrong the pace recovers
   quickly, from there on slowly. */
static void faster(struct tftp_send *send)
{
	if (paces[send->pace].frames >= (uint64_t)send->window * frames_of_block(send))
		return;
	if (++send->clean < (send->pace + 1 >= send->pace_failed ? send->grow_after : GROW_QUICKLY))
		return;
	send->pace++;
	send->clean = 0;
}

/* Everything that is lost of what is out at one time is one mishap: only the first loss says that
   this pace was too much. */
static void mishap(struct tftp_send *send)
{
	if (send->acked < send->mishap_end)
		return;
	send->mishap_end = send->high;
	send->pace_failed = send->pace ? send->pace : 1;
	send->grow_after *= 2;
	if (send->grow_after > GROW_AFTER_MAX)
		send->grow_after = GROW_AFTER_MAX;
	slower(send);
}

static int64_t resend_after(const struct tftp_send *send)
{
	int64_t after = send->rtt ? send->rtt + 4 * send->rtt_var : TFTP_RESEND_FIRST;

	if (after < TFTP_RESEND_FLOOR)
		after = TFTP_RESEND_FLOOR;
	after <<= send->silent;
	if (send->silent && send->window > 1 && after < TFTP_RESEND_AHEAD)
		after = TFTP_RESEND_AHEAD;
	return after < send->timeout ? after : send->timeout;
}

/* RFC 6298 section 2, in microseconds. */
static void take_rtt(struct tftp_send *send, uint64_t block, int64_t now)
{
	int64_t sample = now - send->timed_at, off;

	if (send->timed_at < 0 || block != send->timed)
		return;
	send->timed_at = -1;
	if (sample < 1)
		sample = 1;
	if (!send->rtt) {
		send->rtt = sample;
		send->rtt_var = sample / 2;
		return;
	}
	off = sample > send->rtt ? sample - send->rtt : send->rtt - sample;
	send->rtt_var += (off - send->rtt_var) / 4;
	send->rtt += (sample - send->rtt) / 8;
	if (send->rtt < 1)
		send->rtt = 1;
}

static void fail(struct tftp_send *send, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void fail(struct tftp_send *send, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(send->error, sizeof(send->error), format, args);
	va_end(args);
	send->state = TFTP_SEND_FAILED;
}

void tftp_send_abandon(struct tftp_send *send, const char *why)
{
	if (!tftp_send_ended(send))
		fail(send, "%s", why);
}

static void grant(struct tftp_send *send, const struct tftp_options *asked, unsigned int window_max)
{
	send->granted = *asked;
	/* Of an empty file it is left out: curl takes 0 for an error. */
	send->granted.has_tsize = asked->has_tsize && send->source.size;
	send->granted.tsize = send->source.size;
	if (send->granted.windowsize > window_max)
		send->granted.windowsize = window_max;
	send->blksize = asked->blksize ? asked->blksize : TFTP_BLKSIZE_DEFAULT;
	send->window = asked->windowsize ? send->granted.windowsize : 1;
	send->timeout = asked->timeout ? asked->timeout * INT64_C(1000000) : TFTP_RESEND_MAX;
}

static bool has_options(const struct tftp_options *granted)
{
	return granted->blksize || granted->timeout || granted->windowsize || granted->has_tsize;
}

void tftp_send_start(struct tftp_send *send, const struct tftp_request *request,
		     const struct tftp_source *source, unsigned int window_max, int64_t now)
{
	*send = (struct tftp_send){.source = *source,
				   .timed_at = -1,
				   .next = 1,
				   .pace = PACE_FIRST,
				   .pace_failed = UINT32_MAX,
				   .grow_after = GROW_AFTER};
	grant(send, &request->options, window_max);
	send->blocks = source->size / send->blksize + 1;
	send->limit = send->window;
	send->oack_due = has_options(&send->granted);
	send->state = send->oack_due ? TFTP_SEND_OACK : TFTP_SEND_DATA;
	send->resend_at = now + resend_after(send);
}

/* From here on only what follows the last acknowledged block counts as sent. Every second time at
   one place the first block goes out twice, so that a loss of every Nth datagram cannot take it
   each time only because always as many are sent. */
static void go_back(struct tftp_send *send, unsigned int windows)
{
	send->next = send->acked + 1;
	send->limit = send->acked + (uint64_t)windows * send->window;
	send->twice = send->window > 1 && send->returns++ % 2;
	send->probe = 0;
	send->timed_at = -1;
	send->burst = 0;
}

static void gap(struct tftp_send *send, int64_t now)
{
	if (now < send->gap_until)
		return;
	send->gap_until = now + (send->rtt > GAP_GUARD_MIN ? send->rtt : GAP_GUARD_MIN);
	send->gaps++;
	go_back(send, 1);
	mishap(send);
}

static void progress(struct tftp_send *send, uint64_t block, int64_t now)
{
	/* An acknowledgement of less than was sent tells of a gap, unless more was sent than one
	   window. */
	bool whole = block + 1 >= send->next, ahead = send->limit > send->acked + send->window;

	take_rtt(send, block, now);
	send->acked = block;
	send->silent = 0;
	send->returns = 0;
	send->twice = false;
	send->probe = 0;
	send->limit = block + send->window;
	send->burst = 0;
	send->pause_until = now;
	send->resend_at = now + resend_after(send);
	if (send->next <= block)
		send->next = block + 1;
	if (block == send->blocks) {
		send->state = TFTP_SEND_DONE;
	} else if (!whole && ahead) {
		go_back(send, 1);
	} else if (!whole) {
		gap(send, now);
	} else {
		/* The same again sooner than a round trip is the network's doing. */
		send->gap_until = now + send->rtt / 2;
		faster(send);
	}
}

static void take_ack(struct tftp_send *send, uint16_t number, int64_t now)
{
	uint64_t block = send->acked + (uint16_t)(number - (uint16_t)send->acked);

	if (send->state == TFTP_SEND_OACK) {
		if (number != 0)
			return;
		take_rtt(send, 0, now);
		send->state = TFTP_SEND_DATA;
		send->silent = 0;
		return;
	}
	if (block > send->high)
		return;
	if (block > send->acked)
		progress(send, block, now);
	else if (send->window > 1 && send->next > block + 1)
		gap(send, now);
}

void tftp_send_receive(struct tftp_send *send, const void *packet, size_t size, int64_t now)
{
	struct tftp_reply reply;

	if (tftp_send_ended(send))
		return;
	if (tftp_parse_reply(packet, size, &reply, NULL) < 0)
		return;
	if (reply.opcode == TFTP_ERROR)
		fail(send, "the client ended it: %.80s (error %u)", reply.text, reply.number);
	else
		take_ack(send, reply.number, now);
}

/* Whether U-Boot would tell of a gap, were it sent the block after the next one. */
static bool gap_is_told(const struct tftp_send *send)
{
	uint16_t ahead = (uint16_t)(send->high + 2);

	return send->high + 2 <= send->blocks && ahead < 0x8000 && ahead > (uint16_t)send->acked;
}

/* The first time the client may only be late, with its receive ring full, and there are drivers
   that never recover from an overrun (U-Boot's virtio-net has a ring of 32 and gives buffers back
   without telling the device). So it is asked with two blocks where it stands: the first one
   missing, which one that has it may answer, and one that leaves a gap; where it would not answer,
   the same window again. After that, window after window: acknowledgements may have been lost, and
   U-Boot takes only what comes behind what it has. */
static void repeat(struct tftp_send *send)
{
	unsigned int windows = send->silent < TFTP_AHEAD_MAX ? send->silent : TFTP_AHEAD_MAX;

	go_back(send, send->window > 1 ? windows : 1);
	if (send->window == 1 || send->silent > 1 || !gap_is_told(send))
		return;
	send->limit = send->next;
	send->probe = send->high + 2;
}

static void timed_out(struct tftp_send *send, int64_t now)
{
	if (++send->silent > TFTP_SILENT_MAX) {
		if (send->high == send->blocks)
			fail(send, "the last block was never acknowledged");
		else
			fail(send, "no answer from the client after %llu bytes",
			     (unsigned long long)tftp_send_bytes(send));
		return;
	}
	send->resend_at = now + resend_after(send);
	if (send->state == TFTP_SEND_OACK) {
		send->oack_due = true;
		send->resent++;
		return;
	}
	repeat(send);
	send->pause_until = now;
	if (send->silent > 1)
		return;
	if (send->acked < send->mishap_end)
		slower(send);
	else
		mishap(send);
}

static size_t next_oack(struct tftp_send *send, void *packet, int64_t now)
{
	send->oack_due = false;
	send->timed = 0;
	send->timed_at = send->silent ? -1 : now;
	send->resend_at = now + resend_after(send);
	return tftp_build_oack(packet, TFTP_BLKSIZE_DEFAULT, &send->granted);
}

static size_t next_refusal(struct tftp_send *send, void *packet)
{
	send->state = TFTP_SEND_FAILED;
	return tftp_build_error(packet, TFTP_BLKSIZE_DEFAULT, TFTP_ACCESS, send->error);
}

/* Never so long that lockstep would be faster: then it is not the pace that loses packets. */
static int64_t pause_of_burst(const struct tftp_send *send)
{
	int64_t lockstep = (int64_t)paces[send->pace].frames * send->rtt;

	if (send->rtt && lockstep < paces[send->pace].pause)
		return lockstep;
	return paces[send->pace].pause;
}

/* The pause comes after the last frame of a burst, the timer starts with every block. */
static void account(struct tftp_send *send, int64_t now)
{
	bool again = send->next <= send->high;

	if (again)
		send->resent++;
	else if (send->next == send->limit || send->next == send->blocks) {
		send->timed = send->next;
		send->timed_at = now;
	}
	if (!again)
		send->high = send->next;
	if (!send->twice)
		send->next++;
	send->twice = false;
	send->burst += frames_of_block(send);
	if (send->window > 1 && send->burst >= paces[send->pace].frames) {
		send->burst = 0;
		send->pause_until = now + pause_of_burst(send);
	}
	send->resend_at = now + resend_after(send);
}

static size_t build_block(struct tftp_send *send, uint64_t block, void *packet)
{
	uint64_t offset = (block - 1) * send->blksize, left = send->source.size - offset;
	size_t size = left < send->blksize ? (size_t)left : send->blksize;
	struct err err;

	tftp_build_data(packet, (uint16_t)block);
	if (size && send->source.read(send->source.context, offset,
				      (uint8_t *)packet + TFTP_HEADER_SIZE, size, &err) < 0) {
		fail(send, "%.100s", err.text);
		return next_refusal(send, packet);
	}
	return TFTP_HEADER_SIZE + size;
}

static size_t next_block(struct tftp_send *send, void *packet, int64_t now)
{
	size_t size = build_block(send, send->next, packet);

	if (!tftp_send_ended(send))
		account(send, now);
	return size;
}

/* Does not count as sent: nobody can acknowledge it. */
static size_t next_probe(struct tftp_send *send, void *packet)
{
	uint64_t block = send->probe;

	send->probe = 0;
	send->resent++;
	return build_block(send, block, packet);
}

/* Whether something is left to send, maybe after a pause, before the client has to answer. */
static bool may_send(const struct tftp_send *send)
{
	if (send->state == TFTP_SEND_OACK)
		return send->oack_due;
	return send->probe || (send->next <= send->limit && send->next <= send->blocks);
}

size_t tftp_send_next(struct tftp_send *send, void *packet, int64_t now)
{
	if (!tftp_send_ended(send) && !may_send(send) && now >= send->resend_at)
		timed_out(send, now);
	if (tftp_send_ended(send) || !may_send(send))
		return 0;
	if (send->state == TFTP_SEND_OACK)
		return next_oack(send, packet, now);
	if (now < send->pause_until)
		return 0;
	return send->next <= send->limit ? next_block(send, packet, now) : next_probe(send, packet);
}

int64_t tftp_send_wake(const struct tftp_send *send)
{
	if (tftp_send_ended(send))
		return INT64_MAX;
	if (!may_send(send))
		return send->resend_at;
	return send->state == TFTP_SEND_OACK ? 0 : send->pause_until;
}

bool tftp_send_ended(const struct tftp_send *send)
{
	return send->state == TFTP_SEND_DONE || send->state == TFTP_SEND_FAILED;
}

uint64_t tftp_send_bytes(const struct tftp_send *send)
{
	uint64_t bytes = send->acked * send->blksize;

	return bytes < send->source.size ? bytes : send->source.size;
}
