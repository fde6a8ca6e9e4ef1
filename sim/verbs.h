// SPDX-License-Identifier: MIT
/*
 * The verbs of aboard-sim: one a model.
 */
#ifndef ABOARD_SIM_VERBS_H
#define ABOARD_SIM_VERBS_H

#include "cli/cli.h"

extern const struct verb sim_verb_dfu, sim_verb_fastboot, sim_verb_k3, sim_verb_stm32mp,
	sim_verb_ums, sim_verb_help;

#endif
