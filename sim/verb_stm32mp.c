// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "base/mem.h"
#include "sim/program.h"
#include "sim/verbs.h"

static const struct option options[] = {
	{.name = "chip",
	 .argument = "mp13|mp15|mp21|mp23|mp25",
	 .help = "Which family (default mp15)."},
	{.name = "media",
	 .argument = "NAME=FILE:SIZE",
	 .help = "A medium of the board: mmc0 is an SD card, mmc1 and mmc2 are eMMC with boot "
		 "partitions in FILE.boot1 and FILE.boot2, norN, nandN and spi-nandN have ST's "
		 "usual partitions. %d in FILE is the number of the device. NAME=:SIZE is memory. "
		 "Default: mmc0 and mmc1, 64 MiB of memory each.",
	 .repeatable = true},
	{.name = "otp", .argument = "FILE", .help = "Keep the OTP words there (4 bytes each)."},
	{.name = "console", .argument = "FILE", .help = "Append what U-Boot prints to it."},
	{.name = "dfu-buffer",
	 .argument = "SIZE",
	 .help = "What U-Boot gathers before it writes (default 8M)."},
	{.name = "fastboot-buffer",
	 .argument = "SIZE",
	 .help = "Largest download of U-Boot's fastboot (default 32M)."},
	{.name = "old-tfa",
	 .help = "TF-A v2.0 to v2.4 of ST, which asks for the layout before U-Boot (mp15)."},
	{.name = "spl",
	 .help = "The first loader is U-Boot's SPL instead of TF-A: a DFU device with the one "
		 "alternate setting u-boot.itb, no phases and no serial number."},
	{.name = "realistic",
	 .help = "Times of transfers, of writing and of absences as measured on boards."},
	{.name = "closed", .help = "A secured chip: U-Boot shows no OTP."},
	{.name = "no-pmic", .help = "A board without an STPMIC: reading it fails."},
	{.name = "no-script-slot",
	 .help = "U-Boot of v2020: a script in the layout's place is not run."},
	{.name = "no-crc32", .help = "U-Boot has no command crc32."},
	{.name = "no-hash", .help = "U-Boot has no command hash."},
	{.name = "no-fastboot", .help = "U-Boot has no command fastboot."},
	{.name = "no-ums", .help = "U-Boot has no command ums."},
	{0},
};

static const struct example examples[] = {
	{"aboard-sim stm32mp --media mmc0=sd.img:1G", "an STM32MP157 board with an SD card"},
	{"aboard-sim stm32mp --chip mp25 --count 8 --media mmc1=emmc%d.img:4G", "eight of MP25"},
	{0},
};

static int check_old(const struct stm_settings *settings, struct err *err)
{
	if (settings->old_tfa && settings->spl)
		return err_set(err, ERR_USAGE, "--old-tfa and --spl: the loader is one of them");
	if (!settings->old_tfa || settings->chip[3] == '5')
		return 0;
	return err_set(err, ERR_USAGE, "--old-tfa: there was no such TF-A for %s", settings->chip);
}

static int make(struct cli *cli, struct sim_device **device, const struct sim_settings *common,
		struct err *err)
{
	const struct args *args = cli->args;
	static const char *const memory[] = {"mmc0=:64M", "mmc1=:64M", NULL};
	_cleanup_(freep) const char **media = args_values(args, "media");
	struct stm_settings settings = {
		.chip = args_value(args, "chip", "mp15"),
		.media = media[0] ? media : memory,
		.otp = args_value(args, "otp", NULL),
		.console = args_value(args, "console", NULL),
		.spl = args_flag(args, "spl", false),
		.old_tfa = args_flag(args, "old-tfa", false),
		.realistic = args_flag(args, "realistic", false),
		.closed = args_flag(args, "closed", false),
		.no_pmic = args_flag(args, "no-pmic", false),
		.no_script_slot = args_flag(args, "no-script-slot", false),
		.no_crc32 = args_flag(args, "no-crc32", false),
		.no_hash = args_flag(args, "no-hash", false),
		.no_fastboot = args_flag(args, "no-fastboot", false),
		.no_ums = args_flag(args, "no-ums", false),
	};
	int rc = check_old(&settings, err);

	if (rc < 0 || (rc = sim_size(args, "dfu-buffer", 8 << 20, &settings.dfu_buffer, err)) < 0 ||
	    (rc = sim_size(args, "fastboot-buffer", 32 << 20, &settings.fastboot_buffer, err)) < 0)
		return rc;
	return stm_model_new(device, common, &settings, err);
}

static int run(struct cli *cli, struct err *err)
{
	return sim_make_devices(cli, make, err);
}

const struct verb sim_verb_stm32mp = {
	.name = "stm32mp",
	.summary = "a board with an STM32MP1 or MP2 in USB recovery",
	.description =
		"Boot ROM, TF-A and U-Boot's stm32prog, one after the other as files are sent: it "
		"tells the phase it is in, wants DETACH where real ones do, and enumerates anew "
		"with another device number and the same serial number. Headers, packages and "
		"flash layouts are checked, media are partitioned and written, OTP and PMIC are "
		"shadows.\n\nThe stages for faults are rom, tfa, spl, uboot, fastboot and ums.",
	.options = options,
	.examples = examples,
	.run = run,
};
