// SPDX-License-Identifier: MIT
/* Power by the hand of the person at the terminal. */
#include "power/ways.h"

#include "base/mem.h"

#define PERSON_MS (10 * 60 * 1000)

static const struct key manual_keys[] = {{0}};

/* A person needs longer than a relay. */
static int manual_open(struct power *power, struct err *err)
{
	(void)err;
	power->timeout_ms = yaml_duration_ms(power->settings, "timeout", PERSON_MS);
	return 0;
}

static int manual_set(struct power *power, bool on, struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *question =
		xasprintf("switch %s %s, then press Enter", power->board, on ? "on" : "off");

	if (power->ask)
		return power->ask(power->ask_context, question, deadline, err);
	err_set(err, ERR_POWER, "a person is needed to switch it, and none is at a terminal");
	return err_remedy(err,
			  "run it from a terminal, or give the board another way to switch power");
}

const struct power_way power_manual = {
	.name = "manual",
	.summary = "asks the person at the terminal",
	.keys = manual_keys,
	.open = manual_open,
	.set = manual_set,
};
