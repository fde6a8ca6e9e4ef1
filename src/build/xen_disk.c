// SPDX-License-Identifier: MIT
#include "build/xen_disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "build/block_map.h"
#include "build/disk_table.h"
#include "build/fs_ext.h"
#include "build/fs_fat.h"
#include "build/fs_free.h"
#include "build/outputs.h"
#include "build/xen_disk_model.h"

#define MIB            ((uint64_t)1 << 20)
#define ROUND          (2 * MIB)
#define BOOT_EXTRA     (16 * MIB)
#define DISK_EXTRA     (16 * MIB)
#define FIRST          (2048 * (uint64_t)SECTOR_SIZE)
#define PRIMARIES      4
#define LOGICAL_GAP    MIB /* before each logical partition, for its boot record */
#define TABLE_TAIL     MIB /* behind the last partition: the second GPT */
#define MBR_LINUX      0x83
#define PARTITIONS_MAX 120

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

/* FAT types with LBA. */
static uint8_t mbr_fat_type(uint64_t size)
{
	return fs_fat_bits(size) == 32 ? 0x0c : 0x0e;
}

/* A table while partitions are laid out one after the other. */
struct layout {
	struct disk_table table;
	struct disk_part *parts;
	char (*names)[16];
	size_t total; /* partitions there will be */
	uint64_t next;
	char disk_uuid[UUID_TEXT];
};

static void layout_free(struct layout *layout)
{
	free(layout->parts);
	free(layout->names);
}

/* The next partition. In an MBR with more than four, those from the fourth on are logical. */
static void add_part(struct layout *layout, uint64_t size, uint8_t mbr_type)
{
	struct disk_table *table = &layout->table;
	size_t index = table->count++;
	struct disk_part *part = &layout->parts[index];

	snprintf(layout->names[index], sizeof(layout->names[index]), "Linux%zu", index + 1);
	part->name = layout->names[index];
	part->size = size;
	part->mbr_type = mbr_type;
	part->active = index == 0;
	part->logical =
		table->kind == TABLE_MBR && layout->total > PRIMARIES && index >= PRIMARIES - 1;
	if (part->logical) {
		if (!table->extended_start)
			table->extended_start = layout->next;
		part->ebr = layout->next;
		layout->next += LOGICAL_GAP;
	}
	part->start = layout->next;
	layout->next += size;
	if (part->logical)
		table->extended_size = layout->next - table->extended_start;
}

static unsigned int part_number(const struct disk_part *part, size_t index)
{
	return (unsigned int)(part->logical ? index + 2 : index + 1);
}

static void part_uuid(const struct layout *layout, size_t index, char out[UUID_TEXT])
{
	if (layout->table.kind == TABLE_GPT)
		disk_part_uuid(&layout->table, index + 1, out);
	else
		snprintf(out, UUID_TEXT, "%08" PRIx32 "-%02x", layout->table.disk_signature,
			 part_number(&layout->parts[index], index));
}

static char *partition_name(const struct xen_disk *disk, size_t index)
{
	int64_t guest = index ? disk->rootfs[index - 1].guest : -1;

	if (index == 0)
		return xstrdup("boot");
	if (guest < 0)
		return xstrdup(config_text(&disk->config, "XEN") ? "dom0" : "linux");
	return xasprintf("domU%" PRId64, guest);
}

static void report_parts(const struct xen_disk *disk, const struct layout *layout)
{
	struct xen_disk_result *result = disk->result;
	size_t i;

	result->partitions = xcalloc(layout->table.count, sizeof(*result->partitions));
	result->count = layout->table.count;
	result->size = layout->table.size;
	for (i = 0; i < result->count; i++) {
		struct xen_disk_partition *partition = &result->partitions[i];

		partition->number = part_number(&layout->parts[i], i);
		partition->name = partition_name(disk, i);
		partition->fs = xstrdup(i ? "ext4" : "vfat");
		partition->start = layout->parts[i].start;
		partition->size = layout->parts[i].size;
		part_uuid(layout, i, partition->uuid);
	}
}

/* Identity of the disk: from what the config calls things, so that it is known before anything is
   built and stays when contents change. */
static int set_identity(const struct xen_disk *disk, struct layout *layout, struct err *err)
{
	const char *given = disk->options->disk_id;
	_cleanup_(buf_free) struct buf names = {0};
	uint8_t uuid[UUID_SIZE];
	size_t i;

	for (i = 0; i < disk->rootfs_count; i++)
		buf_addf(&names, "%" PRId64 " %s\n", disk->rootfs[i].guest,
			 disk->rootfs[i].archive);
	ident_uuid(uuid, IDENT("disk", path_base(disk->options->output), buf_text(&names)));
	if (given && !uuid_read(given, uuid))
		return err_set(err, ERR_USAGE, "--disk-id %s: not a UUID", given);
	uuid_text(uuid, layout->disk_uuid);
	layout->table.disk_uuid = layout->disk_uuid;
	layout->table.disk_signature = (uint32_t)uuid[0] << 24 | (uint32_t)uuid[1] << 16 |
				       (uint32_t)uuid[2] << 8 | uuid[3];
	return 0;
}

static uint64_t disk_size(const struct xen_disk *disk, const struct layout *layout, uint64_t sum)
{
	uint64_t size = sum + DISK_EXTRA, power = MIB;

	if (size < layout->next + TABLE_TAIL)
		size = layout->next + TABLE_TAIL;
	while (disk->options->power_of_two && power < size)
		power *= 2;
	return disk->options->power_of_two ? power : size;
}

