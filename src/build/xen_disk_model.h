// SPDX-License-Identifier: MIT
/*
 * What the config asks of a disk image: the files for the boot partition and the root file systems.
 * Only the xen_*.c files use it.
 */
#ifndef ABOARD_BUILD_XEN_DISK_MODEL_H
#define ABOARD_BUILD_XEN_DISK_MODEL_H

#include "build/config.h"
#include "build/rootfs.h"
#include "build/xen_disk.h"

/* A root file system and the partition it gets. */
struct xen_rootfs {
	int64_t guest;       /* -1: of dom0 or Linux */
	const char *archive; /* as the config says; borrowed */
	struct rootfs *tree;
	size_t partition; /* index of its partition */
};

struct xen_disk {
	const struct xen_disk_options *options;
	struct xen_disk_result *result;
	struct deadline deadline;
	int64_t time;

	struct config config;
	char *root; /* of the config's files, absolute */
	const char *load_cmd;
	uint64_t guests;
	struct rootfs *boot; /* tree of the boot partition */
	uint64_t boot_bytes; /* of its files, each time one is named */
	struct xen_rootfs *rootfs;
	size_t rootfs_count;
};

/* Reads the config and collects all files. */
int xen_disk_read(struct xen_disk *disk, struct err *err);
void xen_disk_free(struct xen_disk *disk);

/* The partial device tree of a guest, as a name under the root: as the config says, or what the
   boot script's builder has made; *name is NULL when there is none. The caller's. */
int xen_guest_dtb(const struct xen_disk *disk, uint64_t guest, char **name, struct err *err);

/* Root file system of a guest (-1: the host's); NULL when there is none. */
struct xen_rootfs *xen_rootfs_of(const struct xen_disk *disk, int64_t guest);

/* Puts the xl files of the guests that Xen does not start into dom0's /etc/xen. Partitions must be
   known. */
int xen_put_xl_files(struct xen_disk *disk, struct err *err);

/* The text of one xl file into an empty buffer. */
struct buf;
int xen_xl_text(const struct xen_disk *disk, uint64_t guest, struct buf *out, struct err *err);

/* `iomem`, `dtdev` and `irqs` of a partial device tree, as lines of an xl file. */
int xen_xl_devices(const char *path, struct buf *out, struct notes *notes, struct err *err);

#endif
