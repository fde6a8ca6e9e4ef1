// SPDX-License-Identifier: MIT
/*
 * Partition tables: GPT, MBR with an extended partition, and both at once (hybrid), written with
 * libfdisk into a file. Every identifier is given or derived from names, never random. Everything
 * is checked before anything is written.
 */
#ifndef ABOARD_BUILD_DISK_TABLE_H
#define ABOARD_BUILD_DISK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "build/ident.h"

#define SECTOR_SIZE 512

enum table_kind {
	TABLE_NONE,
	TABLE_MBR,
	TABLE_GPT,
	TABLE_HYBRID, /* a GPT, and some of it in the MBR too */
};

/* GPT attributes (UEFI 2.10, 5.3.3; the upper ones are Microsoft's). */
#define GPT_ATTR_LEGACY_BOOT ((uint64_t)1 << 2)
#define GPT_ATTR_READ_ONLY   ((uint64_t)1 << 60)
#define GPT_ATTR_HIDDEN      ((uint64_t)1 << 62)
#define GPT_ATTR_NO_AUTO     ((uint64_t)1 << 63)

/* GPT type of a Linux file system. */
#define GPT_TYPE_LINUX "0fc63daf-8483-4772-8e79-3d69d8477de4"

#define MBR_TYPE_EXTENDED 0x0f

struct disk_part {
	const char *name;     /* for messages; and in a GPT, up to 36 characters */
	uint64_t start, size; /* bytes, whole sectors */
	uint8_t mbr_type;     /* MBR: its type; hybrid: not 0 means that it is in the MBR as well */
	bool active;          /* MBR: boot flag */
	bool logical;         /* MBR: inside the extended partition */
	uint64_t ebr;         /* logical: where its boot record is, bytes */
	const char *type;     /* GPT: UUID; NULL: GPT_TYPE_LINUX */
	const char *uuid;     /* GPT: NULL: derived from the disk's, number and name */
	uint64_t attributes;  /* GPT */
};

struct disk_table {
	enum table_kind kind;
	uint64_t size;           /* of the disk, bytes, whole sectors */
	const char *disk_uuid;   /* GPT; text form */
	uint32_t disk_signature; /* MBR */
	uint64_t gpt_location;   /* of the array of entries, bytes; 0: right after the header */
	bool gpt_no_backup;      /* no second table at the end */
	uint64_t extended_start; /* MBR: of the extended partition, bytes; 0: none */
	uint64_t extended_size;
	size_t extended_number; /* its number in the MBR, 1..4; 0: the first free one */
	const struct disk_part *parts;
	size_t count;
};

/* First byte that partitions may use, and the byte after the last. */
uint64_t disk_table_first(const struct disk_table *table);
uint64_t disk_table_last(const struct disk_table *table);

/* Whether it can be so: no overlaps, everything inside, no more than fit. ERR_CONFIG. */
int disk_table_check(const struct disk_table *table, struct err *err);

/* Checks it, and writes it to a file that has the disk's size and is empty where tables go. */
int disk_table_write(const struct disk_table *table, const char *path, struct err *err);

/* The UUID of a partition (number from 1): as given, or as derived. */
void disk_part_uuid(const struct disk_table *table, size_t number, char out[UUID_TEXT]);

#endif
