// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "base/mem.h"
#include "sim/program.h"
#include "sim/verbs.h"

static const struct option options[] = {
	{.name = "alt",
	 .argument = "NAME=FILE",
	 .help = "An alternate setting that is this file; it becomes as long as what is sent. With "
		 ":SIZE behind it, it keeps that size. NAME=:SIZE is memory.",
	 .repeatable = true},
	{.name = "id", .argument = "VID:PID", .help = "USB id (default 1d50:6089)."},
	{.name = "transfer-size", .argument = "BYTES", .help = "wTransferSize (default 1024)."},
	{.name = "poll-ms",
	 .argument = "MS",
	 .help = "bwPollTimeout of a block: so long it answers dfuDNBUSY (default 0)."},
	{.name = "manifest-ms",
	 .argument = "MS",
	 .help = "bwPollTimeout of manifestation (default 0)."},
	{.name = "dfu-version",
	 .argument = "BCD",
	 .help = "bcdDFUVersion (default 0x0110); 0x011a is what ST's DfuSe tells."},
	{.name = "intolerant",
	 .help = "Not manifestation tolerant: after a download it waits for a reset of the bus."},
	{.name = "no-upload", .help = "It cannot be read."},
	{.name = "no-download", .help = "It cannot be written."},
	{.name = "uboot",
	 .help = "Behaves as U-Boot's gadget does: dfuDNLOAD-IDLE at once, busy inside of "
		 "transfers, DETACH in dfuIDLE leaves."},
	{0},
};

static const struct example examples[] = {
	{"aboard-sim dfu --alt firmware=fw.bin --alt config=:4K", "one file, and 4 KiB of memory"},
	{0},
};

static int make(struct cli *cli, struct sim_device **device, const struct sim_settings *common,
		struct err *err)
{
	const struct args *args = cli->args;
	_cleanup_(freep) const char **alts = args_values(args, "alt");
	struct dfu_settings settings = {.alts = alts, .vid = 0x1d50, .pid = 0x6089};
	uint64_t size, poll_ms, manifest_ms, version;
	int rc;

	if ((rc = sim_id(args, "id", &settings.vid, &settings.pid, err)) < 0 ||
	    (rc = sim_number(args, "transfer-size", args_flag(args, "uboot", false) ? 4096 : 1024,
			     4096, &size, err)) < 0 ||
	    (rc = sim_number(args, "poll-ms", 0, 0xffffff, &poll_ms, err)) < 0 ||
	    (rc = sim_number(args, "manifest-ms", 0, 0xffffff, &manifest_ms, err)) < 0 ||
	    (rc = sim_number(args, "dfu-version", 0x0110, 0xffff, &version, err)) < 0)
		return rc;
	settings.transfer_size = (uint16_t)size;
	settings.poll_ms = (uint32_t)poll_ms;
	settings.manifest_ms = (uint32_t)manifest_ms;
	settings.version = (uint16_t)version;
	settings.intolerant = args_flag(args, "intolerant", false);
	settings.no_upload = args_flag(args, "no-upload", false);
	settings.no_download = args_flag(args, "no-download", false);
	settings.uboot = args_flag(args, "uboot", false);
	return dfu_model_new(device, common, &settings, err);
}

static int run(struct cli *cli, struct err *err)
{
	return sim_make_devices(cli, make, err);
}

const struct verb sim_verb_dfu = {
	.name = "dfu",
	.summary = "a device in DFU mode (USB DFU 1.1)",
	.description = "The state machine of the standard's appendix A, strictly: what a host does "
		       "out of turn is stalled and leads to dfuERROR, and a poll timeout that is "
		       "not waited for is an error.\n\nWith --uboot it is the gadget of U-Boot, "
		       "with its deviations.",
	.options = options,
	.examples = examples,
	.run = run,
};
