// SPDX-License-Identifier: MIT
/*
 * Where in memory things are loaded. The addresses are those ImageBuilder has always given: one
 * file after the other, 2 MiB steps, the script first. Each is then checked against everything else
 * that is known about the board's memory; the check fails with the memory map in its text.
 */
#ifndef ABOARD_BUILD_PLACEMENT_H
#define ABOARD_BUILD_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "build/tree.h"

#define PLACEMENT_STEP  ((uint64_t)0x200000) /* 2 MiB: arm64 kernels want it */
#define PLACEMENT_FLOOR ((uint64_t)0xC00000) /* the script is never below 12 MiB */

struct placement {
	uint64_t script, next;
	const struct ranges *dodge; /* ranges the next address is moved behind; NULL: none */
};

/* The script at START + 2 MiB, but at least at 12 MiB; the first file 2 MiB behind it. */
struct placement placement_begin(uint64_t start, const struct ranges *dodge);

/* The address for a file of `size` bytes. ERR_CONFIG when the address space ends. */
int placement_put(struct placement *placement, uint64_t size, uint64_t *address, struct err *err);

/* One piece of memory and what it is for. */
enum region_kind {
	REGION_MEMORY,   /* RAM, by the device tree */
	REGION_WINDOW,   /* MEMORY_START to MEMORY_END */
	REGION_LOADED,   /* something the script or the user loads */
	REGION_RESERVED, /* reserved memory, by the device tree */
	REGION_STATIC,   /* memory of a guest or of Xen's heap from the start */
	REGION_UBOOT,    /* where U-Boot runs */
};

struct region {
	enum region_kind kind;
	uint64_t start, size; /* bytes */
	char *name;
};

/* The memory map. */
struct map {
	struct region *items;
	size_t count;
};

void map_add(struct map *map, enum region_kind kind, uint64_t start, uint64_t size,
	     const char *format, ...) __attribute__((format(printf, 5, 6)));
void map_free(struct map *map);

/* U-Boot moves itself, its heap and stack to the top of the first bank of memory, below 4 GiB
   (U-Boot common/board_f.c). How much that is differs; this is what is kept free. */
#define PLACEMENT_UBOOT ((uint64_t)32 << 20)
void map_add_uboot(struct map *map);

/* Sorts by address. */
void map_sort(struct map *map);

/* "memory", "loaded", ... */
const char *region_kind_name(enum region_kind kind);

/* One line a region: start, end, size, what it is. */
void map_text(const struct map *map, struct buf *out);

/* Says in `text` what is wrong with the first loaded region that lies over another region it must
   not touch, or outside of the memory; false when nothing is wrong. */
bool map_conflict(const struct map *map, char *text, size_t size);

#endif
