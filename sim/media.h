// SPDX-License-Identifier: MIT
/*
 * The media of a board, by U-Boot's names: mmc0 an SD card, mmc1 and mmc2 eMMC with its two boot
 * partitions (files FILE.boot1 and FILE.boot2), norN, nandN, spi-nandN with a fixed table of
 * partitions.
 */
#ifndef ABOARD_SIM_MEDIA_H
#define ABOARD_SIM_MEDIA_H

#include "sim/gpt.h"
#include "sim/medium.h"
#include "sim/models.h"

#define MEDIA_MAX     8
#define MTD_PARTS_MAX 32

struct mtd_part {
	char name[32];
	uint64_t start, size; /* bytes */
};

struct media {
	char name[16];
	bool is_mmc, is_emmc;
	struct medium user, boot[2]; /* boot: only of an eMMC */
	uint64_t erase_size;         /* bytes */
	uint8_t erased;              /* what an erased byte reads as */
	uint8_t boot_part;           /* eMMC: BOOT_PARTITION_ENABLE, as partconf sets it */
	bool boot_ack;
	struct mtd_part parts[MTD_PARTS_MAX]; /* MTD */
	size_t part_count;
};

struct media_set {
	struct media list[MEDIA_MAX];
	size_t count;
};

/* Opens "NAME=FILE:SIZE" (NAME=:SIZE is memory); each text of the list, ended by NULL. */
int media_open(struct media_set *set, const char *const *texts, struct sim_device *device,
	       const struct sim_settings *settings, struct err *err);
void media_close(struct media_set *set);

/* NULL: the board has none of that name. */
struct media *media_find(struct media_set *set, const char *name);
struct media *media_mmc(struct media_set *set, unsigned int number);

/* User area (0), boot1 (1), boot2 (2); NULL: there is none. */
struct medium *media_part(struct media *media, unsigned int hwpart);

#endif
