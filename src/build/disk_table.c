// SPDX-License-Identifier: MIT
#include "build/disk_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/disk_table_write.h"

#define GPT_HEADER_END ((uint64_t)2 * SECTOR_SIZE)
#define GPT_ENTRIES    ((uint64_t)128)
#define GPT_ARRAY      (GPT_ENTRIES * 128) /* bytes */
#define MBR_SECTORS    ((uint64_t)1 << 32)
#define GPT_NAME       36

static bool has_gpt(const struct disk_table *table)
{
	return table->kind == TABLE_GPT || table->kind == TABLE_HYBRID;
}

uint64_t disk_table_first(const struct disk_table *table)
{
	if (table->kind == TABLE_NONE)
		return 0;
	if (table->kind == TABLE_MBR)
		return SECTOR_SIZE;
	return (table->gpt_location ? table->gpt_location : GPT_HEADER_END) + GPT_ARRAY;
}

uint64_t disk_table_last(const struct disk_table *table)
{
	uint64_t backup = GPT_ARRAY + SECTOR_SIZE;

	if (!has_gpt(table) || table->gpt_no_backup)
		return table->size;
	return table->size > backup ? table->size - backup : 0;
}

void disk_part_uuid(const struct disk_table *table, size_t number, char out[UUID_TEXT])
{
	const struct disk_part *part = &table->parts[number - 1];
	uint8_t uuid[UUID_SIZE];
	char text[32];

	if (!part->uuid || !uuid_read(part->uuid, uuid)) {
		snprintf(text, sizeof(text), "%zu", number);
		ident_uuid(uuid, IDENT("partition", table->disk_uuid, text, part->name));
	}
	uuid_text(uuid, out);
}

/* Bytes a partition takes, with its boot record if it has one. */
static uint64_t begins(const struct disk_part *part)
{
	return part->logical ? part->ebr : part->start;
}

static int check_part(const struct disk_table *table, const struct disk_part *part, struct err *err)
{
	uint64_t first = disk_table_first(table), last = disk_table_last(table);
	uint64_t end = part->start + part->size;

	if (part->start % SECTOR_SIZE || part->size % SECTOR_SIZE || !part->size)
		return err_set(err, ERR_CONFIG,
			       "partition %s: start %llu and size %llu must be whole "
			       "sectors of %d bytes, and at least one",
			       part->name, (unsigned long long)part->start,
			       (unsigned long long)part->size, SECTOR_SIZE);
	if (part->start < first)
		return err_set(
			err, ERR_CONFIG,
			"partition %s: starts at byte %llu, inside the partition table, which "
			"ends at %llu",
			part->name, (unsigned long long)part->start, (unsigned long long)first);
	if (end < part->start || end > last)
		return err_set(err, ERR_CONFIG,
			       "partition %s: ends at byte %llu, but there is room only to %llu",
			       part->name, (unsigned long long)end, (unsigned long long)last);
	if (table->kind == TABLE_MBR && (end / SECTOR_SIZE) > MBR_SECTORS)
		return err_set(err, ERR_CONFIG, "partition %s: an MBR reaches only to 2 TiB",
			       part->name);
	return 0;
}

static int check_logical(const struct disk_table *table, const struct disk_part *part,
			 struct err *err)
{
	uint64_t end = table->extended_start + table->extended_size;

	if (!part->logical)
		return 0;
	if (!table->extended_start)
		return err_set(err, ERR_CONFIG, "partition %s: logical, without an extended one",
			       part->name);
	if (part->ebr % SECTOR_SIZE || part->ebr < table->extended_start ||
	    part->ebr >= part->start || part->start + part->size > end)
		return err_set(err, ERR_CONFIG, "partition %s: not inside the extended partition",
			       part->name);
	return 0;
}

static bool overlap(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end)
{
	return a < b_end && b < a_end;
}

