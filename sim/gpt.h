// SPDX-License-Identifier: MIT
/*
 * GUID partition tables on media, as U-Boot's `gpt write` makes and reads them (UEFI 2.10 chapter
 * 5; U-Boot disk/part_efi.c): 128 entries behind the header, both tables, a protective MBR.
 */
#ifndef ABOARD_SIM_GPT_H
#define ABOARD_SIM_GPT_H

#include "sim/medium.h"

#define GPT_BLOCK   512
#define GPT_ENTRIES 128
#define GPT_NAME    36

struct gpt_part {
	char name[GPT_NAME + 1];
	uint64_t start, size;       /* bytes */
	uint8_t type[16], guid[16]; /* as stored */
	uint64_t attributes;
};

/* "0fc63daf-8483-4772-8e79-3d69d8477de4" as it is stored; false when it is none. */
bool gpt_guid(const char *text, uint8_t out[16]);

/* False: the medium does not take it. */
bool gpt_write(struct medium *medium, const struct gpt_part *parts, size_t count);

/* A table as the text that U-Boot's `gpt write` takes: "name=boot,start=1M,size=64M,type=GUID,
   uuid=GUID,bootable;...". False: it cannot be read, or the medium does not take it. */
bool gpt_write_text(struct medium *medium, const char *text);

/* Reads the primary table; how many partitions there are (at most GPT_ENTRIES), 0: no table. Entry
   k of the table is parts[k]; an unused one has size 0. */
size_t gpt_read(struct medium *medium, struct gpt_part parts[GPT_ENTRIES]);

/* Writes a table that was sent whole: protective MBR, header, entries. False: it is not valid for
   this medium. */
bool gpt_restore(struct medium *medium, const uint8_t *image, size_t size);

#endif
