// SPDX-License-Identifier: MIT
#include "cli/verbs.h"

static const struct option global_options[] = {
	{.name = "boards",
	 .argument = "FILE",
	 .help = "Board file to use, instead of ./aboard.yaml and the configuration folder."},
	{.name = "json",
	 .help = "JSON on standard output, one object a line, and nothing else there."},
	{.name = "yes", .letter = 'y', .help = "Say yes in advance: nothing is asked."},
	{.name = "verbose", .letter = 'v', .help = "Tell more.", .repeatable = true},
	{.name = "quiet", .letter = 'q', .help = "Tell only what goes wrong."},
	{.name = "help", .letter = 'h', .help = "Tell how the command is used."},
	{.name = "version", .help = "Print the version."},
	{0},
};

static const struct verb *const verbs[] = {
	&verb_boards,  &verb_plan,  &verb_flash,        &verb_dump,   &verb_shell,  &verb_power,
	&verb_history, &verb_build, &verb_inspect_file, &verb_bundle, &verb_doctor, &verb_help,
	&verb_version, NULL,
};

const struct program aboard_program = {
	.name = "aboard",
	.version = ABOARD_VERSION,
	.summary = "put an image on a board and prove that it is there",
	.options = global_options,
	.verbs = verbs,
};
