// SPDX-License-Identifier: MIT
#include "sim/media.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define BOOT_SIZE ((uint64_t)4 << 20) /* of an eMMC's boot partitions */

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)

/* What each kind is like, and how ST's boards cut it up by default (their published layouts). */
static const struct kind {
	const char *prefix;
	bool is_mmc;
	uint8_t erased;
	uint64_t erase_size;
	struct mtd_part parts[12]; /* the last one takes what is left */
} kinds[] = {
	{.prefix = "mmc", .is_mmc = true, .erase_size = KIB(16)},
	{.prefix = "nor",
	 .erased = 0xff,
	 .erase_size = KIB(64),
	 .parts = {{"fsbl1", 0, KIB(256)},
		   {"fsbl2", KIB(256), KIB(256)},
		   {"metadata1", KIB(512), KIB(256)},
		   {"metadata2", KIB(768), KIB(256)},
		   {"fip-a", MIB(1), MIB(4)},
		   {"fip-b", MIB(5), MIB(4)},
		   {"u-boot-env", MIB(9), KIB(512)},
		   {"nor-user", MIB(9) + KIB(512), 0}}},
	{.prefix = "spi-nand", .erased = 0xff, .erase_size = KIB(128)},
	{.prefix = "nand",
	 .erased = 0xff,
	 .erase_size = KIB(128),
	 .parts = {{"fsbl1", 0, KIB(512)},
		   {"fsbl2", KIB(512), KIB(512)},
		   {"metadata1", MIB(1), KIB(512)},
		   {"metadata2", MIB(1) + KIB(512), KIB(512)},
		   {"fip-a1", MIB(2), MIB(4)},
		   {"fip-a2", MIB(6), MIB(4)},
		   {"fip-b1", MIB(10), MIB(4)},
		   {"fip-b2", MIB(14), MIB(4)},
		   {"UBI", MIB(18), 0}}},
};

static const struct kind *kind_of(const char *name)
{
	size_t i, length;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		length = strlen(kinds[i].prefix);
		if (strncmp(name, kinds[i].prefix, length) == 0 &&
		    isdigit((unsigned char)name[length]) && !name[length + 1])
			return &kinds[i];
	}
	return NULL;
}

/* SPI-NAND is cut up as NAND is. */
static void add_parts(struct media *media, const struct kind *kind)
{
	const struct mtd_part *parts = kind->parts;
	size_t i;

	if (kind->is_mmc)
		return;
	if (!parts[0].name[0])
		parts = kind_of("nand0")->parts;
	for (i = 0; i < ARRAY_SIZE(kind->parts) && parts[i].name[0]; i++) {
		if (parts[i].start >= media->user.size)
			return;
		media->parts[i] = parts[i];
		if (!parts[i].size)
			media->parts[i].size = media->user.size - parts[i].start;
		media->part_count++;
	}
}

static int open_boot(struct media *media, const char *path, struct sim_device *device,
		     struct err *err)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < 2 && rc == 0; i++) {
		_cleanup_(freep) char *name = path ? xasprintf("%s.boot%u", path, i + 1) : NULL;

		rc = medium_open(&media->boot[i], device, name, BOOT_SIZE, err);
	}
	return rc;
}

static int open_one(struct media *media, const char *text, const struct kind *kind,
		    struct sim_device *device, const struct sim_settings *settings, struct err *err)
{
	_cleanup_(freep) char *path = NULL;
	uint64_t size;
	int rc;

	media->is_mmc = kind->is_mmc;
	media->is_emmc = kind->is_mmc && media->name[3] != '0';
	media->erased = kind->erased;
	media->erase_size = media->is_emmc ? KIB(512) : kind->erase_size;
	sim_file_split(text, settings->number, &path, &size);
	rc = medium_open(&media->user, device, path, size, err);
	if (rc == 0 && media->is_emmc)
		rc = open_boot(media, path, device, err);
	media->user.write_rate = media->boot[0].write_rate = media->boot[1].write_rate =
		settings->write_rate;
	media->user.read_rate = media->boot[0].read_rate = media->boot[1].read_rate =
		settings->read_rate;
	if (rc < 0)
		return rc;
	if (!media->user.size || media->user.size % GPT_BLOCK) {
		err_set(err, ERR_USAGE, "the size of %s has to be whole blocks of 512 bytes",
			media->name);
		return err_remedy(err, "give it as --media %s=FILE:64M", media->name);
	}
	add_parts(media, kind);
	return 0;
}

int media_open(struct media_set *set, const char *const *texts, struct sim_device *device,
	       const struct sim_settings *settings, struct err *err)
{
	const struct kind *kind;
	struct media *media;
	const char *equals;
	int rc = 0;

	for (; texts && *texts && rc == 0; texts++) {
		if (set->count == MEDIA_MAX)
			return err_set(err, ERR_USAGE, "a board has at most %d media", MEDIA_MAX);
		media = &set->list[set->count];
		media->user.fd = media->boot[0].fd = media->boot[1].fd = -1;
		equals = strchr(*texts, '=');
		snprintf(media->name, sizeof(media->name), "%.*s",
			 equals ? (int)(equals - *texts) : 0, *texts);
		kind = kind_of(media->name);
		if (!kind) {
			err_set(err, ERR_USAGE, "\"%s\" is no medium", *texts);
			return err_remedy(err, "give it as NAME=FILE:SIZE; the names are mmcN, "
					       "norN, nandN and spi-nandN");
		}
		set->count++;
		rc = open_one(media, equals + 1, kind, device, settings, err);
	}
	return rc;
}

void media_close(struct media_set *set)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		medium_close(&set->list[i].user);
		medium_close(&set->list[i].boot[0]);
		medium_close(&set->list[i].boot[1]);
	}
	set->count = 0;
}

struct media *media_find(struct media_set *set, const char *name)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (text_equal(set->list[i].name, name))
			return &set->list[i];
	return NULL;
}

struct media *media_mmc(struct media_set *set, unsigned int number)
{
	char name[16];

	snprintf(name, sizeof(name), "mmc%u", number);
	return media_find(set, name);
}

struct medium *media_part(struct media *media, unsigned int hwpart)
{
	if (hwpart == 0)
		return &media->user;
	return media->is_emmc && hwpart <= 2 ? &media->boot[hwpart - 1] : NULL;
}
