// SPDX-License-Identifier: MIT
/*
 * Waiting. Everything that waits takes a struct deadline: a moment on the monotonic clock, and the
 * job's cancel descriptor, which becomes readable when the user or a signal ends the job. So every
 * wait ends in time, and Ctrl-C ends any wait at once.
 */
#ifndef ABOARD_BASE_DEADLINE_H
#define ABOARD_BASE_DEADLINE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct deadline {
	int64_t at_ms; /* on clock_ms(); INT64_MAX: no end */
	int cancel_fd; /* readable means: stop; -1: none. Borrowed. Never read from, so it stays
			  readable. */
};

#define DEADLINE_NEVER ((struct deadline){.at_ms = INT64_MAX, .cancel_fd = -1})

/* Milliseconds on CLOCK_MONOTONIC. */
int64_t clock_ms(void);

/* `ms` from now, but never later than `outer`, and cancelled with it. */
struct deadline deadline_in(struct deadline outer, int64_t ms);

/* `ms` from now, cancelled with `outer`, whatever outer's own moment is: for cleaning up after a
 * deadline has passed. */
struct deadline deadline_of_cancel(int cancel_fd, int64_t ms);

/* Milliseconds left, at least 0. */
int64_t deadline_left_ms(struct deadline deadline);

/* 0 while there is time; -ERR_TIMEOUT or -ERR_CANCELLED, filled in, when not. */
int deadline_check(struct deadline deadline, struct err *err);

/* poll(2) on up to DEADLINE_FDS descriptors. Returns how many are ready (> 0), -ERR_TIMEOUT,
   -ERR_CANCELLED or -ERR_INTERNAL. The text of the error says only "timed out after ..."; the
   caller prefixes what it was waiting for. */
#define DEADLINE_FDS 8
int deadline_poll(struct pollfd *fds, nfds_t count, struct deadline deadline, struct err *err);

/* Waits `ms` (or until cancelled): for a device that needs a pause, never as a way to wait for
 * something to happen. */
int deadline_pause(int64_t ms, struct deadline deadline, struct err *err);

#endif
