// SPDX-License-Identifier: MIT
/* Disks. GPT: UEFI specification, chapter 5. A disk in a partition is not looked into: it could
   hold itself many times over. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "build/inspect.h"
#include "build/inspect_rows.h"

#define GPT_HEADER      92
#define GPT_ENTRIES_MAX 1024
#define GPT_ENTRY_MAX   4096
#define GUID_TEXT       37

static const uint32_t sector_sizes[] = {512, 4096};

/* Bytes of a logical sector, by where the header is; 0: there is none. */
static uint32_t gpt_sector(const struct input *input)
{
	uint8_t magic[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sector_sizes); i++)
		if (input_read(input, sector_sizes[i], magic, sizeof(magic)) &&
		    memcmp(magic, "EFI PART", 8) == 0)
			return sector_sizes[i];
	return 0;
}

bool gpt_match(const struct input *input)
{
	return gpt_sector(input) != 0;
}

struct gpt {
	uint32_t sector;
	uint64_t my_lba, alternate, first, last, table;
	uint32_t count, entry_size, table_crc;
	uint8_t guid[16];
};

static void guid_text(const uint8_t *at, char out[GUID_TEXT])
{
	snprintf(out, GUID_TEXT, "%08" PRIx32 "-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 le32_at(at), le16_at(at + 4), le16_at(at + 6), at[8], at[9], at[10], at[11],
		 at[12], at[13], at[14], at[15]);
}

/* Reads and checks the header in sector `lba`. */
static bool gpt_read(const struct input *input, uint32_t sector, uint64_t lba, struct gpt *gpt,
		     const char **wrong)
{
	uint8_t header[512];
	uint32_t size, crc;

	*wrong = "it lies outside the file";
	if (lba > input->size / sector || !input_read(input, lba * sector, header, sizeof(header)))
		return false;
	size = le32_at(header + 12);
	*wrong = "there is none";
	if (memcmp(header, "EFI PART", 8) != 0 || size < GPT_HEADER || size > sizeof(header))
		return false;
	*gpt = (struct gpt){.sector = sector,
			    .my_lba = le64_at(header + 24),
			    .alternate = le64_at(header + 32),
			    .first = le64_at(header + 40),
			    .last = le64_at(header + 48),
			    .table = le64_at(header + 72),
			    .count = le32_at(header + 80),
			    .entry_size = le32_at(header + 84),
			    .table_crc = le32_at(header + 88)};
	memcpy(gpt->guid, header + 56, 16);
	crc = le32_at(header + 16);
	memset(header + 16, 0, 4);
	*wrong = "its CRC is wrong";
	if (crc32_add(0, header, size) != crc)
		return false;
	*wrong = "it says it is in another sector";
	return gpt->my_lba == lba;
}

static bool gpt_entries(const struct input *input, const struct gpt *gpt, struct buf *table)
{
	uint64_t size = (uint64_t)gpt->count * gpt->entry_size;

	if (gpt->count > GPT_ENTRIES_MAX || gpt->entry_size < 128 ||
	    gpt->entry_size > GPT_ENTRY_MAX || gpt->table > input->size / gpt->sector)
		return false;
	return input_read_part(input, gpt->table * gpt->sector, size, table) &&
	       crc32_add(0, table->data, table->size) == gpt->table_crc;
}

/* UTF-16 of 36 characters; what is not ASCII becomes "?". */
static void fact_name(json_t *row, const uint8_t *at)
{
	char name[37];
	size_t i;

	for (i = 0; i < 36 && le16_at(at + 2 * i); i++)
		name[i] = le16_at(at + 2 * i) < 128 ? (char)at[2 * i] : '?';
	name[i] = '\0';
	fact_text(row, "name", name);
}

static void gpt_partition(const struct input *input, const struct gpt *gpt, const uint8_t *entry,
			  size_t number, json_t *rows, struct finding *finding)
{
	static const uint8_t unused[16];
	uint64_t first = le64_at(entry + 32), last = le64_at(entry + 40);
	bool inside = first <= last && first >= gpt->first && last <= gpt->last &&
		      last < input->size / gpt->sector;
	json_t *row;
	char text[GUID_TEXT], what[32];

	if (memcmp(entry, unused, sizeof(unused)) == 0)
		return;
	snprintf(what, sizeof(what), "partition %zu", number);
	row = json_object();
	fact_number(row, "number", number);
	fact_name(row, entry + 56);
	guid_text(entry, text);
	fact_text(row, "type", text);
	guid_text(entry + 16, text);
	fact_text(row, "partuuid", text);
	fact_number(row, "first", first);
	fact_number(row, "last", last);
	fact_hex(row, "attributes", le64_at(entry + 48));
	if (inside && !input->part)
		inspect_part(input, first * gpt->sector, (last - first + 1) * gpt->sector, what,
			     row, finding);
	json_array_append_new(rows, row);
	if (!inside && input->whole)
		finding_check(finding, what, false, "it lies outside the disk");
}

