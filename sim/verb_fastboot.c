// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "base/mem.h"
#include "sim/program.h"
#include "sim/verbs.h"

static const struct option options[] = {
	{.name = "media",
	 .argument = "NAME=FILE:SIZE",
	 .help = "A medium of the board, as of the model stm32mp. Default: mmc0 and mmc1, 64 MiB "
		 "of memory each.",
	 .repeatable = true},
	{.name = "mmc", .argument = "N", .help = "Default mmc device of the names (default 1)."},
	{.name = "buffer",
	 .argument = "SIZE",
	 .help = "Largest download (default 32M); max-download-size tells it."},
	{.name = "id", .argument = "VID:PID", .help = "USB id (default 0483:0afb)."},
	{.name = "env",
	 .argument = "NAME=VALUE",
	 .help = "A variable of U-Boot's environment: partitions, fastboot.NAME, "
		 "fastboot_raw_partition_NAME, fastboot_partition_alias_NAME, board, platform.",
	 .repeatable = true},
	{.name = "no-user-area", .help = "The default device has no name (mmc1) of its own."},
	{.name = "oem-run",
	 .help = "Commands of U-Boot can be sent (oem run, UCmd, ACmd): those of a script of the "
		 "model stm32mp. The buffer is at c0000000."},
	{.name = "old", .help = "An older U-Boot: no getvar:all."},
	{.name = "tcp",
	 .argument = "HOST:PORT",
	 .help = "Serve fastboot over TCP, too (port 0: any; a line tells it)."},
	{.name = "uboot-tcp", .help = "TCP as in U-Boot of 2024 to 2026: no data can be sent."},
	{.name = "udp", .argument = "HOST:PORT", .help = "Serve fastboot over UDP, too."},
	{.name = "udp-sequence",
	 .argument = "N",
	 .help = "The sequence number that is expected first (default 1)."},
	{.name = "lose",
	 .argument = "N",
	 .help = "Every Nth UDP packet is lost, of both directions (default: none)."},
	{0},
};

static const struct example examples[] = {
	{"aboard-sim fastboot --media mmc1=emmc.img:4G", "a board with an eMMC, on USB"},
	{"aboard-sim fastboot --tcp 127.0.0.1:5554", "and for `fastboot -s tcp:127.0.0.1`"},
	{0},
};

static int numbers(const struct args *args, struct fastboot_settings *settings, struct err *err)
{
	uint64_t mmc, sequence, buffer;
	int rc;

	if ((rc = sim_number(args, "mmc", 1, 9, &mmc, err)) < 0 ||
	    (rc = sim_number(args, "udp-sequence", 1, 0xffff, &sequence, err)) < 0 ||
	    (rc = sim_number(args, "lose", 0, 1000000, &settings->lose, err)) < 0 ||
	    (rc = sim_size(args, "buffer", 32 << 20, &buffer, err)) < 0)
		return rc;
	if (buffer < 4096 || buffer > (uint64_t)1 << 30)
		return err_set(err, ERR_USAGE, "--buffer: it is 4 KiB to 1 GiB");
	settings->mmc = (unsigned int)mmc;
	settings->udp_sequence = (uint16_t)sequence;
	settings->buffer = (uint32_t)buffer;
	return sim_id(args, "id", &settings->vid, &settings->pid, err);
}

static int make(struct cli *cli, struct sim_device **device, const struct sim_settings *common,
		struct err *err)
{
	static const char *const memory[] = {"mmc0=:64M", "mmc1=:64M", NULL};
	struct sim_cli *own = container_of(cli, struct sim_cli, cli);
	const struct args *args = cli->args;
	_cleanup_(freep) const char **media = args_values(args, "media");
	_cleanup_(freep) const char **env = args_values(args, "env");
	struct fastboot_settings settings = {
		.media = media[0] ? media : memory,
		.env = env,
		.vid = 0x0483,
		.pid = 0x0afb,
		.no_user_area = args_flag(args, "no-user-area", false),
		.old = args_flag(args, "old", false),
		.oem_run = args_flag(args, "oem-run", false),
		.tcp = args_value(args, "tcp", NULL),
		.udp = args_value(args, "udp", NULL),
		.uboot_tcp = args_flag(args, "uboot-tcp", false),
		.loop = own->loop,
		.lines = &own->lines,
	};
	int rc = numbers(args, &settings, err);

	return rc < 0 ? rc : fastboot_model_new(device, common, &settings, err);
}

static int run(struct cli *cli, struct err *err)
{
	return sim_make_devices(cli, make, err);
}

const struct verb sim_verb_fastboot = {
	.name = "fastboot",
	.summary = "a board whose U-Boot is in fastboot, on USB, TCP and UDP",
	.description = "U-Boot's implementation: answers of 64 bytes, its commands and variables, "
		       "its names of partitions, its checks of sparse images, and nothing that "
		       "reads back.",
	.options = options,
	.examples = examples,
	.run = run,
};
