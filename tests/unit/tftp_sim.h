// SPDX-License-Identifier: MIT
/*
 * A sending transfer against a client, a network and a clock that are all simulated: nothing waits,
 * every run is the same, time is counted in microseconds of the simulation. The clients behave as
 * the receivers of the field do when packets are lost, which is where they differ.
 */
#ifndef ABOARD_TESTS_TFTP_SIM_H
#define ABOARD_TESTS_TFTP_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/tftp_send.h"

enum sim_kind {
	SIM_RFC,         /* RFC 1350 and 7440: acknowledges a window, and what it has at any gap or
			    repetition */
	SIM_UBOOT,       /* newer U-Boots: one acknowledgement a gap, by a comparison that is wrong
			    from block 32768 on; silent on what it has already */
	SIM_UBOOT_FIRST, /* U-Boot 2020.07 to at least 2023.01: any block that is not the next one
			    counts as a gap */
	SIM_UBOOT_OLD, /* U-Boot before windows: takes any block but a repetition of the last one */
};

enum sim_way {
	SIM_TO_CLIENT,
	SIM_TO_SERVER,
	SIM_IN_CLIENT
};

/* What happens to one packet. `place`: how many packets have gone that way before. `block`: the
   number in it. `copies`: 0 loses it, 2 doubles it. `delay`: us on top of the network's. */
struct sim_fate {
	unsigned int copies;
	int64_t delay;
};

struct sim_setup {
	enum sim_kind kind;
	struct tftp_options options; /* of the request */
	unsigned int window_max;     /* of the server; 0: TFTP_WINDOW_DEFAULT */
	uint64_t size;               /* of the file */
	int64_t latency;             /* us one way; 0: 100 */
	int64_t frame_time;          /* us a packet occupies the wire; 0: 12 */
	unsigned int ring;           /* frames the client's receive ring holds; 0: any */
	int64_t drain_time;          /* us the client takes for each */
	bool brittle;                /* an overrun of the ring ends it for good */
	int64_t away_at, away_for;   /* us: then, and so long, the client handles nothing */
	int64_t client_timeout;      /* us; 0: 5 s as U-Boot */
	struct sim_fate (*fate)(void *context, enum sim_way way, unsigned int place,
				unsigned int opcode, uint16_t block);
	void *context;
};

struct sim_result {
	enum tftp_send_state state; /* of the sender at the end */
	char error[128];
	bool whole;      /* the client has all of the file, each byte right */
	int64_t done_at; /* us: when the client had the last block */
	int64_t time;    /* us: when the sender ended */
	uint64_t sent;   /* datagrams of the server */
	uint64_t acks;   /* packets of the client */
	uint64_t blocks; /* of the file */
	uint64_t resent;
	uint64_t gaps;
};

/* Runs one transfer to its end, at most an hour of simulated time. */
struct sim_result sim_run(const struct sim_setup *setup);

/* Gives the bytes of the file that is sent, as a struct tftp_source wants them. */
int sim_read(void *context, uint64_t offset, void *data, size_t size, struct err *err);

#endif
