// SPDX-License-Identifier: MIT
/*
 * The way in through a loader that speaks fastboot: images to partitions by name, read back where
 * the loader can be asked what is on the board. driver.c has the tables.
 */
#ifndef ABOARD_DRIVERS_FASTBOOT_BOARD_H
#define ABOARD_DRIVERS_FASTBOOT_BOARD_H

#include "base/buf.h"
#include "drivers/fastboot/send.h"
#include "engine/job.h"
#include "engine/job_image.h"

/* One image and its partition. */
struct fb_item {
	const struct request_item *request;
	char *partition; /* as the device calls it; owned */
	struct job_image image;
	enum fastboot_form form;
	uint64_t size; /* of the partition in bytes; 0: the device does not tell */
	struct fastboot_proof proof;
	/* FB_WAY_RUN, FB_WAY_UCMD: where it is, once fb_console_find() has found it. */
	unsigned int mmc, hwpart;
	uint64_t start; /* in blocks of 512 bytes */
};

/* How what was written is read back. */
enum fb_way {
	FB_WAY_UNKNOWN, /* not asked yet */
	FB_WAY_NONE,
	FB_WAY_FETCH, /* AOSP fastbootd: it sends the partition */
	FB_WAY_RUN,   /* U-Boot's `oem run`: it reads and counts a CRC-32 itself */
	FB_WAY_UCMD,  /* the same by NXP's name for it */
};

struct fb {
	struct fb_item *items;
	size_t item_count;
	struct fastboot device; /* link NULL: not connected */
	uint64_t buffer;        /* bytes that it takes at once */
	struct buf partitions;  /* that it tells of: names, each behind a newline */
	bool listing;           /* INFO lines go there, not to the user */
	enum fb_way way;
	uint64_t fetch_max; /* bytes of one fetch */
	uint64_t memory;    /* of the board, free for reading back: an address */
	char why_not[256];  /* FB_WAY_NONE: why */
};

static inline struct fb *fb_of(struct job *job)
{
	return (struct fb *)job->own;
}

/* resolve.c */
int fb_resolve_flash(struct job *job, struct deadline deadline, struct err *err);
int fb_resolve_dump(struct job *job, struct deadline deadline, struct err *err);
void fb_release(struct job *job);
int fb_check_keys(const struct board *board, struct err *err);

/* checks.c */
extern const struct check fb_flash_checks[], fb_dump_checks[];

/* device.c: the connection. fb_connect() leaves one that answers; what is open and answers is
   kept. */
int fb_connect(struct job *job, struct deadline deadline, struct err *err);
void fb_disconnect(struct job *job);
extern const struct usb_mode fb_modes[];

/* partition.c: what the device tells of an item's partition. ERR_NOT_FOUND, ERR_TARGET: refused. */
int fb_list_partitions(struct job *job, struct deadline deadline, struct err *err);
int fb_look_at(struct job *job, struct fb_item *item, struct deadline deadline, struct err *err);
/* Writing the item has failed with `rc`: ERR_NOT_FOUND when the device says that there is no such
   partition, which no other try mends; else rc. */
int fb_judge_refusal(struct job *job, const struct fb_item *item, int rc, struct err *err);

/* write.c: stages */
int fb_stage_connect(struct job *job, struct deadline deadline, struct err *err);
int fb_stage_write(struct job *job, struct deadline deadline, struct err *err);
int fb_stage_finish(struct job *job, struct deadline deadline, struct err *err);

/* verify.c, dump.c */
int fb_find_way(struct job *job, struct deadline deadline, struct err *err);
const char *fb_way_name(enum fb_way way);
int fb_stage_verify(struct job *job, struct deadline deadline, struct err *err);
int fb_stage_dump(struct job *job, struct deadline deadline, struct err *err);

/* console.c: U-Boot's commands by fastboot, `oem run` or `UCmd`. All ERR_BOARD when the command
   fails on the board. */
/* Whether it has them at all: *works false when not, with fb->why_not. */
int fb_console_probe(struct job *job, enum fb_way way, bool *works, struct deadline deadline,
		     struct err *err);
/* Finds an item's partition and selects its device. */
int fb_console_find(struct job *job, struct fb_item *item, struct deadline deadline,
		    struct err *err);
/* CRC-32 of so much of it, at most SPARSE_RANGE_MAX, as U-Boot reads it from the medium. `offset`
   is a multiple of 512. */
int fb_console_crc(struct job *job, const struct fb_item *item, const struct sparse_range *range,
		   uint32_t *crc, struct deadline deadline, struct err *err);
/* Leaves U-Boot as it was. */
int fb_console_end(struct job *job, const struct fb_item *item, struct deadline deadline,
		   struct err *err);

/* resolve.c: bytes a second that the medium writes at least. */
uint64_t fb_rate(const struct board *board);

#endif