static void gpt_facts(const struct gpt *gpt, json_t *facts)
{
	char guid[GUID_TEXT];

	guid_text(gpt->guid, guid);
	fact_text(facts, "guid", guid);
	fact_number(facts, "sector", gpt->sector);
	fact_number(facts, "first-usable", gpt->first);
	fact_number(facts, "last-usable", gpt->last);
}

void gpt_explain(const struct input *input, struct finding *finding)
{
	_cleanup_(buf_free) struct buf table = {.max = GPT_ENTRIES_MAX * GPT_ENTRY_MAX + 1};
	struct gpt gpt = {0}, backup;
	json_t *rows = json_array();
	const char *wrong;
	bool good = gpt_read(input, gpt_sector(input), 1, &gpt, &wrong);
	size_t i;

	json_object_set_new(finding->facts, "partitions", rows);
	finding_check(finding, "header", good, "%s", wrong);
	if (!good)
		return;
	gpt_facts(&gpt, finding->facts);
	good = gpt_entries(input, &gpt, &table);
	finding_check(finding, "entries", good, "they lie outside, or their CRC is wrong");
	for (i = 0; good && i < gpt.count; i++)
		gpt_partition(input, &gpt, (const uint8_t *)table.data + i * gpt.entry_size, i + 1,
			      rows, finding);
	if (!input->whole)
		return;
	good = gpt_read(input, gpt.sector, gpt.alternate, &backup, &wrong);
	if (good && (backup.table_crc != gpt.table_crc || memcmp(backup.guid, gpt.guid, 16) != 0)) {
		wrong = "it differs from the one at the start";
		good = false;
	}
	finding_check(finding, "backup header", good, "%s", wrong);
}

#define MBR_TABLE   446
#define MBR_ENTRY   16
#define SECTOR      512
#define LOGICAL_MAX 64

/* Four entries that can be: status 0 or 0x80, and at least one in use. */
bool mbr_match(const struct input *input)
{
	const uint8_t *entry = input->head + MBR_TABLE;
	int i, used = 0;

	if (!input_has(input, 510, "\x55\xaa", 2))
		return false;
	for (i = 0; i < 4; i++, entry += MBR_ENTRY) {
		if (entry[0] & 0x7f)
			return false;
		used += entry[4] != 0 && le32_at(entry + 12) != 0;
	}
	return used > 0;
}

static bool is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

static void mbr_partition(const struct input *input, const uint8_t *entry, uint64_t base,
			  size_t number, json_t *rows, struct finding *finding)
{
	uint64_t first = base + le32_at(entry + 8), sectors = le32_at(entry + 12);
	json_t *row = json_object();
	char what[32];
	bool inside = (first + sectors) <= input->size / SECTOR;

	snprintf(what, sizeof(what), "partition %zu", number);
	fact_number(row, "number", number);
	fact_hex(row, "type", entry[4]);
	fact_flag(row, "bootable", entry[0] == 0x80);
	fact_number(row, "first", first);
	fact_number(row, "sectors", sectors);
	if (inside && !input->part && !is_extended(entry[4]))
		inspect_part(input, first * SECTOR, sectors * SECTOR, what, row, finding);
	json_array_append_new(rows, row);
	if (!inside && input->whole)
		finding_check(finding, what, false, "it lies outside the disk");
}

/* A chain of tables: the first entry is a partition, relative to its own table; the second leads to
   the next table, relative to the extended partition. */
static void mbr_logical(const struct input *input, uint64_t extended, json_t *rows,
			struct finding *finding)
{
	uint64_t place = extended;
	uint8_t table[SECTOR];
	size_t number;

	for (number = 5; number < 5 + LOGICAL_MAX; number++) {
		const uint8_t *entry = table + MBR_TABLE;

		if (!input_read(input, place * SECTOR, table, sizeof(table)) ||
		    table[510] != 0x55 || table[511] != 0xaa) {
			finding_check(finding, "logical partitions", false, "the chain breaks off");
			return;
		}
		if (entry[4])
			mbr_partition(input, entry, place, number, rows, finding);
		if (!entry[MBR_ENTRY + 4])
			return;
		place = extended + le32_at(entry + MBR_ENTRY + 8);
	}
	finding_check(finding, "logical partitions", false, "the chain has no end");
}

void mbr_explain(const struct input *input, struct finding *finding)
{
	const uint8_t *entry = input->head + MBR_TABLE;
	json_t *rows = json_array();
	size_t i;

	fact_hex(finding->facts, "signature", le32_at(input->head + 440));
	json_object_set_new(finding->facts, "partitions", rows);
	for (i = 0; i < 4; i++, entry += MBR_ENTRY) {
		if (!entry[4])
			continue;
		mbr_partition(input, entry, 0, i + 1, rows, finding);
		if (is_extended(entry[4]) && input->whole)
			mbr_logical(input, le32_at(entry + 8), rows, finding);
	}
}
