// SPDX-License-Identifier: MIT
/*
 * Facts out of a flattened device tree: memory, reserved memory, CPUs. A tree is checked as a whole
 * when it is read, so the rest may use libfdt on it. Properties: Devicetree Specification 0.4,
 * sections 3.4 (memory), 3.5 (reserved-memory), 2.3 (phandle, reg, cells).
 */
#ifndef ABOARD_BUILD_TREE_H
#define ABOARD_BUILD_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct range {
	uint64_t start, size; /* bytes */
	char *name;           /* of the node; owned */
	bool last;            /* the last one of its node */
};

struct ranges {
	struct range *items;
	size_t count;
};

#define TREE_MAX ((size_t)16 << 20)

/* Whether these bytes are a whole and sound tree: 0, or libfdt's negative status. Of the versions
   before 16, which nobody uses any more, libfdt 1.6.1 dies in its own check. `tree` is aligned to
   8 bytes. */
int tree_status(const void *tree, size_t size);

/* Reads a whole tree into an empty buffer and checks it. ERR_NOT_FOUND, ERR_IMAGE. */
int tree_read(const char *path, struct buf *tree, struct err *err);

/* Checks the bytes of a tree: ERR_IMAGE says what is wrong. Bytes behind its end are cut off. */
int tree_check(const char *path, struct buf *tree, struct err *err);

/* Merges an overlay into a tree. ERR_IMAGE. */
int tree_overlay(struct buf *tree, const struct buf *overlay, struct err *err);

/* Memory of the board: reg of every node with device_type "memory" below the root, in their order.
   Ranges of no size are left out; *nodes counts the nodes. */
int tree_memory(const struct buf *tree, struct ranges *out, size_t *nodes, struct err *err);

/* Children of /reserved-memory that have a reg, and the memory reservation block. */
int tree_reserved(const struct buf *tree, struct ranges *out, struct err *err);

/* Whether the node is there, and has a reg. */
bool tree_has_node(const struct buf *tree, const char *path);
bool tree_has_reg(const struct buf *tree, const char *path);

/* phandle of a node; 0: none. */
uint32_t tree_phandle(const struct buf *tree, const char *path);
bool tree_phandle_taken(const struct buf *tree, uint32_t phandle);

/* #address-cells and #size-cells of a node, by the defaults 2 and 1 when missing. ERR_IMAGE when
   the node is missing or a number makes no sense. */
int tree_cells(const struct buf *tree, const char *path, uint32_t *address, uint32_t *size,
	       struct err *err);

void ranges_add(struct ranges *ranges, uint64_t start, uint64_t size, const char *name);
void ranges_free(struct ranges *ranges);

#endif
