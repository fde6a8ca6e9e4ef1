// SPDX-License-Identifier: MIT
#include "drivers/uboot/driver.h"

#include "drivers/uboot/uboot.h"

static const struct key keys[] = {
	{"prompt", KEY_TEXT, false, "^=> ?$", "regular expression of U-Boot's prompt", NULL},
	{"interrupt", KEY_TEXTS, false, "space",
	 "what stops autoboot, sent in turn: space, enter, ctrl-c, esc, or any text", NULL},
	{"interrupt_every", KEY_DURATION, false, "100ms", "how often that is sent", NULL},
	{"commands", KEY_TEXTS, false, NULL, "U-Boot commands to run first, at the prompt", NULL},
	{"ethact", KEY_TEXT, false, NULL, "network device U-Boot must use", NULL},
	{"tftp_blksize", KEY_UINT, false, "1468", "block size U-Boot asks for", NULL},
	{"tftp_window", KEY_UINT, false, "8", "window size U-Boot asks for; 1: lockstep", NULL},
	{"chunk", KEY_UINT, false, "32", "bytes of a command sent before its echo is awaited",
	 NULL},
	{"char_delay", KEY_DURATION, false, "0ms", "pause after each byte sent to the console",
	 NULL},
	{0},
};

static const struct key timeouts[] = {
	JOB_TIMEOUTS,
	{"stage-files", KEY_DURATION, false, "2m", "reading the bundle's files", NULL},
	{"power-cycle", KEY_DURATION, false, "1m", "switching power off and on", NULL},
	{"interrupt", KEY_DURATION, false, "1m", "getting to U-Boot's prompt", NULL},
	{"network", KEY_DURATION, false, "2m", "bringing up U-Boot's network", NULL},
	{"serve", KEY_DURATION, false, "10s", "starting the servers", NULL},
	{"load", KEY_DURATION, false, "5m", "loading kernel, initramfs and device tree", NULL},
	{"boot", KEY_DURATION, false, "3m", "booting Linux and logging in", NULL},
	{"linux-network", KEY_DURATION, false, "90s", "bringing up Linux's network", NULL},
	{"target", KEY_DURATION, false, "30s", "finding the target", NULL},
	{"prepare", KEY_DURATION, false, "2m", "the bundle's preflash commands", NULL},
	{"write", KEY_DURATION, false, "6h", "writing", NULL},
	{"flush", KEY_DURATION, false, "20m", "flushing the board's caches", NULL},
	{"verify", KEY_DURATION, false, "6h", "reading back", NULL},
	{"dump", KEY_DURATION, false, "6h", "reading a target", NULL},
	{"power-off", KEY_DURATION, false, "1m", "switching power off", NULL},
	{"command", KEY_DURATION, false, "30s", "one console command", NULL},
	{"dhcp", KEY_DURATION, false, "30s", "one DHCP attempt", NULL},
	{"stall", KEY_DURATION, false, "2m", "a transfer that does not get on", NULL},
	{0},
};

/* clang-format off */
#define BOOTLOADER_STAGES(power_cycle_cleanup) \
	{.name = "power-cycle", .label = "power cycle", .weight = 2, .tries = 2, \
	 .run = uboot_power_cycle, .cleanup = power_cycle_cleanup}, \
	{.name = "interrupt", .label = "interrupt autoboot", .weight = 2, .restart = "power-cycle", \
	 .run = uboot_interrupt}

#define LINUX_STAGES \
	{.name = "stage-files", .label = "stage files", .weight = 1, .run = uboot_stage_files}, \
	BOOTLOADER_STAGES(uboot_power_restore), \
	{.name = "network", .label = "network of U-Boot", .weight = 2, .tries = 2, .restart = "power-cycle", \
	 .run = uboot_network}, \
	{.name = "serve", .label = "start servers", .weight = 1, .run = uboot_serve, .cleanup = uboot_serve_end}, \
	{.name = "load", .label = "load flasher", .weight = 10, .tries = 2, .restart = "power-cycle", \
	 .run = uboot_load}, \
	{.name = "boot", .label = "boot flasher", .weight = 10, .restart = "power-cycle", .run = uboot_boot}

static const struct stage flash_stages[] = {
	LINUX_STAGES,
	{.name = "linux-network", .label = "network of Linux", .weight = 2, .tries = 2, .restart = "power-cycle",
	 .run = uboot_linux_network},
	{.name = "target", .label = "find target", .weight = 1, .restart = "power-cycle", .run = uboot_target},
	{.name = "prepare", .label = "prepare", .weight = 1, .restart = "power-cycle", .run = uboot_prepare},
	{.name = "write", .label = "write", .weight = 100, .tries = 2, .restart = "power-cycle", .writes = true,
	 .run = uboot_write},
	{.name = "flush", .label = "flush", .weight = 5, .restart = "power-cycle", .run = uboot_flush},
	{.name = "verify", .label = "read back", .weight = 50, .restart = "write", .run = uboot_verify},
	{.name = "power-off", .label = "power off", .weight = 1, .tries = 2, .run = uboot_power_off},
	{0},
};

static const struct stage dump_stages[] = {
	LINUX_STAGES,
	{.name = "linux-network", .label = "network of Linux", .weight = 2, .tries = 2, .restart = "power-cycle",
	 .run = uboot_linux_network},
	{.name = "target", .label = "find target", .weight = 1, .restart = "power-cycle", .run = uboot_target},
	{.name = "prepare", .label = "prepare", .weight = 1, .restart = "power-cycle", .run = uboot_prepare},
	{.name = "dump", .label = "read target", .weight = 100, .tries = 2, .restart = "power-cycle",
	 .run = uboot_dump},
	{.name = "power-off", .label = "power off", .weight = 1, .tries = 2, .run = uboot_power_off},
	{0},
};

static const struct stage linux_stages[] = {LINUX_STAGES, {0}};
static const struct stage bootloader_stages[] = {BOOTLOADER_STAGES(uboot_power_restore), {0}};
static const struct stage no_stages[] = {{0}};
/* clang-format on */

static const struct work works[] = {
	{"flash", NULL, uboot_resolve_flash, uboot_flash_checks, flash_stages},
	{"dump", NULL, uboot_resolve_dump, uboot_dump_checks, dump_stages},
	{"shell", "bootloader", uboot_resolve_bootloader, uboot_shell_checks, bootloader_stages},
	{"shell", "linux", uboot_resolve_linux, uboot_linux_checks, linux_stages},
	{"shell", "none", uboot_resolve_console, uboot_console_checks, no_stages},
	{0},
};

const struct driver uboot_driver = {
	.name = "uboot",
	.summary = "U-Boot over the network: boots a small Linux by TFTP, which writes the image",
	.keys = keys,
	.timeouts = timeouts,
	.works = works,
	.release = uboot_release,
};
