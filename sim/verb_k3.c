// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "base/mem.h"
#include "sim/program.h"
#include "sim/verbs.h"

static const struct option options[] = {
	{.name = "soc",
	 .argument = "am62x|am64x|am62l|am65x|j721e|j7200|j721s2",
	 .help = "Which SoC (default am62x)."},
	{.name = "type",
	 .argument = "gp|hs-fs|hs-se",
	 .help = "Security type, as SocId tells it (default hs-fs)."},
	{.name = "media",
	 .argument = "NAME=FILE:SIZE",
	 .help = "The board's eMMC, such as mmc1=emmc.img:4G. With it, U-Boot offers the alternate "
		 "settings rawemmc, tiboot3.bin.raw... at the end; without, the board boots and "
		 "is gone from the bus."},
	{.name = "wait-detach",
	 .help = "The SPL that takes tispl.bin waits for DETACH (or a reset of the bus)."},
	{.name = "answers-last",
	 .help = "The ROM answers the GETSTATUS after the last block before it goes."},
	{.name = "stalls-last", .help = "It stalls it, instead of being gone without an answer."},
	{.name = "manifest-ms",
	 .argument = "MS",
	 .help = "bwPollTimeout of manifestation (default 0; many boards have 300)."},
	{0},
};

static const struct example examples[] = {
	{"aboard-sim k3", "an AM62x board that is booted over USB"},
	{"aboard-sim k3 --fault round@1", "one that wants tiboot3.bin twice"},
	{0},
};

static int make(struct cli *cli, struct sim_device **device, const struct sim_settings *common,
		struct err *err)
{
	const struct args *args = cli->args;
	_cleanup_(freep) const char **media = args_values(args, "media");
	struct k3_settings settings = {
		.soc = args_value(args, "soc", "am62x"),
		.type = args_value(args, "type", "hs-fs"),
		.media = media,
		.wait_detach = args_flag(args, "wait-detach", false),
		.answers_last = args_flag(args, "answers-last", false),
		.stalls_last = args_flag(args, "stalls-last", false),
	};
	uint64_t manifest_ms;
	int rc = sim_number(args, "manifest-ms", 0, 0xffffff, &manifest_ms, err);

	if (rc < 0)
		return rc;
	settings.manifest_ms = (uint32_t)manifest_ms;
	return k3_model_new(device, common, &settings, err);
}

static int run(struct cli *cli, struct err *err)
{
	return sim_make_devices(cli, make, err);
}

const struct verb sim_verb_k3 = {
	.name = "k3",
	.summary = "a board with a TI K3 SoC in USB peripheral boot",
	.description =
		"The boot ROM with the alternate settings bootloader and SocId, then U-Boot's SPLs "
		"for (sysfw.itb,) tispl.bin and u-boot.img, each as another device. A file that is "
		"none of its kind brings the same ROM back, or leaves a dead board.\n\nThe stages "
		"for faults are the names of the files' alternate settings: bootloader, sysfw.itb, "
		"tispl.bin, u-boot.img, and emmc.",
	.options = options,
	.examples = examples,
	.run = run,
};
