// SPDX-License-Identifier: MIT
/*
 * The two ways a checked table gets into a file: both through libfdisk, with what it cannot do
 * (a place for the boot records of logical partitions, a moved or single GPT, a hybrid MBR) put
 * right afterwards.
 */
#ifndef ABOARD_BUILD_DISK_TABLE_WRITE_H
#define ABOARD_BUILD_DISK_TABLE_WRITE_H

#include <libfdisk/libfdisk.h>

#include "build/disk_table.h"

int gpt_write(const struct disk_table *table, const char *path, struct err *err);
int mbr_write(const struct disk_table *table, const char *path, struct err *err);

/* A context with the file assigned and an empty table ("gpt", "dos") whose partitions may begin at
   `first`; the caller's: fdisk_closep(). */
int fdisk_open(struct fdisk_context **context, const char *path, const char *label, uint64_t first,
	       const char *id, struct err *err);
void fdisk_closep(struct fdisk_context **context);

/* A partition of exactly this place; number from 0. `type` is a code ("0x83") or a UUID. */
struct fdisk_partition *fdisk_part(struct fdisk_context *context, size_t number, const char *type,
				   uint64_t start, uint64_t size);

/* -ERR_HOST with the words of a negative errno. */
int fdisk_failed(int code, const char *what, struct err *err);

/* The 16 bytes of an MBR entry: `lba` is what the entry says, `at` where the partition is (for the
   cylinders). Both and the length in sectors. */
void mbr_entry(uint8_t out[16], bool active, uint8_t type, uint64_t at, uint64_t lba,
	       uint64_t count);

/* pwrite and pread of all of it. */
int file_put(int fd, const void *data, size_t size, uint64_t at, struct err *err);
int file_get(int fd, void *data, size_t size, uint64_t at, struct err *err);

#endif
