// SPDX-License-Identifier: MIT
#include "sim/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/mem.h"

int64_t loop_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void loop_add(struct loop *loop, struct loop_watch *watch)
{
	loop->watches = xrealloc(loop->watches, loop->count + 1, sizeof(struct loop_watch *));
	loop->watches[loop->count++] = watch;
}

void loop_remove(struct loop *loop, struct loop_watch *watch)
{
	size_t i;

	for (i = 0; i < loop->count; i++)
		if (loop->watches[i] == watch)
			loop->watches[i] = NULL;
}

static void compact(struct loop *loop)
{
	size_t i, kept = 0;

	for (i = 0; i < loop->count; i++)
		if (loop->watches[i])
			loop->watches[kept++] = loop->watches[i];
	loop->count = kept;
}

/* The time until the first moment that is waited for. */
static const struct timespec *time_left(const struct loop *loop, struct timespec *left)
{
	int64_t due = LOOP_NEVER;
	size_t i;

	for (i = 0; i < loop->count; i++)
		if (loop->watches[i]->due_us < due)
			due = loop->watches[i]->due_us;
	if (due == LOOP_NEVER)
		return NULL;
	due -= loop_now();
	if (due < 0)
		due = 0;
	left->tv_sec = (time_t)(due / 1000000);
	left->tv_nsec = (long)(due % 1000000) * 1000;
	return left;
}

static void wake_all(struct loop *loop, const struct pollfd *fds, size_t count)
{
	struct loop_watch *watch;
	int64_t now;
	size_t i;

	for (i = 0; i < count; i++) {
		watch = loop->watches[i];
		now = loop_now();
		if (watch && (fds[i].revents || watch->due_us <= now))
			watch->wake(watch, fds[i].revents, now);
	}
}

int loop_run(struct loop *loop, struct err *err)
{
	struct timespec left;
	size_t i;

	/* Transfers cost fractions of a millisecond: wake up as exactly as the kernel can. */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	while (!loop->stop) {
		_cleanup_(freep) struct pollfd *fds = NULL;

		compact(loop);
		fds = xcalloc(loop->count + 1, sizeof(*fds));
		for (i = 0; i < loop->count; i++)
			fds[i] = (struct pollfd){.fd = loop->watches[i]->fd,
						 .events = loop->watches[i]->events};
		if (ppoll(fds, loop->count, time_left(loop, &left), NULL) < 0 && errno != EINTR)
			return err_errno(err, ERR_INTERNAL, "waiting");
		wake_all(loop, fds, loop->count);
	}
	return 0;
}

void loop_free(struct loop *loop)
{
	free(loop->watches);
	*loop = (struct loop){0};
}
