// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "build/fs_free.h"
#include "build/genimage_model.h"

#define MIB         ((uint64_t)1 << 20)
#define MBR_TAIL    72 /* bytes of the table at the end of sector 0 */
#define GPT_ARRAY   ((uint64_t)16384)
#define GPT_BACKUP  (GPT_ARRAY + SECTOR_SIZE)
#define IMAGE_ALIGN 4096 /* where an image with a second GPT ends */
#define AREAS_MAX   4
#define PARTS_MAX   256 /* in a table */

static const cfg_opt_t options[] = {
	CFG_STR("align", NULL, CFGF_NONE),
	CFG_STR("disk-signature", NULL, CFGF_NONE),
	CFG_STR("disk-uuid", NULL, CFGF_NONE),
	CFG_BOOL("partition-table", cfg_false, CFGF_NODEFAULT),
	CFG_INT("extended-partition", 0, CFGF_NONE),
	CFG_STR("partition-table-type", "mbr", CFGF_NONE),
	CFG_BOOL("gpt", cfg_false, CFGF_NODEFAULT),
	CFG_STR("gpt-location", NULL, CFGF_NONE),
	CFG_BOOL("gpt-no-backup", cfg_false, CFGF_NONE),
	CFG_BOOL("fill", cfg_false, CFGF_NONE),
	CFG_END(),
};

/* Short names of GPT types: genimage's, Discoverable Partitions Specification. */
static const struct {
	const char *name, *uuid;
} types[] = {
	{"L", GPT_TYPE_LINUX},
	{"linux", GPT_TYPE_LINUX},
	{"S", "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"},
	{"swap", "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"},
	{"H", "933ac7e1-2eb4-4f13-b844-0e14e2aef915"},
	{"home", "933ac7e1-2eb4-4f13-b844-0e14e2aef915"},
	{"U", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"},
	{"uefi", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"},
	{"R", "a19d880f-05fc-4d3b-a006-743f0f84911e"},
	{"raid", "a19d880f-05fc-4d3b-a006-743f0f84911e"},
	{"V", "e6d6d379-f507-44c2-a23c-238f2a3df928"},
	{"lvm", "e6d6d379-f507-44c2-a23c-238f2a3df928"},
	{"F", "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"},
	{"fat32", "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"},
	{"barebox-state", "4778ed65-bf42-45fa-9c5b-287a1dc4aab1"},
	{"barebox-env", "6c3737f2-07f8-45d1-ad45-15d260aab24d"},
	{"linux-reserved", "8da63339-0007-60c0-c436-083ac8230908"},
	{"u-boot-env", "3de21764-95bd-54bd-a5c3-4abe786f38a8"},
	{"root-arm", "69dad710-2ce4-4e3c-b16c-21a1d49abed3"},
	{"root-arm64", "b921b045-1df0-41c3-af44-4c6f280d3fae"},
	{"root-riscv32", "60d5a7fe-8e7d-435c-b714-3dd8162144e1"},
	{"root-riscv64", "72ec70a6-cf74-40e6-bd49-4bda08e8f224"},
	{"root-x86", "44479540-f297-41b2-9af7-d131d5f0458a"},
	{"root-x86-64", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"},
	{"usr-arm", "7d0359a3-02b3-4f0a-865c-654403e70625"},
	{"usr-arm64", "b0e01050-ee5f-4390-949a-9101b17104e9"},
	{"usr-riscv64", "beaec34b-8442-439b-a40b-984381ed097d"},
	{"usr-x86-64", "8484680c-9521-48c6-9c11-b0720656f69e"},
};

/* A piece of the disk that the table needs. */
struct area {
	const char *name;
	uint64_t start, size;
};

struct hd {
	enum table_kind kind;
	uint64_t align, gpt_location;
	unsigned int extended; /* number of the first entry that is logical; 0: none is */
	uint32_t signature;
	bool no_backup;
	const char *disk_uuid;
	char derived[UUID_TEXT];
	uint64_t extended_start;
	struct area areas[AREAS_MAX];
	size_t area_count;
	struct disk_table table;
	struct disk_part parts[PARTS_MAX];
};

static bool has_gpt(const struct hd *hd)
{
	return hd->kind == TABLE_GPT || hd->kind == TABLE_HYBRID;
}

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

static int read_kind(const struct gen_image *image, struct hd *hd, struct err *err)
{
	static const struct {
		const char *name;
		enum table_kind kind;
	} kinds[] = {{"none", TABLE_NONE},
		     {"mbr", TABLE_MBR},
		     {"dos", TABLE_MBR},
		     {"gpt", TABLE_GPT},
		     {"hybrid", TABLE_HYBRID}};
	const char *name = cfg_getstr(image->section, "partition-table-type");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds) && strcmp(kinds[i].name, name) != 0; i++)
		;
	if (i == ARRAY_SIZE(kinds))
		return gen_error(image, err,
				 "partition-table-type '%s': it can be none, mbr, gpt or "
				 "hybrid",
				 name);
	hd->kind = kinds[i].kind;
	if (cfg_size(image->section, "partition-table")) {
		hd->kind = cfg_getbool(image->section, "partition-table") ? TABLE_MBR : TABLE_NONE;
		notes_add(&image->config->result->notes, NOTE_WARNING,
			  "%s: partition-table is deprecated; say partition-table-type",
			  image->name);
	}
	if (cfg_size(image->section, "gpt")) {
		hd->kind = cfg_getbool(image->section, "gpt") ? TABLE_GPT : TABLE_MBR;
		notes_add(&image->config->result->notes, NOTE_WARNING,
			  "%s: gpt is deprecated; say partition-table-type = gpt", image->name);
	}
	return 0;
}

/* Identity from the names, unless it is given. */
static int read_identity(const struct gen_image *image, struct hd *hd, struct err *err)
{
	const char *signature = cfg_getstr(image->section, "disk-signature");
	_cleanup_(buf_free) struct buf names = {0};
	uint8_t uuid[UUID_SIZE];
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < image->part_count; i++)
		buf_addf(&names, "%s\n", image->parts[i].name);
	ident_uuid(uuid, IDENT("disk", image->name, buf_text(&names)));
	uuid_text(uuid, hd->derived);
	hd->disk_uuid = cfg_getstr(image->section, "disk-uuid");
	if (hd->disk_uuid && !has_gpt(hd))
		return gen_error(image, err, "disk-uuid is for gpt and hybrid");
	if (!hd->disk_uuid)
		hd->disk_uuid = hd->derived;
	if (!signature)
		return 0;
	if (hd->kind != TABLE_MBR && hd->kind != TABLE_HYBRID)
		return gen_error(image, err, "disk-signature is for mbr and hybrid");
	if (strcmp(signature, "random") == 0)
		value = ident_number(IDENT("signature", hd->derived));
	else if (!text_u64(signature, UINT32_MAX, &value))
		return gen_error(image, err, "disk-signature '%s' is no 32-bit number", signature);
	hd->signature = (uint32_t)value;
	return 0;
}

