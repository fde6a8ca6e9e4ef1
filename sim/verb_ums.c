// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "base/mem.h"
#include "sim/program.h"
#include "sim/verbs.h"

static const struct option options[] = {
	{.name = "media",
	 .argument = "NAME=FILE:SIZE",
	 .help = "A medium, as of the model stm32mp; each is a disk (LUN). Default: mmc0, 64 MiB "
		 "of memory.",
	 .repeatable = true},
	{.name = "id", .argument = "VID:PID", .help = "USB id (default 0483:5720)."},
	{.name = "eject-ends",
	 .help = "Ejecting ends ums, as in recent U-Boot: the device is gone from the bus."},
	{0},
};

static const struct example examples[] = {
	{"aboard-sim ums --media mmc0=sd.img:4G", "a card as a USB disk"},
	{0},
};

static int make(struct cli *cli, struct sim_device **device, const struct sim_settings *common,
		struct err *err)
{
	static const char *const memory[] = {"mmc0=:64M", NULL};
	_cleanup_(freep) const char **media = args_values(cli->args, "media");
	struct ums_settings settings = {
		.media = media[0] ? media : memory,
		.vid = 0x0483,
		.pid = 0x5720,
		.eject_ends = args_flag(cli->args, "eject-ends", false),
	};
	int rc = sim_id(cli->args, "id", &settings.vid, &settings.pid, err);

	return rc < 0 ? rc : ums_model_new(device, common, &settings, err);
}

static int run(struct cli *cli, struct err *err)
{
	return sim_make_devices(cli, make, err);
}

const struct verb sim_verb_ums = {
	.name = "ums",
	.summary = "a board whose U-Boot shows its media as USB disks",
	.description = "U-Boot's command ums: Bulk-Only Transport, SCSI-2 with 10-byte commands, a "
		       "UNIT ATTENTION at first, INQUIRY as \"Linux UMS disk N\".",
	.options = options,
	.examples = examples,
	.run = run,
};
