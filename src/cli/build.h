// SPDX-License-Identifier: MIT
/*
 * What the sub-verbs of `aboard build` share.
 */
#ifndef ABOARD_CLI_BUILD_H
#define ABOARD_CLI_BUILD_H

#include "cli/cli.h"

extern const struct verb verb_build_disk;
extern const struct verb verb_build_script;
extern const struct verb verb_build_fit;
extern const struct verb verb_build_stm32;

#endif