static int read_options(const struct gen_image *image, struct hd *hd, struct err *err)
{
	long extended = cfg_getint(image->section, "extended-partition");
	int rc = read_kind(image, hd, err);

	if (rc == 0)
		rc = gen_size(image, "align", cfg_getstr(image->section, "align"), &hd->align, err);
	if (rc == 0)
		rc = gen_size(image, "gpt-location", cfg_getstr(image->section, "gpt-location"),
			      &hd->gpt_location, err);
	if (rc == 0)
		rc = read_identity(image, hd, err);
	if (rc < 0)
		return rc;
	if (!hd->align)
		hd->align = hd->kind == TABLE_NONE ? 1 : SECTOR_SIZE;
	if (!hd->gpt_location)
		hd->gpt_location = 2 * SECTOR_SIZE;
	if (hd->kind != TABLE_NONE && hd->align % SECTOR_SIZE)
		return gen_error(image, err, "align %" PRIu64 " is not in whole sectors",
				 hd->align);
	if (extended < 0 || extended > 4)
		return gen_error(image, err, "extended-partition %ld: it can be 1 to 4", extended);
	if (extended && hd->kind != TABLE_MBR)
		return gen_error(image, err, "extended-partition is for mbr");
	hd->extended = (unsigned int)extended;
	hd->no_backup = cfg_getbool(image->section, "gpt-no-backup");
	return 0;
}

/* What a partition may say in this kind of table, and what it gets when it says nothing. */
static int check_part(struct gen_image *image, struct hd *hd, struct gen_part *part,
		      struct err *err)
{
	size_t i;

