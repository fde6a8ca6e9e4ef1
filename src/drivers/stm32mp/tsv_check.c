// SPDX-License-Identifier: MIT
/* The rules of a layout that need more than one line, device by device, as U-Boot applies them once
 * the layout has been parsed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/stm32mp/tsv.h"

#define DEVICES_MAX   5
#define SECTOR        512
#define GPT_SECTORS   34 /* protective MBR, header and 128 entries */
#define FSBL_ID_LIMIT 0x10

static bool is_raw(const struct tsv_line *line)
{
	return line->type && !line->type->guid;
}

/* The lines of one device in the order of their place; raw images first. */
struct device {
	const char *name;
	struct tsv_line *lines[TSV_LINES_MAX];
	size_t count;
	const struct tsv_media *media; /* NULL: nothing is known */
};

static int by_place(const void *a, const void *b)
{
	const struct tsv_line *one = *(struct tsv_line *const *)a;
	const struct tsv_line *two = *(struct tsv_line *const *)b;

	if (is_raw(one) != is_raw(two))
		return is_raw(one) ? -1 : 1;
	if (one->boot != two->boot)
		return one->boot < two->boot ? -1 : 1;
	if (one->offset != two->offset)
		return one->offset < two->offset ? -1 : 1;
	return one->number < two->number ? -1 : 1;
}

static uint64_t erase_size(const struct device *device)
{
	return device->media ? device->media->erase_size : 0;
}

static uint64_t capacity(const struct device *device)
{
	return device->media ? device->media->capacity : 0;
}

/* U-Boot keeps the table of an SD card within 34 sectors; on an eMMC, whose erase group is larger,
   within whole erase groups. */
static uint64_t first_usable(const struct device *device)
{
	uint64_t erase = erase_size(device);

	if (device->lines[0]->medium != TSV_MMC)
		return 0;
	return erase > (uint64_t)GPT_SECTORS * SECTOR ? erase : (uint64_t)GPT_SECTORS * SECTOR;
}

/* The byte behind the last usable one; 0: not known. */
static uint64_t last_usable(const struct device *device)
{
	uint64_t erase = erase_size(device), size = capacity(device), table;

	if (size == 0 || device->lines[0]->medium != TSV_MMC)
		return size;
	if (erase == 0)
		return 0;
	table = erase > (uint64_t)GPT_SECTORS * SECTOR ? erase : (uint64_t)35 * SECTOR;
	return size > table ? size - table : 0;
}

/* The next line in the same hardware partition; NULL: it is the last. */
static const struct tsv_line *next_of(const struct device *device, size_t i)
{
	if (i + 1 == device->count || device->lines[i + 1]->boot != device->lines[i]->boot)
		return NULL;
	return device->lines[i + 1];
}

static void check_boot_part(struct tsv *tsv, const struct device *device, size_t i)
{
	const struct tsv_line *line = device->lines[i];

	if (i + 1 < device->count && device->lines[i + 1]->boot == line->boot)
		tsv_note(tsv, TSV_ERROR, device->lines[i + 1]->number,
			 "%s and %s are both in boot%u of %s", line->name,
			 device->lines[i + 1]->name, line->boot, device->name);
}

static void check_alignment(struct tsv *tsv, const struct device *device,
			    const struct tsv_line *line)
{
	uint64_t erase = erase_size(device);

	if (erase == 0)
		erase = SECTOR;
	if (line->offset % erase != 0)
		tsv_note(tsv, TSV_ERROR, line->number,
			 "%s is at 0x%" PRIx64 ", no multiple of the erase size 0x%" PRIx64
			 " of %s",
			 line->name, line->offset, erase, device->name);
}

static void check_place(struct tsv *tsv, const struct device *device, size_t i)
{
	struct tsv_line *line = device->lines[i];
	const struct tsv_line *next = next_of(device, i);
	uint64_t last = last_usable(device);

	check_alignment(tsv, device, line);
	if (line->offset < first_usable(device))
		tsv_note(tsv, TSV_ERROR, line->number,
			 "%s begins at 0x%" PRIx64 ", before 0x%" PRIx64
			 ", where the partition table of %s ends",
			 line->name, line->offset, first_usable(device), device->name);
	if (last && line->offset >= last)
		tsv_note(tsv, TSV_ERROR, line->number,
			 "%s begins at 0x%" PRIx64 ", behind the end of %s (0x%" PRIx64 ")",
			 line->name, line->offset, device->name, last);
	if (next && next->offset == line->offset)
		tsv_note(tsv, TSV_ERROR, next->number, "%s and %s are at the same offset of %s",
			 line->name, next->name, device->name);
	if (next)
		line->size = next->offset - line->offset;
	else if (last > line->offset)
		line->size = last - line->offset;
}

static void check_line(struct tsv *tsv, const struct device *device, size_t i)
{
	struct tsv_line *line = device->lines[i];

	if (line->copies > 1 && ((line->medium != TSV_NAND && line->medium != TSV_SPI_NAND) ||
				 line->id >= FSBL_ID_LIMIT || !text_starts(line->name, "fsbl")))
		tsv_note(tsv, TSV_ERROR, line->number,
			 "%s: Binary(n) is for fsbl... on NAND with an id below 0x10", line->name);
	if (is_raw(line))
		line->size = capacity(device);
	else if (line->boot)
		check_boot_part(tsv, device, i);
	else if (line->medium != TSV_RAM)
		check_place(tsv, device, i);
}

