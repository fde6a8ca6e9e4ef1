// SPDX-License-Identifier: MIT
/* Operations applied to a device tree with libfdt. */
#include <libfdt.h>
#include <string.h>

#include "base/mem.h"
#include "build/ops.h"

static size_t aligned(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/* A property: its token, length and name offset, its data, and its name among the strings. */
static uint64_t property_size(const char *name, size_t size)
{
	return 12 + aligned(size) + strlen(name) + 1;
}

static size_t value_size(const struct op *op)
{
	size_t size = 0;
	char **text;

	if (op->value == VALUE_STRING)
		return strlen(op->text) + 1;
	if (op->value == VALUE_REG)
		return 16;
	if (op->value == VALUE_CELLS)
		return 4 * op->cell_count;
	for (text = op->strings; text && *text; text++)
		size += strlen(*text) + 1;
	return size;
}

uint64_t ops_growth(const struct ops *ops, const struct modules *modules)
{
	const struct op *op;
	uint64_t size = 0;

	for (op = ops->items; op < ops->items + ops->count; op++) {
		if (op->kind == OP_MKNOD)
			size += 8 + aligned(strlen(op->name) + 1);
		else if (op->kind == OP_SET)
			size += property_size(op->name, value_size(op));
		else if (op->kind == OP_INITRD)
			size += property_size("linux,initrd-start", 8) +
				property_size("linux,initrd-end", 8);
		else if (op->kind == OP_FDT_APPLY)
			size += modules->items[op->module].file_size;
	}
	return size;
}

struct editing {
	const struct modules *modules;
	void *fdt;
	struct err *err;
};

static int fail(struct editing *editing, const struct op *op, int status)
{
	return err_set(editing->err, ERR_CONFIG, "cannot set %s of %s in the device tree: %s",
		       op->name ? op->name : "properties", op->path, fdt_strerror(status));
}

static void add_cell(struct buf *data, uint32_t value)
{
	uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
			    (uint8_t)value};

	buf_add(data, bytes, sizeof(bytes));
}

static void add_number(struct buf *data, uint64_t value)
{
	add_cell(data, (uint32_t)(value >> 32));
	add_cell(data, (uint32_t)value);
}

/* The bytes of a property's value. */
static void value_bytes(struct editing *editing, const struct op *op, struct buf *data)
{
	const struct module *module;
	char **text;
	size_t i;

	if (op->value == VALUE_STRING)
		buf_add(data, op->text, strlen(op->text) + 1);
	for (text = op->strings; text && *text; text++)
		buf_add(data, *text, strlen(*text) + 1);
	for (i = 0; i < op->cell_count; i++)
		add_cell(data, op->cells[i].value);
	if (op->value == VALUE_REG) {
		module = &editing->modules->items[op->module];
		add_number(data, module->address);
		add_number(data, module->size);
	}
}

static int set(struct editing *editing, const struct op *op)
{
	_cleanup_(buf_free) struct buf data = {0};
	int node = fdt_path_offset(editing->fdt, op->path), status;

	value_bytes(editing, op, &data);
	status = node < 0 ? node
			  : fdt_setprop(editing->fdt, node, op->name, buf_text(&data),
					(int)data.size);
	return status < 0 ? fail(editing, op, status) : 0;
}

static int make_node(struct editing *editing, const struct op *op)
{
	int parent = fdt_path_offset(editing->fdt, op->path), status;

	status = parent < 0 ? parent : fdt_add_subnode(editing->fdt, parent, op->name);
	if (status >= 0)
		return 0;
	return err_set(editing->err, ERR_CONFIG,
		       "cannot make the node %s under %s in the device tree: %s", op->name,
		       op->path, fdt_strerror(status));
}

static int set_initrd(struct editing *editing, const struct op *op)
{
	const struct module *module = &editing->modules->items[op->module];
	int node = fdt_path_offset(editing->fdt, op->path), status = node;

	if (status >= 0)
		status = fdt_setprop_u32(editing->fdt, node, "linux,initrd-start",
					 (uint32_t)module->address);
	if (status >= 0)
		status = fdt_setprop_u32(editing->fdt, node, "linux,initrd-end",
					 (uint32_t)(module->address + module->size));
	return status < 0 ? fail(editing, op, status) : 0;
}

static int apply_one(struct editing *editing, const struct op *op)
{
	if (op->kind == OP_MKNOD)
		return make_node(editing, op);
	if (op->kind == OP_SET)
		return set(editing, op);
	if (op->kind == OP_INITRD)
		return set_initrd(editing, op);
	return 0;
}

int ops_apply(const struct ops *ops, const struct modules *modules, struct buf *tree,
	      struct err *err)
{
	uint64_t size = tree->size + ops_growth(ops, modules) + 4096;
	_cleanup_(freep) void *fdt = NULL;
	struct editing editing = {.modules = modules, .err = err};
	int status, rc = 0;
	size_t i;

	if (size > INT32_MAX)
		return err_set(err, ERR_CONFIG, "the device tree becomes too large");
	fdt = xcalloc(1, size);
	editing.fdt = fdt;
	status = fdt_open_into(buf_text(tree), fdt, (int)size);
	if (status < 0)
		return err_set(err, ERR_IMAGE, "the device tree is damaged: %s",
			       fdt_strerror(status));
	for (i = 0; rc == 0 && i < ops->count; i++)
		rc = apply_one(&editing, &ops->items[i]);
	if (rc < 0)
		return rc;
	fdt_pack(fdt);
	buf_clear(tree);
	if (!buf_add(tree, fdt, fdt_totalsize(fdt)))
		return err_set(err, ERR_CONFIG, "the device tree becomes too large");
	return 0;
}
