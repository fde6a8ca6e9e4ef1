// SPDX-License-Identifier: MIT
/*
 * U-Boot's load commands, as configurations and command lines name them, and what they tell about
 * the disk: `load mmc 0:1` loads from the first partition of the first MMC device.
 */
#ifndef ABOARD_BUILD_LOAD_CMD_H
#define ABOARD_BUILD_LOAD_CMD_H

#include <stdbool.h>

#include "base/err.h"
#include "build/config.h"

/* What -t stands for: tftp, sd, scsi, usb and virtio are short names, any other text is the command
   itself. NULL stays NULL. */
const char *load_cmd_of(const char *text);

/* LOAD_CMD of the config, else of the environment, as ImageBuilder's help has it; NULL: neither. */
const char *load_cmd_of_config(const struct config *config);

struct load_disk {
	bool mmc; /* else a SCSI disk */
	unsigned int device, partition;
};

/* ERR_CONFIG when the command (NULL: none) loads from neither mmc nor scsi, or does not say from
   where. */
int load_cmd_disk(const char *command, struct load_disk *disk, struct err *err);

/* What Linux calls a partition of the disk: "/dev/mmcblk0p2", "/dev/sda2". The caller's. */
char *load_disk_name(const struct load_disk *disk, unsigned int partition);

#endif
