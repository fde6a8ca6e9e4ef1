// SPDX-License-Identifier: MIT
/*
 * Disk images for Xen or Linux boards, as Xen's ImageBuilder (disk_image) makes them, from the same
 * configuration files: a FAT boot partition with everything the boot script loads, an ext4 for each
 * root file system, xl files for the guests that dom0 starts. Without root, loop devices or mounts;
 * sparse, with a block map, the same bytes every time; whole or not at all.
 *
 * Where this is not what disk_image does: a DOS table with root file systems works, with primary
 * partitions as long as they last; partition numbers in xl files are the real ones; all of an
 * address counts in `iomem`, and only shared interrupts in `irqs`; a boot partition below 512 MiB
 * is no FAT32; true dom0less and plain Linux have disks too.
 */
#ifndef ABOARD_BUILD_XEN_DISK_H
#define ABOARD_BUILD_XEN_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/err.h"
#include "build/ident.h"
#include "build/notes.h"

struct xen_disk_options {
	const char *config;   /* -c */
	const char *root;     /* -d: folder its paths are relative to */
	const char *output;   /* -o: the image; OUTPUT.bmap is made beside it */
	const char *load_cmd; /* -t; LOAD_CMD of the config goes before it; NULL: only that */
	const char *prefix;   /* -p: folder on the boot partition; NULL: none */
	uint64_t slack_mib;   /* -s: free space for each root file system */
	bool power_of_two;    /* -a: round the image's size up */
	const char *disk_id;  /* UUID of the disk; NULL: derived from the config's names */
	const char *const *environment; /* "NAME=VALUE", NULL-terminated, for $NAME in the config */
};

#define XEN_DISK_SLACK 128

struct xen_disk_partition {
	unsigned int number;  /* in the table, from 1 */
	char *name;           /* "boot", "dom0", "domU1", "linux" */
	char *fs;             /* "vfat", "ext4" */
	char uuid[UUID_TEXT]; /* PARTUUID: a UUID, or in an MBR "1234abcd-02" */
	uint64_t start, size; /* bytes */
};

struct xen_disk_result {
	struct notes notes; /* also after an error */
	uint64_t size;      /* bytes of the image */
	struct xen_disk_partition *partitions;
	size_t count;
};

/* Makes image and block map. ERR_CONFIG, ERR_NOT_FOUND, ERR_IMAGE, ERR_TARGET, ERR_HOST,
   ERR_CANCELLED. The result is the caller's to free, also after an error. */
int xen_disk_build(const struct xen_disk_options *options, struct xen_disk_result *result,
		   struct deadline deadline, struct err *err);
void xen_disk_result_free(struct xen_disk_result *result);

#endif