	if (hd->kind == TABLE_NONE)
		part->in_table = false;
	if (!part->align)
		part->align = part->in_table || hd->kind == TABLE_NONE ? hd->align : 1;
	if (part->in_table && part->align % hd->align)
		return gen_error(image, err,
				 "partition %s: align %" PRIu64 " is no multiple of the "
				 "image's, %" PRIu64,
				 part->name, part->align, hd->align);
	if (part->type_uuid && !has_gpt(hd))
		return gen_error(image, err,
				 "partition %s: partition-type-uuid is for gpt and hybrid",
				 part->name);
	if (part->mbr_type && hd->kind == TABLE_GPT) {
		notes_add(&image->config->result->notes, NOTE_WARNING,
			  "%s: partition %s: partition-type 0x%02x means nothing in a GPT and is "
			  "left "
			  "out (genimage since 15 refuses it); partition-type-uuid is what says it",
			  image->name, part->name, part->mbr_type);
		part->mbr_type = 0;
	}
	for (i = 0; part->type_uuid && i < ARRAY_SIZE(types); i++)
		if (strcmp(part->type_uuid, types[i].name) == 0)
			part->type_uuid = types[i].uuid;
	return 0;
}

static int check_parts(struct gen_image *image, struct hd *hd, struct err *err)
{
	size_t i, entries = 0, number = 0;
	bool mbr = false;
	int rc;

	for (i = 0; i < image->part_count; i++) {
		rc = check_part(image, hd, &image->parts[i], err);
		if (rc < 0)
			return rc;
		entries += image->parts[i].in_table;
		mbr = mbr || image->parts[i].mbr_type;
	}
	if (hd->kind == TABLE_HYBRID && !mbr)
		return gen_error(image, err,
				 "a hybrid table needs a partition with a partition-type, to be in "
				 "the MBR");
	if (hd->kind == TABLE_MBR && !hd->extended && entries > 4)
		hd->extended = 4;
	for (i = 0; i < image->part_count && hd->kind == TABLE_MBR && hd->extended; i++) {
		number += image->parts[i].in_table;
		image->parts[i].logical = image->parts[i].in_table && number >= hd->extended;
	}
	return 0;
}

static void add_area(struct hd *hd, const char *name, uint64_t start, uint64_t size)
{
	hd->areas[hd->area_count++] = (struct area){name, start, size};
}

/* The areas at the beginning; returns where partitions may begin. */
static uint64_t add_table_areas(struct hd *hd)
{
	if (hd->kind == TABLE_NONE)
		return 0;
	add_area(hd, "MBR", SECTOR_SIZE - MBR_TAIL, MBR_TAIL);
	if (!has_gpt(hd))
		return SECTOR_SIZE;
	add_area(hd, "GPT header", SECTOR_SIZE, SECTOR_SIZE);
	add_area(hd, "GPT array", hd->gpt_location, GPT_ARRAY);
	return hd->gpt_location + GPT_ARRAY;
}

/* Size of an autoresize partition: all there is. */
static int resize(struct gen_image *image, const struct hd *hd, struct gen_part *part,
		  struct err *err)
{
	uint64_t end = image->size, size;

	if (!image->size)
		return gen_error(image, err, "partition %s: autoresize needs the size of the image",
				 part->name);
	if (has_gpt(hd))
		end = end > GPT_BACKUP ? end - GPT_BACKUP : 0;
	size = end > part->offset ? (end - part->offset) / part->align * part->align : 0;
	if (size == 0 || size < part->size)
		return gen_error(image, err, "partition %s: only %" PRIu64 " bytes are left for it",
				 part->name, size);
	part->size = size;
	return 0;
}

static int size_by_image(struct gen_image *image, struct gen_part *part, struct err *err)
{
	const struct gen_image *child = part->image ? gen_find(image->config, part->image) : NULL;
	uint64_t bytes = child ? child->size : 0;

	if (child && part->image_offset > bytes)
		return gen_error(image, err, "partition %s: imageoffset is behind the end of %s",
				 part->name, child->name);
	bytes -= child ? part->image_offset : 0;
	if (!part->size)
		part->size = part->in_table ? round_up(bytes, part->align) : bytes;
	if (bytes > part->size)
		return gen_error(image, err,
				 "partition %s: %" PRIu64 " bytes are too few for %s, which "
				 "has %" PRIu64,
				 part->name, part->size, child->name, bytes);
	if (!part->size)
		return gen_error(image, err, "partition %s: has no size", part->name);
	return 0;
}

