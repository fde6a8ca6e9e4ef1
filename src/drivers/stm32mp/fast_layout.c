// SPDX-License-Identifier: MIT
#include "drivers/stm32mp/fast_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/ident.h"

#define SECTOR    512
#define TABLE_MAX ((size_t)8 << 10) /* U-Boot's own limit for such a command */

static bool is_raw(const struct tsv_line *line)
{
	return !line->type->guid;
}

static bool is_in_table(const struct tsv_line *line)
{
	return line->medium == TSV_MMC && !is_raw(line) && !line->boot;
}

static const struct tsv_line *first_line(const struct tsv *tsv)
{
	size_t i;

	for (i = 0; i < tsv->count; i++)
		if (tsv->lines[i].medium != TSV_NO_MEDIUM)
			return &tsv->lines[i];
	return NULL;
}

/* Names go into a command line, between quotes, where commas and the like mean something. */
static bool is_plain(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
	       strlen(name);
}

static uint64_t erase_size(const struct tsv_media *media, const char *device)
{
	for (; media && media->device; media++)
		if (strcmp(media->device, device) == 0)
			return media->erase_size;
	return 0;
}

static const char *line_reason(const struct tsv_line *line, const struct tsv_line *first,
			       const struct tsv_media *media)
{
	if (strcmp(line->device, first->device) != 0)
		return "the layout has several media";
	if (line->medium != TSV_MMC)
		return "the medium is no mmc";
	if (!line->selected)
		return "the medium is updated in part";
	if (!is_plain(line->name))
		return "a name in it has unusual characters";
	if (!line->erase)
		return NULL;
	if (line->boot || !line->size || !erase_size(media, line->device))
		return "it is not known how much is to be erased";
	return NULL;
}

const char *fast_layout_reason(const struct tsv *tsv, const struct tsv_media *media)
{
	const struct tsv_line *line, *first = first_line(tsv);
	_cleanup_(buf_free) struct buf table = {.max = TABLE_MAX};
	size_t raw = 0, lines = 0;
	const char *reason;

	for (line = tsv->lines; line < tsv->lines + tsv->count; line++) {
		if (line->medium == TSV_NO_MEDIUM)
			continue;
		reason = line_reason(line, first, media);
		if (reason)
			return reason;
		raw += is_raw(line);
		lines++;
	}
	if (lines == 0)
		return "nothing is written";
	if (raw && lines > 1)
		return "the layout has a whole image and partitions";
	fast_layout_before(tsv, &table);
	return buf_over(&table) ? "the partition table is too long for a command" : NULL;
}

unsigned int fast_layout_device(const struct tsv *tsv)
{
	const struct tsv_line *line = first_line(tsv);

	if (!line)
		return 0; /* such a layout is refused by fast_layout_reason() */
	return (unsigned int)(line->device[strlen(line->device) - 1] - '0');
}

/* Partitions count in the order of their offsets. */
static unsigned int number_of(const struct tsv *tsv, const struct tsv_line *line)
{
	unsigned int number = 1;
	size_t i;

	for (i = 0; i < tsv->count; i++)
		number += is_in_table(&tsv->lines[i]) && tsv->lines[i].offset < line->offset;
	return number;
}

void fast_layout_place(const struct tsv *tsv, const struct tsv_line *line, char out[16])
{
	unsigned int device = fast_layout_device(tsv);

	if (line->boot)
		snprintf(out, 16, "%u.%u:0", device, line->boot);
	else
		snprintf(out, 16, "%u:%x", device, is_raw(line) ? 0 : number_of(tsv, line));
}

/* The UUIDs that U-Boot gives, so that `root=PARTUUID=` of ST's images finds its partition. Others
   are made from the names: U-Boot's are random. */
static const struct {
	const char *name, *device, *uuid; /* device NULL: any */
} uuids[] = {
	{"rootfs", "mmc0", "e91c4e10-16e6-4c0e-bd0e-77becf4a3582"},
	{"rootfs", "mmc1", "491f6117-415d-4f53-88c9-6e0de54deac6"},
	{"rootfs", "mmc2", "fd58f1c7-be0d-4338-88e9-ad8f050aeb18"},
	{"fip-a", NULL, "4fd84c93-54ef-463f-a7ef-ae25ff887087"},
	{"fip-b", NULL, "09c54952-d5bf-45af-acee-335303766fb3"},
};

static void line_uuid(const struct tsv_line *line, char out[UUID_TEXT])
{
	const char *name = strcmp(line->name, "rootfs-a") == 0 ? "rootfs" : line->name;
	uint8_t uuid[UUID_SIZE];
	size_t i;

	ident_uuid(uuid, IDENT("stm32mp", line->device, line->name));
	uuid_text(uuid, out);
	for (i = 0; i < ARRAY_SIZE(uuids); i++)
		if (strcmp(uuids[i].name, name) == 0 &&
		    (!uuids[i].device || strcmp(uuids[i].device, line->device) == 0))
			snprintf(out, UUID_TEXT, "%s", uuids[i].uuid);
}

static void add_partition(const struct tsv_line *line, struct buf *out)
{
	char uuid[UUID_TEXT];

	line_uuid(line, uuid);
	buf_addf(out, "name=%s,start=0x%" PRIx64 ",size=", line->name, line->offset);
	if (line->size)
		buf_addf(out, "0x%" PRIx64, line->size);
	else
		buf_add_char(out, '-');
	buf_addf(out, ",type=%s,uuid=%s%s;", line->type->guid, uuid,
		 strcmp(line->type->name, "System") == 0 ? ",bootable" : "");
}

/* The line that is partition `number`; NULL: there are not so many. */
static const struct tsv_line *line_of(const struct tsv *tsv, unsigned int number)
{
	size_t i;

	for (i = 0; i < tsv->count; i++)
		if (is_in_table(&tsv->lines[i]) && number_of(tsv, &tsv->lines[i]) == number)
			return &tsv->lines[i];
	return NULL;
}

/* U-Boot reads the new table when the medium is selected anew. */
static void add_table(const struct tsv *tsv, struct buf *out)
{
	unsigned int number, device = fast_layout_device(tsv);

	if (!line_of(tsv, 1))
		return;
	buf_addf(out, "gpt write mmc %u \"", device);
	for (number = 1; line_of(tsv, number); number++)
		add_partition(line_of(tsv, number), out);
	buf_addf(out, "\" || reset\nmmc dev %u\n", device);
}

void fast_layout_before(const struct tsv *tsv, struct buf *out)
{
	const struct tsv_line *line;

	buf_addf(out, "mmc dev %u || reset\n", fast_layout_device(tsv));
	for (line = tsv->lines; line < tsv->lines + tsv->count; line++)
		if (line->medium == TSV_MMC && line->erase)
			buf_addf(out, "mmc erase %" PRIx64 " %" PRIx64 " || reset\n",
				 line->offset / SECTOR, line->size / SECTOR);
	add_table(tsv, out);
}

/* As U-Boot does after each of them, in the order of ids: the last one counts. */
void fast_layout_after(const struct tsv *tsv, struct buf *out)
{
	const struct tsv_line *line, *last = NULL;
	unsigned int device = fast_layout_device(tsv);

	for (line = tsv->lines; line < tsv->lines + tsv->count; line++)
		if (line->boot && tsv_is_sent(line) && (!last || line->id > last->id))
			last = line;
	if (last)
		buf_addf(out, "mmc bootbus %u 0 0 0\nmmc partconf %u 1 %u 0\n", device, device,
			 last->boot);
}
