// SPDX-License-Identifier: MIT
/* The rules are ST's boot ROM's and TF-A's: plat/st/common/bl2_io_storage.c, U-Boot's
   doc/board/st/stm32mp1.rst. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/disk_table_write.h"
#include "build/genimage_model.h"

#define ERASE_BLOCK ((uint64_t)1 << 20) /* of SD and eMMC, at least */

static const char *const fsbl_names[] = {"fsbl1", "fsbl2", "fsbla1", "fsbla2", NULL};
static const char *const next_names[] = {"fip", "fip-a", "fip-b", "ssbl", NULL};
static const char *const near_misses[] = {"fsbl", "fsbl-1", "fsbl-2", "fsbl_1", "fsbl_2", NULL};

static const struct disk_part *find_any(const struct disk_table *table, const char *const *names)
{
	size_t i;

	for (; *names; names++)
		for (i = 0; i < table->count; i++)
			if (strcmp(table->parts[i].name, *names) == 0)
				return &table->parts[i];
	return NULL;
}

static bool is_any(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcasecmp(name, *names) == 0)
			return true;
	return false;
}

#define WARN(image, ...) notes_add(&(image)->config->result->notes, NOTE_WARNING, __VA_ARGS__)

static void check_names(const struct gen_image *image, const struct disk_table *table)
{
	size_t i;

	for (i = 0; i < table->count; i++) {
		const char *name = table->parts[i].name;

		if (is_any(name, near_misses) ||
		    (is_any(name, fsbl_names) && strcmp(name, "fsbl1") != 0 &&
		     strcmp(name, "fsbl2") != 0 && strncmp(name, "fsbla", 5) != 0))
			WARN(image,
			     "%s: partition %s: the boot ROM looks for fsbl1 and fsbl2 (fsbla1 "
			     "and fsbla2)",
			     image->name, name);
		if (strncmp(name, "metadata", 8) == 0 && strcmp(name, "metadata1") != 0 &&
		    strcmp(name, "metadata2") != 0)
			WARN(image, "%s: partition %s: TF-A looks for metadata1 and metadata2",
			     image->name, name);
	}
}

/* The ROM loads only what has its header (section "Header" of TF-A's stm32image). */
static void check_fsbl(const struct gen_image *image, const struct disk_part *part)
{
	_cleanup_(closep) int fd = open(image->path, O_RDONLY | O_CLOEXEC);
	char magic[4] = "";

	if (fd < 0 || file_get(fd, magic, sizeof(magic), part->start, NULL) < 0)
		return;
	if (memcmp(magic, "STM2", sizeof(magic)) != 0)
		WARN(image,
		     "%s: partition %s does not begin with an STM32 header; the boot ROM will "
		     "not load it",
		     image->name, part->name);
}

static void check_places(const struct gen_image *image, const struct disk_table *table)
{
	size_t i;

	for (i = 0; i < table->count; i++) {
		const struct disk_part *part = &table->parts[i];

		if (is_any(part->name, fsbl_names))
			check_fsbl(image, part);
		else if (!is_any(part->name, next_names) && part->start % ERASE_BLOCK)
			WARN(image,
			     "%s: partition %s starts at sector %llu, not at a whole MiB: slow on "
			     "SD and eMMC (align = 1M)",
			     image->name, part->name,
			     (unsigned long long)(part->start / SECTOR_SIZE));
	}
}

void gen_check_stm32(const struct gen_image *image, const struct disk_table *table)
{
	const struct disk_part *fsbl = find_any(table, fsbl_names);
	const char *second;

	if (!fsbl) {
		if (find_any(table, near_misses))
			check_names(image, table);
		return;
	}
	check_names(image, table);
	check_places(image, table);
	if (table->kind != TABLE_GPT && table->kind != TABLE_HYBRID)
		WARN(image, "%s: the boot ROM finds %s only in a GPT", image->name, fsbl->name);
	second = strncmp(fsbl->name, "fsbla", 5) == 0 ? "fsbla2" : "fsbl2";
	if (!find_any(table, (const char *const[]){second, NULL}))
		WARN(image, "%s: there is no %s: a broken first stage cannot be survived",
		     image->name, second);
	if (!find_any(table, next_names))
		WARN(image,
		     "%s: there is no partition named fip or ssbl for the first stage to load",
		     image->name);
}
