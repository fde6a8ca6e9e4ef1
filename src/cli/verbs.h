// SPDX-License-Identifier: MIT
/*
 * The verbs; each has its own file. Adding one: its file, a line here and one in verbs.c.
 */
#ifndef ABOARD_CLI_VERBS_H
#define ABOARD_CLI_VERBS_H

#include "cli/cli.h"

extern const struct verb verb_boards;
extern const struct verb verb_plan;
extern const struct verb verb_flash;
extern const struct verb verb_dump;
extern const struct verb verb_shell;
extern const struct verb verb_power;
extern const struct verb verb_history;
extern const struct verb verb_build;
extern const struct verb verb_bundle;
extern const struct verb verb_doctor;
extern const struct verb verb_inspect_file;
extern const struct verb verb_help;
extern const struct verb verb_version;

#endif