/* Puts a partition behind `now`, unless it says where it goes. */
static int place(struct gen_image *image, struct hd *hd, struct gen_part *part, uint64_t *now,
		 struct err *err)
{
	int rc;

	if (part->logical)
		*now = round_up(*now + hd->align, part->align);
	if (!part->offset && (part->in_table || hd->kind == TABLE_NONE))
		part->offset = round_up(*now, part->align);
	if (part->logical && !hd->extended_start)
		hd->extended_start = part->offset - hd->align;
	if (part->offset % part->align)
		return gen_error(image, err,
				 "partition %s: offset %" PRIu64 " is no multiple of %" PRIu64,
				 part->name, part->offset, part->align);
	rc = part->autoresize ? resize(image, hd, part, err) : 0;
	if (rc == 0)
		rc = size_by_image(image, part, err);
	if (rc == 0 && part->offset > UINT64_MAX / 2 - part->size)
		rc = gen_error(image, err, "partition %s: too far", part->name);
	if (rc == 0 && part->offset + part->size > *now)
		*now = part->offset + part->size;
	return rc;
}

static bool may_cover(const struct gen_image *image, const struct gen_part *below, uint64_t start,
		      uint64_t end)
{
	const struct gen_image *child = below->image ? gen_find(image->config, below->image) : NULL;

	return child && spans_has(&child->holes, start - below->offset, end - below->offset);
}

/* Whether [start, start + size) may be written after `below`: apart from it, or in a hole of it. */
static bool is_apart(const struct gen_image *image, const struct gen_part *below, uint64_t start,
		     uint64_t size)
{
	uint64_t end = start + size, below_end = below->offset + below->size;
	uint64_t from = start > below->offset ? start : below->offset;
	uint64_t to = end < below_end ? end : below_end;

	return from >= to || may_cover(image, below, from, to);
}

static int check_overlaps(const struct gen_image *image, const struct hd *hd, struct err *err)
{
	size_t i, j;

	for (i = 0; i < image->part_count; i++) {
		const struct gen_part *part = &image->parts[i];

		for (j = 0; j < i; j++)
			if (!is_apart(image, &image->parts[j], part->offset, part->size))
				return gen_error(image, err, "partitions %s and %s overlap",
						 image->parts[j].name, part->name);
		for (j = 0; j < hd->area_count; j++) {
			if (is_apart(image, part, hd->areas[j].start, hd->areas[j].size))
				continue;
			gen_error(image, err, "partition %s overlaps the %s", part->name,
				  hd->areas[j].name);
			return err_remedy(err, "a boot loader that leaves room for it says so with "
					       "holes");
		}
	}
	return 0;
}

static void fill_part(const struct hd *hd, const struct gen_part *part, struct disk_part *out)
{
	*out = (struct disk_part){
		.name = part->name,
		.start = part->offset,
		.size = part->size,
		.mbr_type = part->mbr_type,
		.active = part->bootable && hd->kind != TABLE_GPT,
		.logical = part->logical,
		.ebr = part->logical ? part->offset - hd->align : 0,
		.type = part->type_uuid,
		.uuid = part->uuid,
		.attributes = (part->bootable ? GPT_ATTR_LEGACY_BOOT : 0) |
			      (part->read_only ? GPT_ATTR_READ_ONLY : 0) |
			      (part->hidden ? GPT_ATTR_HIDDEN : 0) |
			      (part->no_automount ? GPT_ATTR_NO_AUTO : 0),
	};
}

static int build_table(struct gen_image *image, struct hd *hd, struct err *err)
{
	struct disk_table *table = &hd->table;
	size_t i;
	int rc;

	*table = (struct disk_table){.kind = hd->kind,
				     .size = image->size,
				     .disk_uuid = hd->disk_uuid,
				     .disk_signature = hd->signature,
				     .gpt_location = hd->gpt_location,
				     .gpt_no_backup = hd->no_backup,
				     .extended_start = hd->extended_start,
				     .extended_number = hd->extended,
				     .parts = hd->parts};
	if (hd->extended_start && image->size > hd->extended_start)
		table->extended_size =
			(image->size - hd->extended_start) / SECTOR_SIZE * SECTOR_SIZE;
	for (i = 0; i < image->part_count; i++) {
		if (!image->parts[i].in_table)
			continue;
		if (table->count == PARTS_MAX)
			return gen_error(image, err, "too many partitions");
		fill_part(hd, &image->parts[i], &hd->parts[table->count++]);
	}
	rc = hd->kind == TABLE_NONE ? 0 : disk_table_check(table, err);
	if (rc < 0)
		err_prefix(err, "%s: image %s", image->config->options->config, image->name);
	return rc;
}

