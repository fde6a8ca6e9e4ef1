// SPDX-License-Identifier: MIT
/* What the tests of a sending transfer share. To be included after cmocka.h. */
#ifndef ABOARD_TESTS_TFTP_RIG_H
#define ABOARD_TESTS_TFTP_RIG_H

#include "tftp_sim.h"

#define MS     INT64_C(1000)
#define SECOND INT64_C(1000000)

static const enum sim_kind windowed[] = {SIM_RFC, SIM_UBOOT, SIM_UBOOT_FIRST};

/* Runs it; unless it ends well within `limit` us, says which one it was and fails. */
static inline struct sim_result good(const struct sim_setup *setup, int64_t limit, const char *what,
				     unsigned int at)
{
	struct sim_result result = sim_run(setup);

	if (result.state != TFTP_SEND_DONE || !result.whole || result.time > limit)
		fail_msg("%s at %u: client %d, window %u, state %d (%s), whole %d, %lld us", what,
			 at, setup->kind, setup->options.windowsize, result.state, result.error,
			 result.whole, (long long)result.time);
	return result;
}

#endif
