// SPDX-License-Identifier: MIT
/* What the lines of a layout mean on the media: places, checks, partition tables. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "sim/stm32mp_layout.h"

#define BIG_GROUP (34 * GPT_BLOCK) /* larger erase groups keep the ends of the medium free */

static const char *const type_guids[] = {
	[STM_BINARY] = "8da63339-0007-60c0-c436-083ac8230908",
	[STM_FIP] = "19d5df83-11b0-457b-be2c-7559c13142a5",
	[STM_FWU_MDATA] = "8a7a84a0-8387-40f6-ab41-a8b9a5a60d23",
	[STM_ENV] = "3de21764-95bd-54bd-a5c3-4abe786f38a8",
	[STM_ESP] = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
	[STM_FS] = "0fc63daf-8483-4772-8e79-3d69d8477de4",
	[STM_SYSTEM] = "0fc63daf-8483-4772-8e79-3d69d8477de4",
};

static const char *const rootfs_guids[] = {
	"e91c4e10-16e6-4c0e-bd0e-77becf4a3582",
	"491f6117-415d-4f53-88c9-6e0de54deac6",
	"fd58f1c7-be0d-4338-88e9-ad8f050aeb18",
};

static int by_place(const void *a, const void *b)
{
	const struct stm_line *const *x = a, *const *y = b;

	if ((*x)->hwpart != (*y)->hwpart)
		return (*x)->hwpart < (*y)->hwpart ? -1 : 1;
	if ((*x)->type != (*y)->type && ((*x)->type == STM_RAW || (*y)->type == STM_RAW))
		return (*x)->type == STM_RAW ? -1 : 1;
	return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

/* The lines of one medium in the order of their places. */
static size_t lines_of(struct stm_layout *layout, const struct media *media,
		       struct stm_line *lines[STM_LINES_MAX])
{
	size_t i, count = 0;

	for (i = 0; i < layout->count; i++)
		if (layout->lines[i].media == media)
			lines[count++] = &layout->lines[i];
	qsort(lines, count, sizeof(struct stm_line *), by_place);
	return count;
}

static void limits(const struct media *media, uint64_t *first, uint64_t *end)
{
	*first = 0;
	*end = media->user.size;
	if (!media->is_mmc)
		return;
	*first = 34 * GPT_BLOCK;
	*end = media->user.size - 35 * GPT_BLOCK;
	if (media->erase_size <= BIG_GROUP)
		return;
	*first = media->erase_size;
	*end = media->user.size - media->erase_size;
}

static bool check_copies(const struct stm_line *line, char *error)
{
	bool nand = text_starts(line->device, "nand") || text_starts(line->device, "spi-nand");

	if (line->copies < 2 || (nand && line->id < 0x10 && text_starts(line->name, "fsbl")))
		return true;
	return stm_error(error, "%s (0x%x): multiple binary %u not supported", line->name, line->id,
			 line->copies);
}

static bool size_line(struct stm_line *line, const struct stm_line *next, char *error)
{
	uint64_t first, end;

	limits(line->media, &first, &end);
	if (line->type == STM_RAW) {
		line->offset = 0;
		line->size = line->media->user.size;
		return true;
	}
	if (line->hwpart) {
		line->size = line->media->boot[line->hwpart - 1].size;
		return true;
	}
	if (next && next->offset == line->offset)
		return stm_error(error, "%s (0x%x): same address than %s (0x%x): 0x%llx",
				 line->name, line->id, next->name, next->id,
				 (unsigned long long)line->offset);
	if (line->offset < first)
		return stm_error(error, "%s (0x%x): address 0x%llx is below the minimum 0x%llx",
				 line->name, line->id, (unsigned long long)line->offset,
				 (unsigned long long)first);
	if (line->offset >= end || (next && next->offset > end))
		return stm_error(error, "%s (0x%x): address 0x%llx is above the maximum 0x%llx",
				 line->name, line->id, (unsigned long long)line->offset,
				 (unsigned long long)end);
	line->size = (next ? next->offset : end) - line->offset;
	return true;
}

/* The mask test of U-Boot: erase sizes are powers of two. An SD card's lines need whole blocks. */
static bool check_align(const struct stm_line *line, char *error)
{
	uint64_t unit =
		line->media->is_mmc && !line->media->is_emmc ? GPT_BLOCK : line->media->erase_size;

	if (!(line->offset & (unit - 1)))
		return true;
	return stm_error(error, "%s (0x%x): not aligned on erase size 0x%llx: 0x%llx", line->name,
			 line->id, (unsigned long long)unit, (unsigned long long)line->offset);
}

static bool same_place(const struct stm_line *line, bool there, uint64_t start, uint64_t size,
		       size_t number, char *error)
{
	if (!there)
		return stm_error(error, "%s (0x%x): partition %zu not found on %s", line->name,
				 line->id, number, line->device);
	if (start != line->offset)
		return stm_error(error, "%s (0x%x): wrong address 0x%llx, expected 0x%llx",
				 line->name, line->id, (unsigned long long)line->offset,
				 (unsigned long long)start);
	if (size != line->size)
		return stm_error(error, "%s (0x%x): wrong size 0x%llx, expected 0x%llx", line->name,
				 line->id, (unsigned long long)line->size,
				 (unsigned long long)size);
	return true;
}

static bool is_in_table(const struct stm_line *line)
{
	return !line->hwpart && line->type != STM_RAW;
}

/* Line k has to be partition k of what is there. */
static bool match_table(struct stm_line *const *lines, size_t count, char *error)
{
	_cleanup_(freep) struct gpt_part *parts = xcalloc(GPT_ENTRIES, sizeof(*parts));
	struct media *media = lines[0]->media;
	size_t there, i, k = 0;

	there = media->is_mmc ? gpt_read(&media->user, parts) : media->part_count;
	for (i = 0; i < there && !media->is_mmc; i++) {
		parts[i].start = media->parts[i].start;
		parts[i].size = media->parts[i].size;
	}
	for (i = 0; i < count; i++) {
		if (!is_in_table(lines[i]))
			continue;
		if (!same_place(lines[i], k < there && parts[k].size, parts[k].start, parts[k].size,
				k + 1, error))
			return false;
		k++;
	}
	return true;
}

static bool is_full(struct stm_line *const *lines, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!(lines[i]->option & STM_SELECT))
			return false;
	return lines[0]->media->is_mmc;
}

