// SPDX-License-Identifier: MIT
/*
 * What the sub-verbs of `aboard build` have in common: options, notes for people and machines, and
 * the environment configuration files see.
 */
#ifndef ABOARD_CLI_BUILD_NOTES_H
#define ABOARD_CLI_BUILD_NOTES_H

#include <jansson.h>

#include "build/notes.h"
#include "cli/cli.h"

/* Options of the builders that read ImageBuilder's configurations. */
#define BUILD_CONFIG_OPTIONS                                                                  \
	{.name = "config", .letter = 'c', .argument = "FILE", .help = "Configuration file."}, \
	{                                                                                     \
		.name = "directory", .letter = 'd', .argument = "DIR",                        \
		.help = "Folder that every file in the configuration is relative to."         \
	}

/* Notices on standard output (not with --json or --quiet), warnings on standard error. */
void build_print_notes(const struct cli *cli, const struct notes *notes);

/* [{"level": "notice"|"warning", "text": ...}] */
json_t *build_notes_json(const struct notes *notes);

/* The environment with the PWD a shell would set; for $NAME in a configuration file. The caller's:
   _cleanup_(build_free_texts). */
char **build_environment(void);
void build_free_texts(char ***texts);

#endif
