// SPDX-License-Identifier: MIT
#include "drivers/stm32mp/driver.h"

#include "drivers/stm32mp/stm32mp.h"

static const struct key media_keys[] = {
	{"device", KEY_TEXT, true, NULL, "as in a layout: mmc0, nor0, nand0, ...", NULL},
	{"capacity", KEY_SIZE, false, NULL, "its size, for checks", NULL},
	{"erase_size", KEY_SIZE, false, NULL,
	 "its erase group: 512 for SD cards, 512KiB for most eMMCs", NULL},
	{0},
};

static const struct key keys[] = {
	{"chip", KEY_TEXT, false, NULL,
	 "mp13, mp15, mp21, mp23 or mp25; known by the header of the FSBL when missing", NULL},
	{"fsbl", KEY_TEXT, false, NULL, "TF-A for USB boot (.stm32), when no layout names it",
	 NULL},
	{"fip_ddr", KEY_TEXT, false, NULL, "DDR firmware of an MP2, when no layout names it", NULL},
	{"fip", KEY_TEXT, false, NULL, "U-Boot (FIP), when no layout names it", NULL},
	{"device", KEY_TEXT, false, "mmc0", "medium that an image without a layout is for", NULL},
	{"media", KEY_LIST, false, NULL, "what is known of the board's media", media_keys},
	{"uboot", KEY_TEXT, false, NULL, "branch of the board's U-Boot: v2022.10-stm32mp", NULL},
	{"way", KEY_TEXT, false, "auto",
	 "how data goes: fastboot, dfu, or auto: fastboot where it can be", NULL},
	{"erase", KEY_BOOL, false, "yes",
	 "erase the medium before a whole image with long runs of zeros (by fastboot)", NULL},
	{"reboot", KEY_BOOL, false, "no", "reset the board at the end (after fastboot)", NULL},
	{0},
};

static const struct key timeouts[] = {
	JOB_TIMEOUTS,
	{"measure", KEY_DURATION, false, "1h", "counting the checksums of the image", NULL},
	{"attach", KEY_DURATION, false, "2m", "the board to show up on USB", NULL},
	{"boot", KEY_DURATION, false, "5m", "ROM, TF-A and U-Boot", NULL},
	{"layout", KEY_DURATION, false, "15m", "the layout, erasing and making partitions", NULL},
	{"write", KEY_DURATION, false, "6h", "writing", NULL},
	{"verify", KEY_DURATION, false, "6h", "reading back", NULL},
	{"end", KEY_DURATION, false, "30s", "leaving the board", NULL},
	{"dump", KEY_DURATION, false, "2m", "reading OTP words or PMIC registers", NULL},
	{"tf-a", KEY_DURATION, false, "10s", "TF-A to answer after it was sent", NULL},
	{"uboot", KEY_DURATION, false, "60s", "U-Boot to show up after it was sent", NULL},
	{"partitions", KEY_DURATION, false, "5m", "U-Boot to show up with its partitions", NULL},
	{"fastboot", KEY_DURATION, false, "30s", "fastboot to show up", NULL},
	{"transfer", KEY_DURATION, false, "60s",
	 "one DFU transfer: U-Boot writes to the medium within some", NULL},
	{0},
};

#define VID 0x0483

/* By their product strings (U-Boot drivers/usb/gadget, TF-A plat/st/stm32mp*_usb_dfu.c). A
   microcontroller in its bootloader has the same ids and none of these names. The MP15's TF-A keeps
   the names of the ROM. */
#define DFU_MODES                                                                       \
	{VID, 0xdf11, {0}, STM32MP_GADGET "@Device ID", "STM32MP", "U-Boot"},           \
		{VID, 0xdf11, {0}, "DFU @Device ID", "STM32MP", "TF-A"},                \
		{VID, 0xdf11, {0}, "DFU in HS Mode @Device ID", "STM32MP", "boot ROM"}, \
	{                                                                               \
		VID, 0xdf11, {0}, STM32MP_GADGET, "STM32MP", "U-Boot SPL"               \
	}
#define FASTBOOT_MODE                                                               \
	{                                                                           \
		VID, 0x0afb, {0xff, 0x42, 0x03}, NULL, "STM32MP", "U-Boot fastboot" \
	}

const struct usb_mode stm32mp_modes[] = {DFU_MODES, FASTBOOT_MODE, {0}};
const struct usb_mode stm32mp_dfu_modes[] = {DFU_MODES, {0}};
const struct usb_mode stm32mp_fastboot_modes[] = {FASTBOOT_MODE, {0}};

/* Where a stage goes back to when it fails: to the beginning. What is in the ROM or in TF-A costs
   seconds to send again; a partition that broke in the middle is taken up within its stage. */
/* clang-format off */
#define BOOT_STAGES \
	{.name = "attach", .label = "find board", .weight = 1, .run = stm32mp_attach}, \
	{.name = "boot", .label = "boot U-Boot", .weight = 5, .restart = "attach", .run = stm32mp_boot}

static const struct stage flash_stages[] = {
	{.name = "measure", .label = "measure image", .weight = 5, .run = stm32mp_measure},
	BOOT_STAGES,
	{.name = "layout", .label = "lay out", .weight = 3, .restart = "attach", .writes = true,
	 .run = stm32mp_layout},
	{.name = "write", .label = "write", .weight = 100, .restart = "attach", .writes = true,
	 .run = stm32mp_write},
	{.name = "verify", .label = "read back", .weight = 50, .restart = "attach", .run = stm32mp_verify},
	{.name = "end", .label = "leave board", .weight = 1, .run = stm32mp_end},
	{0},
};

static const struct stage dump_stages[] = {
	BOOT_STAGES,
	{.name = "dump", .label = "read", .weight = 5, .restart = "attach", .run = stm32mp_dump_words},
	{.name = "end", .label = "leave board", .weight = 1, .run = stm32mp_end},
	{0},
};
/* clang-format on */

static const struct work works[] = {
	{"flash", NULL, stm32mp_resolve_flash, stm32mp_flash_checks, flash_stages},
	{"dump", NULL, stm32mp_resolve_dump, stm32mp_dump_checks, dump_stages},
	{0},
};

const struct driver stm32mp_driver = {
	.name = "stm32mp",
	.summary = "STM32MP1 and MP2 by USB: boot ROM, TF-A, U-Boot, then DFU or fastboot",
	.keys = keys,
	.timeouts = timeouts,
	.works = works,
	.usb_modes = stm32mp_modes,
	.release = stm32mp_release,
};