/* What the whole device comes to. */
static void check_update(struct tsv *tsv, const struct device *device)
{
	size_t selected = 0, raw = 0, parts = 0, i;

	for (i = 0; i < device->count; i++) {
		selected += device->lines[i]->selected;
		raw += is_raw(device->lines[i]);
		parts += !is_raw(device->lines[i]) && !device->lines[i]->boot;
	}
	if (raw && parts)
		tsv_note(tsv, TSV_WARNING, device->lines[0]->number,
			 "%s gets a raw image and partitions: the image overwrites their table",
			 device->name);
	if (device->lines[0]->medium == TSV_MMC && selected && selected < device->count)
		tsv_note(tsv, TSV_WARNING, 0,
			 "%s is updated in part: its partition table must be there already, with "
			 "these partitions in this order",
			 device->name);
	if (device->lines[0]->medium == TSV_RAM)
		return;
	if (!erase_size(device) && parts)
		tsv_note(tsv, TSV_UNKNOWN, 0,
			 "%s: the erase size is not known, alignment to it is "
			 "not checked",
			 device->name);
	if (!capacity(device))
		tsv_note(tsv, TSV_UNKNOWN, 0,
			 "%s: the capacity is not known, whether all fits is not checked",
			 device->name);
}

static const struct tsv_media *find_media(const struct tsv_media *media, const char *device)
{
	for (; media && media->device; media++)
		if (strcmp(media->device, device) == 0)
			return media;
	return NULL;
}

static void check_device(struct tsv *tsv, const char *name, const struct tsv_media *media)
{
	_cleanup_(freep) struct device *device = xcalloc(1, sizeof(*device));
	size_t i;

	device->name = name;
	device->media = find_media(media, name);
	for (i = 0; i < tsv->count; i++)
		if (strcmp(tsv->lines[i].device, name) == 0)
			device->lines[device->count++] = &tsv->lines[i];
	qsort(device->lines, device->count, sizeof(*device->lines), by_place);
	if (erase_size(device) & (erase_size(device) - 1))
		tsv_note(tsv, TSV_ERROR, 0, "the erase size of %s is no power of two", name);
	for (i = 0; i < device->count; i++)
		check_line(tsv, device, i);
	check_update(tsv, device);
}

/* U-Boot sees some of these only as a partition that is never asked for. */
static void check_ids(struct tsv *tsv)
{
	const struct tsv_line *line, *other;

	for (line = tsv->lines; line < tsv->lines + tsv->count; line++) {
		if (line->medium == TSV_NO_MEDIUM && line->selected)
			tsv_note(tsv, TSV_ERROR, line->number,
				 "%s is to be programmed (P), but its device is none", line->name);
		if (line->medium != TSV_NO_MEDIUM && line->id == 0)
			tsv_note(tsv, TSV_ERROR, line->number, "%s: id 0 is the layout itself",
				 line->name);
		for (other = tsv->lines; other < line; other++)
			if (other->id == line->id)
				tsv_note(tsv, TSV_ERROR, line->number,
					 "%s has the id 0x%02x of %s in line %u", line->name,
					 line->id, other->name, other->number);
	}
}

static void check_types(struct tsv *tsv, unsigned int uboot)
{
	const struct tsv_line *line;

	for (line = tsv->lines; uboot && line < tsv->lines + tsv->count; line++)
		if (line->type && line->type->since > uboot)
			tsv_note(tsv, TSV_ERROR, line->number,
				 "type %s is known from U-Boot v%u.%02u on, the board has v%u.%02u",
				 line->type->name, line->type->since / 100, line->type->since % 100,
				 uboot / 100, uboot % 100);
}

/* eMMC: each boot partition that is programmed makes the board boot from it. */
static void check_boot_order(struct tsv *tsv)
{
	const struct tsv_line *line, *other;

	for (line = tsv->lines; line < tsv->lines + tsv->count; line++)
		for (other = tsv->lines; other < line; other++)
			if (line->boot && other->boot && line->boot != other->boot &&
			    tsv_is_sent(line) && tsv_is_sent(other) &&
			    strcmp(line->device, other->device) == 0)
				tsv_note(tsv, TSV_WARNING, 0,
					 "%s will boot from boot%u, which is "
					 "programmed last (the highest id)",
					 line->device,
					 line->id > other->id ? line->boot : other->boot);
}

void tsv_check(struct tsv *tsv, const struct tsv_media *media, unsigned int uboot)
{
	const char *devices[DEVICES_MAX];
	size_t count = 0, i, k;

	check_ids(tsv);
	check_types(tsv, uboot);
	check_boot_order(tsv);
	for (i = 0; i < tsv->count; i++) {
		const char *name = tsv->lines[i].device;

		for (k = 0; k < count && strcmp(devices[k], name) != 0; k++)
			;
		if (k < count || tsv->lines[i].medium == TSV_NO_MEDIUM || !*name)
			continue;
		if (count == DEVICES_MAX)
			return tsv_note(tsv, TSV_ERROR, tsv->lines[i].number,
					"more than %d devices", DEVICES_MAX);
		devices[count++] = name;
		check_device(tsv, name, media);
	}
}
