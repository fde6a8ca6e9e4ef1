// SPDX-License-Identifier: MIT
/*
 * A poll loop: descriptors and moments that something waits for.
 */
#ifndef ABOARD_SIM_LOOP_H
#define ABOARD_SIM_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define LOOP_NEVER INT64_MAX

/* Belongs to whoever waits; embedded in it. */
struct loop_watch {
	int fd;         /* -1: only a moment */
	short events;   /* of poll(2) */
	int64_t due_us; /* on loop_now(); LOOP_NEVER: none */
	/* Something of it has happened; `events` is what poll(2) says. It may be called without
	   need. The watch may be removed, and freed, in it. */
	void (*wake)(struct loop_watch *watch, short events, int64_t now_us);
};

struct loop {
	struct loop_watch **watches; /* NULL: removed */
	size_t count;
	bool stop; /* ends loop_run() */
};

int64_t loop_now(void); /* microseconds on the monotonic clock */

void loop_add(struct loop *loop, struct loop_watch *watch);
void loop_remove(struct loop *loop, struct loop_watch *watch);

/* Runs until `stop` is set. */
int loop_run(struct loop *loop, struct err *err);
void loop_free(struct loop *loop);

#endif
