// SPDX-License-Identifier: MIT
#include "build/ops.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"

static struct op *add(struct ops *ops, enum op_kind kind, const char *path, const char *name)
{
	struct op *op;

	if (ops->count % 64 == 0)
		ops->items = xrealloc(ops->items, ops->count + 64, sizeof(*ops->items));
	op = &ops->items[ops->count++];
	*op = (struct op){.kind = kind};
	op->path = path ? xstrdup(path) : NULL;
	op->name = name ? xstrdup(name) : NULL;
	return op;
}

static void free_op(struct op *op)
{
	char **text;

	free(op->path);
	free(op->name);
	free(op->text);
	for (text = op->strings; text && *text; text++)
		free(*text);
	free(op->strings);
	free(op->cells);
}

void ops_free(struct ops *ops)
{
	size_t i;

	for (i = 0; i < ops->count; i++)
		free_op(&ops->items[i]);
	free(ops->items);
	*ops = (struct ops){0};
}

void ops_text(struct ops *ops, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(ops, OP_TEXT, NULL, NULL)->text = xvasprintf(format, args);
	va_end(args);
}

void ops_command(struct ops *ops, const char *what, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(ops, OP_COMMAND, NULL, what)->text = xvasprintf(format, args);
	va_end(args);
}

void ops_extra(struct ops *ops, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(ops, OP_EXTRA, NULL, NULL)->text = xvasprintf(format, args);
	va_end(args);
}

void ops_module(struct ops *ops, enum op_kind kind, size_t module)
{
	add(ops, kind, NULL, NULL)->module = module;
}

void ops_resize(struct ops *ops)
{
	add(ops, OP_FDT_RESIZE, NULL, NULL);
}

void ops_mknod(struct ops *ops, const char *path, const char *name)
{
	add(ops, OP_MKNOD, path, name);
}

void ops_set_empty(struct ops *ops, const char *path, const char *name, bool spaced)
{
	add(ops, OP_SET, path, name)->spaced = spaced;
}

void ops_set_string(struct ops *ops, const char *path, const char *name, const char *text)
{
	struct op *op = add(ops, OP_SET, path, name);

	op->value = VALUE_STRING;
	op->text = xstrdup(text);
}

void ops_set_strings(struct ops *ops, const char *path, const char *name,
		     const char *const *strings)
{
	struct op *op = add(ops, OP_SET, path, name);
	size_t count = 0, i;

	while (strings[count])
		count++;
	op->value = VALUE_STRINGS;
	op->strings = xcalloc(count + 1, sizeof(*op->strings));
	for (i = 0; i < count; i++)
		op->strings[i] = xstrdup(strings[i]);
}

void ops_set_cells(struct ops *ops, const char *path, const char *name, const struct cell *cells,
		   size_t count, bool spaced)
{
	struct op *op = add(ops, OP_SET, path, name);

	op->value = VALUE_CELLS;
	op->cells = xmemdup(cells, count * sizeof(*cells));
	op->cell_count = count;
	op->spaced = spaced;
}

void ops_set_cell(struct ops *ops, const char *path, const char *name, uint32_t value, char form)
{
	struct cell cell = {value, form};

	ops_set_cells(ops, path, name, &cell, 1, false);
}

void ops_set_pairs(struct ops *ops, const char *path, const char *name, const uint64_t *numbers,
		   size_t count, char form, bool spaced)
{
	_cleanup_(freep) struct cell *cells = xcalloc(2 * count + 1, sizeof(*cells));
	size_t i;

	for (i = 0; i < count; i++) {
		cells[2 * i] = (struct cell){(uint32_t)(numbers[i] >> 32), form};
		cells[2 * i + 1] = (struct cell){(uint32_t)numbers[i], form};
	}
	ops_set_cells(ops, path, name, cells, 2 * count, spaced);
}

void ops_set_reg(struct ops *ops, const char *path, const char *name, size_t module)
{
	struct op *op = add(ops, OP_SET, path, name);

	op->value = VALUE_REG;
	op->module = module;
}

void ops_initrd(struct ops *ops, const char *path, size_t module)
{
	add(ops, OP_INITRD, path, NULL)->module = module;
}
