// SPDX-License-Identifier: MIT
#include "drivers/fastboot/driver.h"

#include "drivers/fastboot/board.h"

static const struct key keys[] = {
	{"link", KEY_TEXT, false, "usb",
	 "how it is reached: usb, tcp:HOST[:PORT] or udp:HOST[:PORT]", NULL},
	{"form", KEY_TEXT, false, "auto",
	 "how images are sent: auto, sparse (always) or raw (in one piece, or not at all)", NULL},
	{"buffer", KEY_SIZE, false, NULL,
	 "bytes the loader takes at once, when it tells a wrong number or none", NULL},
	{"rate", KEY_SIZE, false, "1MB",
	 "bytes a second the medium writes at least: so long the loader may be silent; 100kB for "
	 "NOR",
	 NULL},
	{"erase", KEY_BOOL, false, "false", "erase each partition before it is written", NULL},
	{"set_active", KEY_TEXT, false, NULL, "slot that is made the active one at the end", NULL},
	{"reboot", KEY_TEXT, false, "none",
	 "what the board does at the end: none, system, bootloader, fastboot, recovery, continue "
	 "or "
	 "off",
	 NULL},
	{"read_back", KEY_TEXT, false, "auto",
	 "how it is asked what is on it: auto, fetch, run (U-Boot's oem run), ucmd or none", NULL},
	{"memory", KEY_TEXT, false, "$loadaddr",
	 "with run and ucmd: address of 17 MiB of the board's memory that are free", NULL},
	{"mmc", KEY_UINT, false, "0",
	 "with run and ucmd: U-Boot's number of the MMC device that holds the partitions", NULL},
	{0},
};

static const struct key timeouts[] = {
	JOB_TIMEOUTS,
	{"connect", KEY_DURATION, false, "1m", "waiting for the device, and its first answer",
	 NULL},
	{"write", KEY_DURATION, false, "6h", "writing", NULL},
	{"verify", KEY_DURATION, false, "6h", "reading back", NULL},
	{"dump", KEY_DURATION, false, "6h", "reading a partition", NULL},
	{"finish", KEY_DURATION, false, "1m", "set_active and reboot", NULL},
	{"command", KEY_DURATION, false, "30s", "one command that writes nothing", NULL},
	{0},
};

/* clang-format off */
static const struct stage flash_stages[] = {
	{.name = "connect", .label = "connect", .weight = 1, .tries = 2, .run = fb_stage_connect},
	{.name = "write", .label = "write", .weight = 100, .restart = "connect", .writes = true,
	 .run = fb_stage_write},
	{.name = "verify", .label = "read back", .weight = 50, .restart = "connect", .run = fb_stage_verify},
	{.name = "finish", .label = "finish", .weight = 1, .run = fb_stage_finish},
	{0},
};

static const struct stage dump_stages[] = {
	{.name = "connect", .label = "connect", .weight = 1, .tries = 2, .run = fb_stage_connect},
	{.name = "dump", .label = "read partition", .weight = 100, .restart = "connect", .run = fb_stage_dump},
	{0},
};
/* clang-format on */

static const struct work works[] = {
	{"flash", NULL, fb_resolve_flash, fb_flash_checks, flash_stages},
	{"dump", NULL, fb_resolve_dump, fb_dump_checks, dump_stages},
	{0},
};

const struct driver fastboot_driver = {
	.name = "fastboot",
	.summary = "a loader that speaks fastboot, over USB, TCP or UDP: images to partitions",
	.keys = keys,
	.timeouts = timeouts,
	.works = works,
	.usb_modes = fb_modes,
	.release = fb_release,
};
