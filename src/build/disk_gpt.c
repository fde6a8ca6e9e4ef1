// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/mem.h"
#include "build/disk_table_write.h"

#define ENTRIES    128
#define ENTRY_SIZE 128
#define ARRAY      ((size_t)ENTRIES * ENTRY_SIZE)
#define HEADER     92 /* bytes of a header (UEFI 2.10, 5.3.2) */
#define MBR_AT     446

static int add_part(struct fdisk_context *context, const struct disk_table *table, size_t index)
{
	const struct disk_part *from = &table->parts[index];
	struct fdisk_partition *part = fdisk_part(
		context, index, from->type ? from->type : GPT_TYPE_LINUX, from->start, from->size);
	char uuid[UUID_TEXT];
	int rc;

	disk_part_uuid(table, index + 1, uuid);
	fdisk_partition_set_uuid(part, uuid);
	fdisk_partition_set_name(part, from->name);
	rc = fdisk_add_partition(context, part, NULL);
	if (rc == 0)
		rc = fdisk_gpt_set_partition_attrs(context, index, from->attributes);
	fdisk_unref_partition(part);
	return rc;
}

static void seal(uint8_t header[SECTOR_SIZE])
{
	put_le32(header + 16, 0);
	put_le32(header + 16, crc32_add(0, header, HEADER));
}

/* Moves the array of the first table, and puts back what was where libfdisk wrote it: a boot
   loader, maybe. The header says where the array is (offset 72). */
static int move_array(int fd, const struct disk_table *table, const uint8_t *before,
		      struct err *err)
{
	_cleanup_(freep) uint8_t *array = xmalloc(ARRAY);
	uint8_t header[SECTOR_SIZE];
	int rc = file_get(fd, array, ARRAY, 2 * SECTOR_SIZE, err);

	if (rc == 0)
		rc = file_put(fd, before, ARRAY, 2 * SECTOR_SIZE, err);
	if (rc == 0)
		rc = file_put(fd, array, ARRAY, table->gpt_location, err);
	if (rc == 0)
		rc = file_get(fd, header, sizeof(header), SECTOR_SIZE, err);
	if (rc < 0)
		return rc;
	put_le64(header + 72, table->gpt_location / SECTOR_SIZE);
	seal(header);
	return file_put(fd, header, sizeof(header), SECTOR_SIZE, err);
}

/* Without a second table: the first one names itself as the other (offset 32), space reaches to the
   end (offset 48). */
static int drop_backup(int fd, const struct disk_table *table, const uint8_t *kept, struct err *err)
{
	uint8_t header[SECTOR_SIZE];
	int rc = file_put(fd, kept, ARRAY + SECTOR_SIZE, table->size - ARRAY - SECTOR_SIZE, err);

	if (rc == 0)
		rc = file_get(fd, header, sizeof(header), SECTOR_SIZE, err);
	if (rc < 0)
		return rc;
	put_le64(header + 32, 1);
	put_le64(header + 48, table->size / SECTOR_SIZE - 1);
	seal(header);
	return file_put(fd, header, sizeof(header), SECTOR_SIZE, err);
}

/* The MBR of a hybrid: the chosen partitions first, as boot ROMs look at the first entry, then one
   that keeps others off the tables. */
static int put_hybrid(int fd, const struct disk_table *table, struct err *err)
{
	uint8_t entries[4][16] = {{0}};
	size_t i, next = 0;

	for (i = 0; i < table->count && next < 3; i++) {
		const struct disk_part *part = &table->parts[i];
		uint64_t start = part->start / SECTOR_SIZE;

		if (part->mbr_type)
			mbr_entry(entries[next++], part->active, part->mbr_type, start, start,
				  part->size / SECTOR_SIZE);
	}
	mbr_entry(entries[next], false, 0xee, 1, 1, disk_table_first(table) / SECTOR_SIZE - 1);
	return file_put(fd, entries, sizeof(entries), MBR_AT, err);
}

static int put_signature(int fd, const struct disk_table *table, struct err *err)
{
	uint8_t bytes[4];

	put_le32(bytes, table->disk_signature);
	return table->disk_signature ? file_put(fd, bytes, 4, 440, err) : 0;
}

/* What libfdisk cannot do. `before` and `end`: what was in the file where it has put its tables. */
static int put_right(int fd, const struct disk_table *table, const uint8_t *before,
		     const uint8_t *end, struct err *err)
{
	int rc = 0;

	if (table->gpt_location && table->gpt_location != 2 * SECTOR_SIZE)
		rc = move_array(fd, table, before, err);
	if (rc == 0 && table->gpt_no_backup)
		rc = drop_backup(fd, table, end, err);
	if (rc == 0 && table->kind == TABLE_HYBRID)
		rc = put_hybrid(fd, table, err);
	return rc < 0 ? rc : put_signature(fd, table, err);
}

int gpt_write(const struct disk_table *table, const char *path, struct err *err)
{
	_cleanup_(fdisk_closep) struct fdisk_context *context = NULL;
	_cleanup_(closep) int fd = open(path, O_RDWR | O_CLOEXEC);
	_cleanup_(freep) uint8_t *before = xmalloc(ARRAY), *end = xmalloc(ARRAY + SECTOR_SIZE);
	size_t i;
	int rc;

	if (fd < 0)
		return err_errno(err, ERR_HOST, "cannot open %s", path);
	rc = file_get(fd, before, ARRAY, 2 * SECTOR_SIZE, err);
	if (rc == 0)
		rc = file_get(fd, end, ARRAY + SECTOR_SIZE, table->size - ARRAY - SECTOR_SIZE, err);
	if (rc == 0)
		rc = fdisk_open(&context, path, "gpt", disk_table_first(table), table->disk_uuid,
				err);
	for (i = 0; i < table->count && rc == 0; i++) {
		rc = add_part(context, table, i);
		if (rc < 0)
			return fdisk_failed(rc, table->parts[i].name, err);
	}
	if (rc < 0)
		return rc;
	rc = fdisk_write_disklabel(context);
	if (rc < 0)
		return fdisk_failed(rc, "cannot be written", err);
	return put_right(fd, table, before, end, err);
}
