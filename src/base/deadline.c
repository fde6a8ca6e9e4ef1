// SPDX-License-Identifier: MIT
#include "base/deadline.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct deadline deadline_of_cancel(int cancel_fd, int64_t ms)
{
	return (struct deadline){.at_ms = clock_ms() + ms, .cancel_fd = cancel_fd};
}

struct deadline deadline_in(struct deadline outer, int64_t ms)
{
	struct deadline inner = deadline_of_cancel(outer.cancel_fd, ms);

	if (inner.at_ms > outer.at_ms)
		inner.at_ms = outer.at_ms;
	return inner;
}

int64_t deadline_left_ms(struct deadline deadline)
{
	int64_t left;

	if (deadline.at_ms == INT64_MAX)
		return INT64_MAX;
	left = deadline.at_ms - clock_ms();
	return left > 0 ? left : 0;
}

static bool cancelled(int cancel_fd)
{
	struct pollfd fd = {.fd = cancel_fd, .events = POLLIN};

	return cancel_fd >= 0 && poll(&fd, 1, 0) > 0;
}

int deadline_check(struct deadline deadline, struct err *err)
{
	if (cancelled(deadline.cancel_fd))
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (deadline_left_ms(deadline) == 0)
		return err_set(err, ERR_TIMEOUT, "timed out");
	return 0;
}

static int poll_timeout(struct deadline deadline)
{
	int64_t left = deadline_left_ms(deadline);

	if (left == INT64_MAX)
		return -1;
	return left > INT_MAX ? INT_MAX : (int)left;
}

int deadline_poll(struct pollfd *fds, nfds_t count, struct deadline deadline, struct err *err)
{
	struct pollfd all[DEADLINE_FDS + 1];
	int ready;

	if (count > DEADLINE_FDS)
		return err_set(err, ERR_INTERNAL, "too many descriptors to wait for");
	if (count)
		memcpy(all, fds, count * sizeof(*fds));
	all[count] = (struct pollfd){.fd = deadline.cancel_fd, .events = POLLIN};
	do {
		ready = poll(all, count + 1, poll_timeout(deadline));
	} while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return err_errno(err, ERR_INTERNAL, "poll");
	if (all[count].revents)
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (ready == 0)
		return err_set(err, ERR_TIMEOUT, "timed out");
	if (count)
		memcpy(fds, all, count * sizeof(*fds));
	return ready;
}

int deadline_pause(int64_t ms, struct deadline deadline, struct err *err)
{
	struct deadline pause = deadline_in(deadline, ms);
	int rc = deadline_poll(NULL, 0, pause, err);

	if (rc == -ERR_TIMEOUT)
		return deadline_left_ms(deadline) > 0 ? 0 : rc;
	return rc;
}