static int check_overlaps(const struct disk_table *table, size_t index, struct err *err)
{
	const struct disk_part *part = &table->parts[index], *other;
	uint64_t extended_end = table->extended_start + table->extended_size;
	size_t i;

	for (i = 0; i < index; i++) {
		other = &table->parts[i];
		if (overlap(begins(part), part->start + part->size, begins(other),
			    other->start + other->size))
			return err_set(err, ERR_CONFIG, "partitions %s and %s overlap", other->name,
				       part->name);
	}
	if (!part->logical && table->extended_start &&
	    overlap(part->start, part->start + part->size, table->extended_start, extended_end))
		return err_set(err, ERR_CONFIG, "partition %s overlaps the extended partition",
			       part->name);
	return 0;
}

static int check_gpt(const struct disk_table *table, struct err *err)
{
	uint8_t uuid[UUID_SIZE];
	size_t i;

	if (table->count > GPT_ENTRIES)
		return err_set(err, ERR_CONFIG, "%zu partitions; a GPT has at most %d",
			       table->count, (int)GPT_ENTRIES);
	if (table->size < disk_table_first(table) + GPT_ARRAY + SECTOR_SIZE)
		return err_set(err, ERR_CONFIG, "%llu bytes are too few for a GPT",
			       (unsigned long long)table->size);
	if (!uuid_read(table->disk_uuid, uuid))
		return err_set(err, ERR_CONFIG, "disk: '%s' is no UUID", table->disk_uuid);
	if (table->gpt_location &&
	    (table->gpt_location % SECTOR_SIZE || table->gpt_location < GPT_HEADER_END))
		return err_set(err, ERR_CONFIG,
			       "the place of the GPT's entries, byte %llu, must be a "
			       "whole sector from %d on",
			       (unsigned long long)table->gpt_location, (int)GPT_HEADER_END);
	for (i = 0; i < table->count; i++) {
		const struct disk_part *part = &table->parts[i];

		if (part->type && !uuid_read(part->type, uuid))
			return err_set(err, ERR_CONFIG, "partition %s: '%s' is no UUID of a type",
				       part->name, part->type);
		if (part->uuid && !uuid_read(part->uuid, uuid))
			return err_set(err, ERR_CONFIG, "partition %s: '%s' is no UUID", part->name,
				       part->uuid);
		if (strlen(part->name) > GPT_NAME)
			return err_set(err, ERR_CONFIG,
				       "partition %s: a name in a GPT has at most %d "
				       "characters",
				       part->name, GPT_NAME);
	}
	return 0;
}

static int check_mbr(const struct disk_table *table, struct err *err)
{
	size_t primary = table->extended_start ? 1 : 0, i;

	for (i = 0; i < table->count; i++)
		if (table->kind == TABLE_MBR)
			primary += !table->parts[i].logical;
		else
			primary += table->parts[i].mbr_type != 0;
	if (table->kind == TABLE_MBR && primary > 4)
		return err_set(err, ERR_CONFIG, "%zu primary partitions; an MBR has four", primary);
	if (table->kind == TABLE_HYBRID && primary > 3)
		return err_set(err, ERR_CONFIG,
			       "%zu partitions for the MBR; a hybrid table has room "
			       "for three",
			       primary);
	return 0;
}

int disk_table_check(const struct disk_table *table, struct err *err)
{
	size_t i;
	int rc = 0;

	if (table->kind != TABLE_NONE && table->size % SECTOR_SIZE)
		return err_set(err, ERR_CONFIG,
			       "the disk's size, %llu bytes, is not in whole sectors",
			       (unsigned long long)table->size);
	if (has_gpt(table))
		rc = check_gpt(table, err);
	if (rc == 0 && (table->kind == TABLE_MBR || table->kind == TABLE_HYBRID))
		rc = check_mbr(table, err);
	for (i = 0; i < table->count && rc == 0; i++) {
		rc = check_part(table, &table->parts[i], err);
		if (rc == 0)
			rc = check_logical(table, &table->parts[i], err);
		if (rc == 0)
			rc = check_overlaps(table, i, err);
	}
	return rc;
}

int disk_table_write(const struct disk_table *table, const char *path, struct err *err)
{
	int rc = disk_table_check(table, err);

	if (rc < 0 || table->kind == TABLE_NONE)
		return rc;
	rc = has_gpt(table) ? gpt_write(table, path, err) : mbr_write(table, path, err);
	return rc < 0 ? err_prefix(err, "%s", path) : 0;
}
