// SPDX-License-Identifier: MIT
#include "sim/gpt.h"

#include <string.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"

#define HEADER_SIZE 92
#define ENTRY_SIZE  128
#define TABLE_SIZE  (GPT_ENTRIES * ENTRY_SIZE)
#define TABLE_LBAS  (TABLE_SIZE / GPT_BLOCK)

enum { /* of the header */
	AT_REVISION = 8,
	AT_SIZE = 12,
	AT_CRC = 16,
	AT_SELF = 24,
	AT_OTHER = 32,
	AT_FIRST = 40,
	AT_LAST = 48,
	AT_DISK = 56,
	AT_TABLE = 72,
	AT_COUNT = 80,
	AT_ENTRY = 84,
	AT_TABLE_CRC = 88,
};

bool gpt_guid(const char *text, uint8_t out[16])
{
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	char digits[33] = "";
	uint8_t bytes[16];
	size_t i, k = 0;

	for (i = 0; text[i] && k < 32; i++)
		if (text[i] != '-')
			digits[k++] = text[i];
	if (!text_bytes(digits, bytes, sizeof(bytes)))
		return false;
	for (i = 0; i < sizeof(order); i++)
		out[i] = bytes[order[i]];
	return true;
}

static void put_entries(const struct gpt_part *parts, size_t count, uint8_t table[TABLE_SIZE])
{
	uint8_t *entry = table;
	size_t i, k;

	memset(table, 0, TABLE_SIZE);
	for (i = 0; i < count && i < GPT_ENTRIES; i++, entry += ENTRY_SIZE) {
		memcpy(entry, parts[i].type, 16);
		memcpy(entry + 16, parts[i].guid, 16);
		put_le64(entry + 32, parts[i].start / GPT_BLOCK);
		put_le64(entry + 40, (parts[i].start + parts[i].size) / GPT_BLOCK - 1);
		put_le64(entry + 48, parts[i].attributes);
		for (k = 0; parts[i].name[k]; k++)
			entry[56 + 2 * k] = (uint8_t)parts[i].name[k];
	}
}

static void put_header(uint8_t header[GPT_BLOCK], uint64_t blocks, bool primary,
		       const uint8_t table[TABLE_SIZE])
{
	uint64_t last = blocks - 1;

	memset(header, 0, GPT_BLOCK);
	memcpy(header, "EFI PART", 8);
	put_le32(header + AT_REVISION, 0x00010000);
	put_le32(header + AT_SIZE, HEADER_SIZE);
	put_le64(header + AT_SELF, primary ? 1 : last);
	put_le64(header + AT_OTHER, primary ? last : 1);
	put_le64(header + AT_FIRST, 2 + TABLE_LBAS);
	put_le64(header + AT_LAST, last - TABLE_LBAS - 1);
	memset(header + AT_DISK, 0x5a, 16);
	put_le64(header + AT_TABLE, primary ? 2 : last - TABLE_LBAS);
	put_le32(header + AT_COUNT, GPT_ENTRIES);
	put_le32(header + AT_ENTRY, ENTRY_SIZE);
	put_le32(header + AT_TABLE_CRC, crc32_add(0, table, TABLE_SIZE));
	put_le32(header + AT_CRC, crc32_add(0, header, HEADER_SIZE));
}

static bool put_mbr(struct medium *medium, uint64_t blocks)
{
	uint8_t mbr[GPT_BLOCK] = {0};
	uint64_t size = blocks - 1;

	mbr[446 + 4] = 0xee;
	put_le32(mbr + 446 + 8, 1);
	put_le32(mbr + 446 + 12, size > UINT32_MAX ? UINT32_MAX : (uint32_t)size);
	mbr[510] = 0x55;
	mbr[511] = 0xaa;
	return medium_write(medium, 0, mbr, sizeof(mbr));
}

