// SPDX-License-Identifier: MIT
#include "cli/output.h"
#include "cli/verbs.h"

static int run(struct cli *cli, struct err *err)
{
	(void)err;
	if (cli->json)
		json_print(stdout, json_pack("{sssssi}", "name", aboard_program.name, "version",
					     aboard_program.version, "events", EVENTS_VERSION));
	else
		printf("%s %s\n", aboard_program.name, aboard_program.version);
	return 0;
}

const struct verb verb_version = {
	.name = "version",
	.summary = "print the version",
	.description = "With --json also the version of the events that --json gives.",
	.run = run,
};
