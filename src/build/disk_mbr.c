// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "build/disk_table_write.h"

#define ENTRIES_AT 446

static int add_primary(struct fdisk_context *context, size_t number, uint8_t type, bool active,
		       uint64_t start, uint64_t size)
{
	struct fdisk_partition *part;
	char code[8];
	int rc;

	snprintf(code, sizeof(code), "%x", type);
	part = fdisk_part(context, number, code, start, size);
	rc = fdisk_add_partition(context, part, NULL);
	fdisk_unref_partition(part);
	if (rc == 0 && active)
		rc = fdisk_toggle_partition_flag(context, number, DOS_FLAG_ACTIVE);
	return rc;
}

/* The next logical partition behind `after`, by where its boot record is. */
static const struct disk_part *next_logical(const struct disk_table *table, uint64_t after)
{
	const struct disk_part *next = NULL;
	size_t i;

	for (i = 0; i < table->count; i++) {
		const struct disk_part *part = &table->parts[i];

		if (part->logical && part->ebr > after && (!next || part->ebr < next->ebr))
			next = part;
	}
	return next;
}

/* A boot record: its partition relative to itself, the next boot record relative to the extended
   partition. */
static int put_ebr(int fd, const struct disk_table *table, const struct disk_part *part,
		   const struct disk_part *next, struct err *err)
{
	uint8_t record[SECTOR_SIZE] = {[510] = 0x55, [511] = 0xaa};
	uint64_t start = part->start / SECTOR_SIZE;

	mbr_entry(record + ENTRIES_AT, part->active, part->mbr_type, start,
		  (part->start - part->ebr) / SECTOR_SIZE, part->size / SECTOR_SIZE);
	if (next)
		mbr_entry(record + ENTRIES_AT + 16, false, 0x05, next->ebr / SECTOR_SIZE,
			  (next->ebr - table->extended_start) / SECTOR_SIZE,
			  (next->start + next->size - next->ebr) / SECTOR_SIZE);
	return file_put(fd, record, sizeof(record), part->ebr, err);
}

static int put_logicals(const struct disk_table *table, const char *path, struct err *err)
{
	_cleanup_(closep) int fd = open(path, O_RDWR | O_CLOEXEC);
	const struct disk_part *part = next_logical(table, table->extended_start - 1), *next;
	int rc = 0;

	if (fd < 0)
		return err_errno(err, ERR_HOST, "cannot open %s", path);
	if (part && part->ebr != table->extended_start)
		return err_set(
			err, ERR_CONFIG,
			"partition %s: the first logical one must begin where the extended one "
			"does",
			part->name);
	for (; part && rc == 0; part = next) {
		next = next_logical(table, part->ebr);
		rc = put_ebr(fd, table, part, next, err);
	}
	return rc;
}

static int add_primaries(struct fdisk_context *context, const struct disk_table *table,
			 struct err *err)
{
	size_t number = 0, extended = table->extended_number, i;
	int rc = 0;

	for (i = 0; i < table->count && rc == 0; i++) {
		const struct disk_part *part = &table->parts[i];

		if (part->logical)
			continue;
		number += number + 1 == extended;
		rc = add_primary(context, number++, part->mbr_type, part->active, part->start,
				 part->size);
		if (rc < 0)
			return fdisk_failed(rc, part->name, err);
	}
	if (!table->extended_start)
		return 0;
	rc = add_primary(context, extended ? extended - 1 : number, MBR_TYPE_EXTENDED, false,
			 table->extended_start, table->extended_size);
	return rc < 0 ? fdisk_failed(rc, "the extended partition", err) : 0;
}

int mbr_write(const struct disk_table *table, const char *path, struct err *err)
{
	_cleanup_(fdisk_closep) struct fdisk_context *context = NULL;
	char id[16];
	int rc;

	snprintf(id, sizeof(id), "0x%08x", table->disk_signature);
	rc = fdisk_open(&context, path, "dos", SECTOR_SIZE, id, err);
	if (rc == 0)
		rc = add_primaries(context, table, err);
	if (rc < 0)
		return rc;
	rc = fdisk_write_disklabel(context);
	if (rc < 0)
		return fdisk_failed(rc, "cannot be written", err);
	fdisk_closep(&context);
	return table->extended_start ? put_logicals(table, path, err) : 0;
}