static bool resolve_media(struct stm_layout *layout, struct media *media, char *error)
{
	struct stm_line *lines[STM_LINES_MAX], *line, *next;
	size_t count = lines_of(layout, media, lines), i;

	for (i = 0; i < count; i++) {
		line = lines[i];
		next = i + 1 < count && lines[i + 1]->hwpart == line->hwpart ? lines[i + 1] : NULL;
		if (line->hwpart && !media->is_emmc)
			return stm_error(error, "%s (0x%x): hw partition not expected : %u",
					 line->name, line->id, line->hwpart);
		if (!check_copies(line, error) || !size_line(line, next, error) ||
		    !check_align(line, error))
			return false;
	}
	return !count || is_full(lines, count) || match_table(lines, count, error);
}

bool stm_layout_resolve(struct stm_layout *layout, struct media_set *media, char error[STM_ERROR])
{
	struct media *seen[STM_DEVICES_MAX];
	size_t i, k, count = 0;
	struct stm_line *line;

	for (i = 0; i < layout->count; i++) {
		line = &layout->lines[i];
		if (!stm_line_is_real(line) || text_equal(line->device, "ram"))
			continue;
		line->media = media_find(media, line->device);
		if (!line->media)
			return stm_error(error, "%s device not found", line->device);
		for (k = 0; k < count && seen[k] != line->media; k++)
			;
		if (k == STM_DEVICES_MAX)
			return stm_error(error, "Layout: too many devices");
		seen[k] = line->media;
		count = k == count ? count + 1 : count;
	}
	for (k = 0; k < count; k++)
		if (!resolve_media(layout, seen[k], error))
			return false;
	return true;
}

static bool erase_line(const struct stm_line *line, char *error)
{
	struct medium *medium = media_part(line->media, line->hwpart);

	if (medium_erase(medium, line->offset, line->size, line->media->erased))
		return true;
	return stm_error(error, "%s (0x%x): erase failed", line->name, line->id);
}

/* Fixed for what Linux looks for; else made of the name, where U-Boot takes a random one. */
static void part_guid(const struct stm_line *line, bool first_rootfs, uint8_t guid[16])
{
	unsigned int mmc = (unsigned int)(line->device[3] - '0');
	char text[SHA256_TEXT];

	if (first_rootfs && mmc < ARRAY_SIZE(rootfs_guids)) {
		gpt_guid(rootfs_guids[mmc], guid);
		return;
	}
	if (text_equal(line->name, "fip-a") &&
	    gpt_guid("4fd84c93-54ef-463f-a7ef-ae25ff887087", guid))
		return;
	if (text_equal(line->name, "fip-b") &&
	    gpt_guid("09c54952-d5bf-45af-acee-335303766fb3", guid))
		return;
	sha256_text(line, offsetof(struct stm_line, media), text);
	text[32] = '\0';
	text_bytes(text, guid, 16);
}

static bool create_gpt(struct stm_line *const *lines, size_t count, char *error)
{
	_cleanup_(freep) struct gpt_part *parts = xcalloc(GPT_ENTRIES, sizeof(*parts));
	bool rootfs = false, is_rootfs;
	size_t i, used = 0;

	for (i = 0; i < count; i++) {
		const struct stm_line *line = lines[i];
		struct gpt_part *part = &parts[used];

		if (!is_in_table(line) || used == GPT_ENTRIES)
			continue;
		memcpy(part->name, line->name, sizeof(line->name));
		part->start = line->offset;
		part->size = line->size;
		part->attributes = line->type == STM_SYSTEM ? 4 : 0;
		gpt_guid(type_guids[line->type], part->type);
		is_rootfs = text_equal(line->name, "rootfs") || text_equal(line->name, "rootfs-a");
		part_guid(line, is_rootfs && !rootfs, part->guid);
		rootfs |= is_rootfs;
		used++;
	}
	if (!used || gpt_write(&lines[0]->media->user, parts, used))
		return true;
	return stm_error(error, "GPT partitioning of %s failed", lines[0]->device);
}

static bool erase_lines(const struct stm_layout *layout, bool raw, char *error)
{
	const struct stm_line *line;
	size_t i;

	for (i = 0; i < layout->count; i++) {
		line = &layout->lines[i];
		if (line->media && line->option & STM_DELETE && (line->type == STM_RAW) == raw &&
		    !erase_line(line, error))
			return false;
	}
	return true;
}

bool stm_layout_prepare(struct stm_layout *layout, struct media_set *media, char error[STM_ERROR])
{
	struct stm_line *lines[STM_LINES_MAX];
	size_t i, count;

	if (!erase_lines(layout, true, error))
		return false;
	for (i = 0; i < media->count; i++) {
		count = lines_of(layout, &media->list[i], lines);
		if (count && is_full(lines, count) && !create_gpt(lines, count, error))
			return false;
	}
	return erase_lines(layout, false, error);
}
