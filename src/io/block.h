// SPDX-License-Identifier: MIT
/*
 * Block devices of this machine that a board lends it as USB mass storage: found from the port that
 * the board is plugged into, never by what appeared last; refused when anything of theirs is in
 * use; and the one writer. It goes past the page cache (O_DIRECT), so that progress is true and
 * what is read back comes from the medium.
 */
#ifndef ABOARD_IO_BLOCK_H
#define ABOARD_IO_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/err.h"

/* Where the kernel shows things; all borrowed. NULL as the whole: /sys, /proc, /dev. */
struct block_roots {
	const char *sys, *proc, *dev;
};

struct block_info {
	char name[32];              /* "sdb" */
	char node[64];              /* "/dev/sdb" */
	char sysfs[512];            /* its folder below the port's */
	char vendor[16], model[24]; /* as it answers INQUIRY; printable */
	unsigned int lun;           /* logical unit of the mass storage device */
	unsigned int major, minor;
	uint64_t size;   /* bytes; 0: no medium */
	uint32_t sector; /* bytes of a logical block */
	bool read_only;
};

#define BLOCK_LUNS 16

/* The disks of the mass storage device on a port ("1-2.3"), in the order of their logical units, at
   most BLOCK_LUNS. None is no error: the kernel needs a moment to make them. ERR_CONFIG: this is no
   name of a port. */
int block_find(const struct block_roots *roots, const char *port,
	       struct block_info list[BLOCK_LUNS], size_t *count, struct err *err);

/* Whether `size` bytes may be written to it: there is a medium, it is not read-only and large
   enough, nothing of it is mounted, used for swap, or held by another device (ERR_TARGET, with what
   is in the way). Opens nothing. */
int block_check(const struct block_roots *roots, const struct block_info *info, uint64_t size,
		struct err *err);

struct block;

/* For writing, or only for reading. Nobody else may have it open for themselves (O_EXCL):
   ERR_TARGET. ERR_HOST: no permission, with a remedy. A regular file in the place of the node is
   taken as well, for tests and virtual media. */
int block_open(struct block **block, const struct block_info *info, bool writable, struct err *err);
void block_close(struct block *block);
void block_closep(struct block **block);

/* Any offset and size in bytes; sectors that are touched in part are read first. Writing past the
   end is ERR_TARGET. An error that the medium makes is ERR_BOARD; the device is gone: ERR_USB. */
int block_write(struct block *block, uint64_t offset, const void *data, size_t size,
		struct err *err);
int block_read(struct block *block, uint64_t offset, void *data, size_t size, struct err *err);

/* Makes it read as zeros: by the device itself where it can, else they are written. At most
   BLOCK_ZERO_MAX bytes at once, so that a caller can show progress and be cancelled. */
#define BLOCK_ZERO_MAX ((uint64_t)16 << 20)
int block_zero(struct block *block, uint64_t offset, uint64_t size, struct err *err);

/* All that was written is on the medium, and nothing of it is left in this machine's caches. */
int block_flush(struct block *block, struct err *err);

/* Tells the board that the medium is ejected, which ends U-Boot's `ums`. Not every board cares, so
   that is no error. */
void block_eject(struct block *block);

/* Waits until the kernel tells of any device that came or went; where it does not tell (a
   container), a short pause. What it was is looked up with block_find(). */
struct block_watch {
	int fd; /* the kernel's own events; -1: they cannot be had here */
};

void block_watch_open(struct block_watch *watch);
int block_watch_wait(struct block_watch *watch, struct deadline deadline, struct err *err);
void block_watch_close(struct block_watch *watch);

#endif