static int set_up(struct gen_image *image, struct err *err)
{
	struct hd *hd = xcalloc(1, sizeof(*hd));
	unsigned int resized = 0;
	uint64_t now;
	size_t i;
	int rc;

	image->own = hd;
	rc = read_options(image, hd, err);
	if (rc == 0)
		rc = check_parts(image, hd, err);
	now = add_table_areas(hd);
	for (i = 0; i < image->part_count && rc == 0; i++) {
		resized += image->parts[i].autoresize;
		rc = place(image, hd, &image->parts[i], &now, err);
	}
	if (rc == 0 && resized > 1)
		rc = gen_error(image, err, "autoresize is for one partition only");
	if (rc < 0)
		return rc;
	if (has_gpt(hd)) {
		now = image->size ? now + GPT_BACKUP : round_up(now + GPT_BACKUP, IMAGE_ALIGN);
		if (!image->size || image->size >= GPT_BACKUP)
			add_area(hd, "second GPT", (image->size ? image->size : now) - GPT_BACKUP,
				 GPT_BACKUP);
	}
	if (!image->size)
		image->size = hd->kind == TABLE_NONE ? now : round_up(now, SECTOR_SIZE);
	rc = check_overlaps(image, hd, err);
	if (rc == 0 && now > image->size)
		rc = gen_error(image, err,
			       "the partitions need %" PRIu64 " bytes, the image has %" PRIu64, now,
			       image->size);
	return rc < 0 ? rc : build_table(image, hd, err);
}

static int copy_part(struct gen_image *image, const struct gen_part *part, struct err *err)
{
	const struct gen_image *child = part->image ? gen_find(image->config, part->image) : NULL;
	uint64_t size = child ? child->size - part->image_offset : 0;
	int rc;

	if (!child || !size)
		return 0;
	if (size > part->size)
		return gen_error(image, err, "partition %s: %s has become too large", part->name,
				 child->name);
	rc = gen_copy(child->path, part->image_offset, image->path, part->offset, size,
		      image->config->deadline, err);
	return rc < 0 ? err_prefix(err, "partition %s", part->name) : 0;
}

/* What may be left out of the map: free blocks of file systems, room behind what is in a partition,
   and a partition of nothing but for its ends, where a former file system would be found. */
static int find_unused(struct gen_image *image, const struct hd *hd, struct err *err)
{
	uint64_t last = 0;
	size_t i;
	int rc = 0;

	for (i = 0; i < image->part_count && rc == 0; i++) {
		const struct gen_part *part = &image->parts[i];
		const struct gen_image *child =
			part->image ? gen_find(image->config, part->image) : NULL;
		uint64_t end = part->offset + part->size, filled = child ? child->size : MIB;

		last = end > last ? end : last;
		if (!part->fill)
			spans_add(&image->unused, part->offset + filled, end > MIB ? end - MIB : 0);
		if (child)
			rc = fs_free(image->path, part->offset, child->size, &image->unused, err);
	}
	spans_add(&image->unused, last, has_gpt(hd) ? image->size - GPT_BACKUP : image->size);
	image->has_map = true;
	return rc;
}

static int make(struct gen_image *image, struct err *err)
{
	const struct hd *hd = image->own;
	size_t i;
	int rc = 0;

	if (truncate(image->path, (off_t)image->size) < 0)
		return err_errno(err, ERR_HOST, "cannot make a file of %" PRIu64 " bytes",
				 image->size);
	for (i = 0; i < image->part_count && rc == 0; i++)
		rc = copy_part(image, &image->parts[i], err);
	if (rc < 0)
		return rc;
	gen_check_stm32(image, &hd->table);
	rc = disk_table_write(&hd->table, image->path, err);
	return rc < 0 ? rc : find_unused(image, hd, err);
}

const struct gen_type gen_hdimage = {
	.name = "hdimage", .options = options, .setup = set_up, .make = make};
