// SPDX-License-Identifier: MIT
#include "drivers/dfu/driver.h"

#include "drivers/dfu/dfu.h"

static const struct key keys[] = {
	{"in_flight", KEY_UINT, false, "2",
	 "blocks under way at once; 1 for a device that takes only one at a time", NULL},
	{"at_end", KEY_TEXT, false, "none",
	 "what becomes of the device: none, detach (leave DFU), reset (and its port)", NULL},
	{"chain", KEY_TEXT, false, NULL,
	 "boot chain that brings the loader in first: ti-k3 or ti-am62l", NULL},
	{"tiboot3", KEY_TEXT, false, NULL, "its file for 'bootloader'", NULL},
	{"sysfw", KEY_TEXT, false, NULL, "its file for 'sysfw.itb' (AM65x, J721E)", NULL},
	{"tispl", KEY_TEXT, false, NULL, "its file for 'tispl.bin'", NULL},
	{"uboot", KEY_TEXT, false, NULL, "its file for 'u-boot.img'", NULL},
	{"security", KEY_TEXT, false, NULL,
	 "security type the part must have: gp, hs-fs or hs-se; not compared when missing", NULL},
	{0},
};

static const struct key timeouts[] = {
	JOB_TIMEOUTS,
	{"connect", KEY_DURATION, false, "5m", "waiting for the device, and the boot chain", NULL},
	{"write", KEY_DURATION, false, "6h", "writing", NULL},
	{"verify", KEY_DURATION, false, "6h", "reading back", NULL},
	{"dump", KEY_DURATION, false, "6h", "reading an alternate setting", NULL},
	{"leave", KEY_DURATION, false, "30s", "leaving DFU", NULL},
	{"return", KEY_DURATION, false, "30s", "a device that enumerates anew", NULL},
	{"transfer", KEY_DURATION, false, "2m",
	 "one control transfer: U-Boot writes to its medium inside of one", NULL},
	{0},
};

/* TI's ROM, SPL and U-Boot have the same ids; names of alternate settings tell them apart. */
#define TI_K3(pid)                                                              \
	{                                                                       \
		0x0451, pid, {0xfe, 1, 2}, NULL, "TI K3", "DFU (ROM or loader)" \
	}

const struct usb_mode dfu_usb_modes[] = {
	TI_K3(0x6162),
	TI_K3(0x6163),
	TI_K3(0x6164),
	TI_K3(0x6165),
	TI_K3(0x6168),
	{0, 0, {0xfe, 1, 2}, "USB download gadget", "U-Boot", "DFU"},
	{0, 0, {0xfe, 1, 2}, NULL, "DFU device", "DFU"},
	{0},
};

static const struct stage flash_stages[] = {
	{.name = "connect", .label = "connect", .weight = 5, .run = dfu_connect},
	{.name = "write",
	 .label = "write",
	 .weight = 100,
	 .tries = 2,
	 .restart = "connect",
	 .writes = true,
	 .run = dfu_write},
	{.name = "verify",
	 .label = "read back",
	 .weight = 50,
	 .restart = "write",
	 .run = dfu_verify},
	{.name = "leave", .label = "leave DFU", .weight = 1, .run = dfu_leave},
	{0},
};

static const struct stage dump_stages[] = {
	{.name = "connect", .label = "connect", .weight = 5, .run = dfu_connect},
	{.name = "dump", .label = "read", .weight = 100, .restart = "connect", .run = dfu_dump},
	{.name = "leave", .label = "leave DFU", .weight = 1, .run = dfu_leave},
	{0},
};

static const struct stage loader_stages[] = {
	{.name = "connect", .label = "boot chain", .weight = 5, .run = dfu_connect},
	{0},
};

static const struct work works[] = {
	{"flash", NULL, dfu_resolve_flash, dfu_flash_checks, flash_stages},
	{"dump", NULL, dfu_resolve_dump, dfu_dump_checks, dump_stages},
	{"shell", "bootloader", dfu_resolve_loader, dfu_loader_checks, loader_stages},
	{0},
};

const struct driver dfu_driver = {
	.name = "dfu",
	.summary = "DFU: loaders whose alternate settings are written over USB, TI K3 from its ROM",
	.keys = keys,
	.timeouts = timeouts,
	.works = works,
	.usb_modes = dfu_usb_modes,
	.release = dfu_release,
};
