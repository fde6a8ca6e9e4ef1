// SPDX-License-Identifier: MIT
#include "build/tree.h"

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"

#define VERSION_MIN 16 /* Devicetree Specification 0.4, section 5.2: last_comp_version */

static int damaged(struct err *err, int status)
{
	return err_set(err, ERR_IMAGE, "the device tree is damaged: %s", fdt_strerror(status));
}

int tree_status(const void *tree, size_t size)
{
	if (size < sizeof(struct fdt_header))
		return -FDT_ERR_TRUNCATED;
	if (fdt_magic(tree) == FDT_MAGIC && fdt_version(tree) < VERSION_MIN)
		return -FDT_ERR_BADVERSION;
	return fdt_check_full(tree, size);
}

int tree_check(const char *path, struct buf *tree, struct err *err)
{
	_cleanup_(freep) void *copy = xmemdup(buf_text(tree), tree->size + 1);
	int status = tree_status(copy, tree->size);

	if (status < 0)
		return err_set(err, ERR_IMAGE, "%s is no sound device tree blob: %s", path,
			       fdt_strerror(status));
	tree->size = fdt_totalsize(copy);
	return 0;
}

int tree_read(const char *path, struct buf *tree, struct err *err)
{
	int rc = path_read(path, TREE_MAX, tree, err);

	return rc < 0 ? rc : tree_check(path, tree, err);
}

/* libfdt changes both trees, also when it fails: it works on copies. */
int tree_overlay(struct buf *tree, const struct buf *overlay, struct err *err)
{
	size_t size = tree->size + 2 * overlay->size + 4096;
	_cleanup_(freep) void *merged = xcalloc(1, size);
	_cleanup_(freep) void *piece = xmemdup(buf_text(overlay), overlay->size);
	int status = fdt_open_into(buf_text(tree), merged, (int)size);

	if (status == 0)
		status = fdt_overlay_apply(merged, piece);
	if (status < 0)
		return err_set(err, ERR_IMAGE, "the overlay cannot be merged: %s",
			       fdt_strerror(status));
	fdt_pack(merged);
	buf_clear(tree);
	if (!buf_add(tree, merged, fdt_totalsize(merged)))
		return err_set(err, ERR_IMAGE, "the device tree becomes too large");
	return 0;
}

void ranges_add(struct ranges *ranges, uint64_t start, uint64_t size, const char *name)
{
	if (ranges->count % 16 == 0)
		ranges->items = xrealloc(ranges->items, ranges->count + 16, sizeof(*ranges->items));
	ranges->items[ranges->count++] =
		(struct range){.start = start, .size = size, .name = xstrdup(name)};
}

void ranges_free(struct ranges *ranges)
{
	size_t i;

	for (i = 0; i < ranges->count; i++)
		free(ranges->items[i].name);
	free(ranges->items);
	*ranges = (struct ranges){0};
}

/* A number of `cells` cells (1 or 2). */
static uint64_t read_cells(const fdt32_t *at, int cells)
{
	uint64_t value = fdt32_to_cpu(at[0]);

	return cells == 2 ? value << 32 | fdt32_to_cpu(at[1]) : value;
}

/* What reg of a node holds, with the cells of its parent. */
static int add_reg(const void *fdt, int node, int parent, struct ranges *out, struct err *err)
{
	int address = fdt_address_cells(fdt, parent), size = fdt_size_cells(fdt, parent), length;
	const char *name = fdt_get_name(fdt, node, NULL);
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &length);
	size_t first = out->count;

	if (!reg)
		return 0;
	if (address < 1 || address > 2 || size < 1 || size > 2)
		return err_set(err, ERR_IMAGE,
			       "%s in the device tree has addresses of %d and sizes of %d cells; 1 "
			       "or 2 are understood",
			       name, address, size);
	if (length % (4 * (address + size)))
		return err_set(err, ERR_IMAGE, "reg of %s in the device tree is not whole", name);
	for (; length > 0; length -= 4 * (address + size), reg += address + size)
		if (read_cells(reg + address, size))
			ranges_add(out, read_cells(reg, address), read_cells(reg + address, size),
				   name);
	if (out->count > first)
		out->items[out->count - 1].last = true;
	return 0;
}

int tree_memory(const struct buf *tree, struct ranges *out, size_t *nodes, struct err *err)
{
	const void *fdt = tree->data;
	const char *type;
	int node, length, rc;

	*nodes = 0;
	fdt_for_each_subnode(node, fdt, 0)
	{
		type = fdt_getprop(fdt, node, "device_type", &length);
		if (!type || length != 7 || memcmp(type, "memory", 7) != 0)
			continue;
		(*nodes)++;
		rc = add_reg(fdt, node, 0, out, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int tree_reserved(const struct buf *tree, struct ranges *out, struct err *err)
{
	const void *fdt = tree->data;
	int parent = fdt_path_offset(fdt, "/reserved-memory"), node, rc, i;
	uint64_t start, size;

	if (parent >= 0) {
		fdt_for_each_subnode(node, fdt, parent)
		{
			rc = add_reg(fdt, node, parent, out, err);
			if (rc < 0)
				return rc;
		}
	}
	for (i = 0; i < fdt_num_mem_rsv(fdt); i++) {
		rc = fdt_get_mem_rsv(fdt, i, &start, &size);
		if (rc < 0)
			return damaged(err, rc);
		if (size)
			ranges_add(out, start, size, "/memreserve/");
	}
	return 0;
}

bool tree_has_node(const struct buf *tree, const char *path)
{
	return fdt_path_offset(tree->data, path) >= 0;
}

bool tree_has_reg(const struct buf *tree, const char *path)
{
	int node = fdt_path_offset(tree->data, path);

	return node >= 0 && fdt_getprop(tree->data, node, "reg", NULL);
}

uint32_t tree_phandle(const struct buf *tree, const char *path)
{
	int node = fdt_path_offset(tree->data, path);

	return node < 0 ? 0 : fdt_get_phandle(tree->data, node);
}

bool tree_phandle_taken(const struct buf *tree, uint32_t phandle)
{
	return fdt_node_offset_by_phandle(tree->data, phandle) >= 0;
}

static uint32_t cells_of(const void *fdt, int node, const char *name, uint32_t fallback)
{
	int length;
	const fdt32_t *cells = fdt_getprop(fdt, node, name, &length);

	return cells && length == 4 ? fdt32_to_cpu(*cells) : fallback;
}

int tree_cells(const struct buf *tree, const char *path, uint32_t *address, uint32_t *size,
	       struct err *err)
{
	int node = fdt_path_offset(tree->data, path);

	if (node < 0)
		return err_set(err, ERR_IMAGE, "the device tree has no node %s", path);
	*address = cells_of(tree->data, node, "#address-cells", 2);
	*size = cells_of(tree->data, node, "#size-cells", 1);
	return 0;
}
