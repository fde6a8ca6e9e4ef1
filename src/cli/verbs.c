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
	.description = "A board is described in a board file. Flashing it goes one way: everything "
		       "is resolved into a plan; checks are made, each with a remedy when it "
		       "fails; the plan is confirmed; the stages of the work are done; what was "
		       "written is read back and compared; and a record is kept. Exit status 0 "
		       "means that the bytes on the board are the bytes of the image.\n\n"
		       "Results go to standard output, everything else to standard error. With "
		       "--json standard output has one JSON object a line and nothing else.\n\n"
		       "An interrupt (Ctrl-C), SIGTERM or SIGHUP ends the job in an orderly way: "
		       "it cleans up and the record says in what state the board was left. A "
		       "second one changes nothing.",
	.has_boards = true,
	.options = global_options,
	.verbs = verbs,
};