static int lay_out(struct xen_disk *disk, struct layout *layout, struct err *err)
{
	uint64_t boot = round_up(disk->boot_bytes + BOOT_EXTRA, ROUND), sum = boot, size;
	size_t i;
	int rc;

	layout->total = 1 + disk->rootfs_count;
	if (layout->total > PARTITIONS_MAX)
		return err_set(err, ERR_CONFIG, "%zu partitions are too many", layout->total);
	layout->parts = xcalloc(layout->total, sizeof(*layout->parts));
	layout->names = xcalloc(layout->total, sizeof(*layout->names));
	layout->next = FIRST;
	layout->table.parts = layout->parts;
	layout->table.kind = config_text(&disk->config, "GPT") ? TABLE_GPT : TABLE_MBR;
	add_part(layout, boot, mbr_fat_type(boot));
	for (i = 0; i < disk->rootfs_count; i++) {
		size = 2 * round_up(rootfs_apparent_size(disk->rootfs[i].tree), ROUND) +
		       disk->options->slack_mib * MIB;
		disk->rootfs[i].partition = layout->table.count;
		add_part(layout, size, MBR_LINUX);
		sum += size;
	}
	layout->table.size = disk_size(disk, layout, sum);
	rc = set_identity(disk, layout, err);
	if (rc < 0)
		return rc;
	report_parts(disk, layout);
	return disk_table_check(&layout->table, err);
}

static int make_rootfs(struct xen_disk *disk, const struct xen_rootfs *rootfs, const char *image,
		       const struct layout *layout, struct err *err)
{
	const struct disk_part *part = &layout->parts[rootfs->partition];
	char label[16];
	struct fs_ext_options options = {.type = "ext4",
					 .offset = part->start,
					 .size = part->size,
					 .label = label,
					 .time = disk->time};
	int rc;

	snprintf(label, sizeof(label), "vos_%zu", rootfs->partition + 1);
	rc = fs_ext_make(image, &options, rootfs->tree, disk->deadline, err);
	if (rc == -ERR_TARGET)
		err_remedy(err, "give it more space with -s MIB");
	return rc < 0 ? err_prefix(err, "%s", rootfs->archive) : 0;
}

static int make_file_systems(struct xen_disk *disk, const char *image, const struct layout *layout,
			     struct err *err)
{
	struct fs_fat_options options = {.offset = layout->parts[0].start,
					 .size = layout->parts[0].size,
					 .label = "boot",
					 .time = disk->time};
	size_t i;
	int rc = fs_fat_make(image, &options, disk->boot, disk->deadline, err);

	if (rc < 0)
		return err_prefix(err, "boot partition");
	for (i = 0; i < disk->rootfs_count && rc == 0; i++)
		rc = make_rootfs(disk, &disk->rootfs[i], image, layout, err);
	return rc;
}

static int add_map(struct xen_disk *disk, struct outputs *outputs, const char *image,
		   const struct layout *layout, struct err *err)
{
	_cleanup_(freep) char *path = xasprintf("%s.bmap", disk->options->output);
	_cleanup_(spans_free) struct spans unused = {0};
	_cleanup_(buf_free) struct buf map = {0};
	size_t i;
	int rc = 0;

	/* Behind the last partition nothing was ever put; before the first one boot loaders live.
	 */
	spans_add(&unused, layout->next, disk_table_last(&layout->table));
	for (i = 0; i < layout->table.count && rc == 0; i++)
		rc = fs_free(image, layout->parts[i].start, layout->parts[i].size, &unused, err);
	if (rc == 0)
		rc = block_map_make(image, &unused, &map, disk->deadline, err);
	return rc < 0 ? rc : outputs_add(outputs, path, map.data, map.size, err);
}

static int make_image(struct xen_disk *disk, const struct layout *layout, struct err *err)
{
	_cleanup_(outputs_free) struct outputs outputs = {0};
	_cleanup_(freep) char *image = NULL;
	int rc = outputs_stage(&outputs, disk->options->output, err);

	if (rc < 0)
		return rc;
	image = xstrdup(outputs.items[0].staged);
	if (truncate(image, (off_t)layout->table.size) < 0)
		return err_errno(err, ERR_HOST, "cannot make an image of %" PRIu64 " bytes",
				 layout->table.size);
	rc = disk_table_write(&layout->table, image, err);
	if (rc == 0)
		rc = make_file_systems(disk, image, layout, err);
	if (rc == 0)
		rc = add_map(disk, &outputs, image, layout, err);
	return rc < 0 ? rc : outputs_commit(&outputs, err);
}

int xen_disk_build(const struct xen_disk_options *options, struct xen_disk_result *result,
		   struct deadline deadline, struct err *err)
{
	_cleanup_(xen_disk_free) struct xen_disk disk = {
		.options = options, .result = result, .deadline = deadline, .time = ident_time()};
	_cleanup_(layout_free) struct layout layout = {0};
	int rc;

	disk.boot = rootfs_new(disk.time);
	rc = xen_disk_read(&disk, err);
	if (rc == 0)
		rc = lay_out(&disk, &layout, err);
	if (rc == 0)
		rc = xen_put_xl_files(&disk, err);
	if (rc == 0)
		rc = make_image(&disk, &layout, err);
	return rc;
}

void xen_disk_result_free(struct xen_disk_result *result)
{
	size_t i;

	for (i = 0; i < result->count; i++) {
		free(result->partitions[i].name);
		free(result->partitions[i].fs);
	}
	free(result->partitions);
	notes_free(&result->notes);
	*result = (struct xen_disk_result){0};
}
