// SPDX-License-Identifier: MIT
/*
 * The block devices of a board's Linux, as read from its /sys/class/block, and the strict choice of
 * one. Pure.
 */
#ifndef ABOARD_DRIVERS_UBOOT_BLOCKDEV_H
#define ABOARD_DRIVERS_UBOOT_BLOCKDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct blockdev {
	char name[32];  /* "mmcblk0p1" */
	char path[256]; /* "/sys/devices/...": where it hangs */
	uint64_t bytes;
	unsigned int partition; /* its number; 0: a whole device */
	bool read_only;
	char label[80]; /* GPT partition name; empty: none */
};

#define BLOCKDEVS_MAX 128

struct blockdevs {
	struct blockdev items[BLOCKDEVS_MAX];
	size_t count;
};

/* The shell line whose output blockdevs_parse() reads: a line a device, "@ NAME PATH SECTORS
 * PARTITION|- RO LABEL". */
extern const char blockdevs_command[];

/* Lines of another form (kernel messages) are passed over. */
void blockdevs_parse(struct blockdevs *devs, const char *output);

/* The device a selector means: "/dev/NAME" exactly, or "/sys/class/block#TEXT": the one whole
   device whose path contains TEXT; eMMC boot areas, RPMB, loop and RAM devices are never meant by a
   text. None, or more than one, is ERR_TARGET with the list of what there is. */
int blockdevs_select(const struct blockdevs *devs, const char *selector,
		     const struct blockdev **dev, struct err *err);

/* The partition with this label on this device; other devices are not looked at. ERR_TARGET with
 * the labels there are. */
int blockdevs_partition(const struct blockdevs *devs, const struct blockdev *whole,
			const char *label, const struct blockdev **dev, struct err *err);

#endif
