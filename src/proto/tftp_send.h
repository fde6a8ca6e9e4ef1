// SPDX-License-Identifier: MIT
/*
 * One file being sent by TFTP: the state machine alone, without sockets and clocks. Its owner feeds
 * it the packets of one client and the time, asks it for the next datagram, and waits no longer
 * than it says. Options and windows as in RFC 2347, 2348, 2349 and 7440.
 *
 * What shapes it is U-Boot (net/tftp.c), whose windowed receiver acknowledges a window's last
 * block, and a gap only once for one place, never for a received number of 32768 or more and never
 * across the wrap of the numbers; and which stays silent on what it has already, so that a lost
 * acknowledgement is not made good by sending the window again. So:
 *
 *  - the sender has a timer of its own, of the round trips it has measured;
 *  - when the timer fires on a window the client is first asked, with two blocks, where it is: it
 *    may only be late. If it stays silent, sending goes on from the first block not acknowledged,
 *    and further than RFC 7440 says: to where the client's next acknowledgement must come,
 *    whichever of them was lost. A client that asked for windowsize knows by the number what it
 *    cannot use. Without windowsize nothing is ever sent ahead: the U-Boots of before 2020.07
 *    store any block they get;
 *  - where it goes back to the same block again and again, that one goes out twice every second
 *    time: a periodic loss must not fall into step with what is sent;
 *  - within a window blocks go out in bursts with short pauses between. What is granted cannot be
 *    changed later and U-Boot acknowledges only at its end, but receive rings are as short as four
 *    frames. Bursts start at 8, grow while windows pass whole, and shrink on gaps;
 *  - a gap is acted on once a round trip, and in lockstep a repeated acknowledgement never is: no
 *    sorcerer's apprentice.
 */
#ifndef ABOARD_PROTO_TFTP_SEND_H
#define ABOARD_PROTO_TFTP_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "proto/tftp.h"

/* Where the bytes come from. `read` gives exactly `size` bytes at `offset` (both inside the file)
   or fails; it is asked for the same place again when a block is lost. */
struct tftp_source {
	int (*read)(void *context, uint64_t offset, void *data, size_t size, struct err *err);
	void *context;
	uint64_t size; /* of the file, in bytes */
};

enum tftp_send_state {
	TFTP_SEND_OACK,   /* waiting for ACK 0 */
	TFTP_SEND_DATA,   /* sending blocks */
	TFTP_SEND_DONE,   /* the last block is acknowledged */
	TFTP_SEND_FAILED, /* `error` says why */
};

#define TFTP_WINDOW_MAX     1024 /* largest windowsize ever granted, in blocks */
#define TFTP_WINDOW_DEFAULT 64   /* where RFC 7440's own figures flatten */
#define TFTP_SILENT_MAX     12   /* timeouts in a row before the client is given up */
#define TFTP_AHEAD_MAX      4    /* windows sent at once at most, after timeouts */

/* The wait before what is not acknowledged is sent again, in us: while nothing was measured; at
   least, as a client may be busy, or emulated on a busy machine; at most, unless another timeout
   was negotiated. It doubles with every timeout. */
#define TFTP_RESEND_FIRST 300000
#define TFTP_RESEND_FLOOR 50000
#define TFTP_RESEND_MAX   5000000
#define TFTP_RESEND_AHEAD 1000000 /* at least, before more than a window is sent again */

/* All times are microseconds on one clock that never goes back. Read only for the owner. */
struct tftp_send {
	enum tftp_send_state state;
	struct tftp_source source;
	struct tftp_options granted; /* what the OACK says; all absent: there is none */
	uint32_t blksize;
	uint32_t window;
	uint64_t blocks; /* in all; the last is shorter than blksize, maybe empty */

	uint64_t acked; /* the last block acknowledged; blocks count from 1 and do not wrap here */
	uint64_t next;  /* the block to send next */
	uint64_t high;  /* the highest block that was ever sent */
	uint64_t limit; /* the highest block that may be sent before another acknowledgement */
	uint64_t probe; /* a block to send out of order, so that the client tells of the gap; 0:
			   none */
	bool twice;     /* the block to send next is to be sent again after that */
	bool oack_due;

	int64_t timeout;      /* us: ceiling between repetitions */
	int64_t resend_at;    /* when to send again what is not acknowledged */
	unsigned int silent;  /* timeouts since anything was acknowledged */
	unsigned int returns; /* times it was sent again from the last block acknowledged */
	uint64_t timed;       /* the block (0: the OACK) whose acknowledgement will be timed, */
	int64_t timed_at;     /* sent at this time; -1: none */
	int64_t rtt;          /* smoothed, as in RFC 6298; 0: not measured */
	int64_t rtt_var;
	int64_t gap_until; /* gaps are not acted on before */

	unsigned int pace;        /* row of the table of paces */
	unsigned int burst;       /* frames sent since the last pause */
	int64_t pause_until;      /* no block before */
	unsigned int clean;       /* windows passed whole since the pace was changed */
	unsigned int pace_failed; /* the row where a gap came last */
	unsigned int grow_after;  /* windows before that row is tried again */
	uint64_t mishap_end;      /* `high` when the last loss was seen: until there all is one */

	uint64_t resent; /* datagrams sent again */
	uint64_t gaps;   /* gaps the client told of */
	char error[128]; /* why it failed */
};

/* Begins (again) a transfer for a read request in octet mode. `window_max`: the largest windowsize
   to grant, 1..TFTP_WINDOW_MAX. */
void tftp_send_start(struct tftp_send *send, const struct tftp_request *request,
		     const struct tftp_source *source, unsigned int window_max, int64_t now);

/* A packet came from the client. Anything that makes no sense is ignored. */
void tftp_send_receive(struct tftp_send *send, const void *packet, size_t size, int64_t now);

/* Builds the datagram to send now in `packet` (TFTP_HEADER_SIZE + blksize bytes at most, and at
   least 512) and returns its size; 0: none now, ask again at tftp_send_wake(). */
size_t tftp_send_next(struct tftp_send *send, void *packet, int64_t now);

/* Ends it, with `why` (cut after 127 bytes) as the error. */
void tftp_send_abandon(struct tftp_send *send, const char *why);

/* When to call tftp_send_next() again even if nothing comes; INT64_MAX when it has ended. */
int64_t tftp_send_wake(const struct tftp_send *send);

bool tftp_send_ended(const struct tftp_send *send);

/* Bytes the client has acknowledged. */
uint64_t tftp_send_bytes(const struct tftp_send *send);

#endif