bool gpt_write(struct medium *medium, const struct gpt_part *parts, size_t count)
{
	_cleanup_(freep) uint8_t *table = xmalloc(TABLE_SIZE);
	uint64_t blocks = medium->size / GPT_BLOCK;
	uint8_t header[GPT_BLOCK];

	if (blocks < 2 * TABLE_LBAS + 4)
		return false;
	put_entries(parts, count, table);
	put_header(header, blocks, true, table);
	if (!put_mbr(medium, blocks) || !medium_write(medium, GPT_BLOCK, header, GPT_BLOCK) ||
	    !medium_write(medium, 2 * GPT_BLOCK, table, TABLE_SIZE))
		return false;
	put_header(header, blocks, false, table);
	return medium_write(medium, (blocks - 1 - TABLE_LBAS) * GPT_BLOCK, table, TABLE_SIZE) &&
	       medium_write(medium, (blocks - 1) * GPT_BLOCK, header, GPT_BLOCK);
}

static bool header_is_good(const uint8_t header[GPT_BLOCK], uint64_t blocks)
{
	uint8_t copy[HEADER_SIZE];

	if (memcmp(header, "EFI PART", 8) != 0 || le32(header + AT_SIZE) != HEADER_SIZE)
		return false;
	memcpy(copy, header, sizeof(copy));
	put_le32(copy + AT_CRC, 0);
	return crc32_add(0, copy, sizeof(copy)) == le32(header + AT_CRC) &&
	       le64(header + AT_SELF) == 1 && le64(header + AT_LAST) < blocks &&
	       le32(header + AT_ENTRY) == ENTRY_SIZE && le32(header + AT_COUNT) <= GPT_ENTRIES;
}

static void get_entry(const uint8_t *entry, struct gpt_part *part)
{
	uint64_t first = le64(entry + 32), last = le64(entry + 40);
	size_t i;

	*part = (struct gpt_part){0};
	memcpy(part->type, entry, 16);
	memcpy(part->guid, entry + 16, 16);
	part->attributes = le64(entry + 48);
	for (i = 0; i < GPT_NAME; i++)
		part->name[i] = (char)entry[56 + 2 * i];
	if (first && last >= first && last < UINT64_MAX / GPT_BLOCK) {
		part->start = first * GPT_BLOCK;
		part->size = (last - first + 1) * GPT_BLOCK;
	}
}

size_t gpt_read(struct medium *medium, struct gpt_part parts[GPT_ENTRIES])
{
	_cleanup_(freep) uint8_t *table = xmalloc(TABLE_SIZE);
	uint8_t header[GPT_BLOCK];
	size_t i, count, used = 0;

	if (!medium_read(medium, GPT_BLOCK, header, sizeof(header)) ||
	    !header_is_good(header, medium->size / GPT_BLOCK))
		return 0;
	count = le32(header + AT_COUNT);
	if (!medium_read(medium, le64(header + AT_TABLE) * GPT_BLOCK, table, count * ENTRY_SIZE) ||
	    crc32_add(0, table, count * ENTRY_SIZE) != le32(header + AT_TABLE_CRC))
		return 0;
	for (i = 0; i < count; i++) {
		get_entry(table + i * ENTRY_SIZE, &parts[i]);
		used = parts[i].size ? i + 1 : used;
	}
	return used;
}

bool gpt_restore(struct medium *medium, const uint8_t *image, size_t size)
{
	_cleanup_(freep) struct gpt_part *parts = xcalloc(GPT_ENTRIES, sizeof(*parts));
	const uint8_t *header = image + GPT_BLOCK, *table = image + 2 * GPT_BLOCK;
	size_t i, count;

	if (size < 2 * GPT_BLOCK + TABLE_SIZE || !header_is_good(header, medium->size / GPT_BLOCK))
		return false;
	count = le32(header + AT_COUNT);
	if (crc32_add(0, table, count * ENTRY_SIZE) != le32(header + AT_TABLE_CRC))
		return false;
	for (i = 0; i < count; i++)
		get_entry(table + i * ENTRY_SIZE, &parts[i]);
	return gpt_write(medium, parts, count);
}
