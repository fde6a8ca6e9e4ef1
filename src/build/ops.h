// SPDX-License-Identifier: MIT
/*
 * What a boot script does, as a list of operations. The list is made once from the model; it is
 * then printed as U-Boot commands (ops_text.c), applied to a device tree with libfdt (ops_fdt.c),
 * and measured for `fdt resize` (ops_fdt.c). So the text and the edited tree cannot disagree.
 */
#ifndef ABOARD_BUILD_OPS_H
#define ABOARD_BUILD_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "build/module.h"

enum op_kind {
	OP_TEXT,       /* lines as they are, which cannot fail */
	OP_COMMAND,    /* one command; `name`: what it does */
	OP_EXTRA,      /* lines of the user */
	OP_LOAD,       /* a module to its address */
	OP_FPGA,       /* a loaded bitstream into the device */
	OP_FDT_ADDR,   /* the tree that is edited from here on: a module */
	OP_FDT_RESIZE, /* room for the edits */
	OP_FDT_APPLY,  /* an overlay: a module */
	OP_MKNOD,      /* `name` under `path` */
	OP_SET,        /* property `name` of `path` */
	OP_INITRD,     /* linux,initrd-start and -end of `path`: a module */
};

enum value_kind {
	VALUE_EMPTY,
	VALUE_STRING,
	VALUE_STRINGS,
	VALUE_CELLS,
	VALUE_REG, /* address and size of a module, two cells each */
};

/* One 32-bit cell, and how the text shows it: decimal, or lower- or upper-case hexadecimal. */
struct cell {
	uint32_t value;
	char form; /* 'd', 'x' or 'X' */
};

struct op {
	enum op_kind kind;
	size_t module; /* index into the modules */
	char *path, *name;
	enum value_kind value;
	char *text;     /* OP_TEXT, OP_COMMAND, OP_EXTRA; VALUE_STRING */
	char **strings; /* VALUE_STRINGS: NULL-terminated */
	struct cell *cells;
	size_t cell_count;
	bool spaced; /* the text has a blank at its end, as ImageBuilder prints ranges */
};

struct ops {
	struct op *items;
	size_t count;
};

void ops_free(struct ops *ops);

void ops_text(struct ops *ops, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `what` follows "cannot", as in "start the kernel". */
void ops_command(struct ops *ops, const char *what, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Ends with a newline. */
void ops_extra(struct ops *ops, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ops_module(struct ops *ops, enum op_kind kind, size_t module);
void ops_resize(struct ops *ops);
void ops_mknod(struct ops *ops, const char *path, const char *name);
void ops_set_empty(struct ops *ops, const char *path, const char *name, bool spaced);
void ops_set_string(struct ops *ops, const char *path, const char *name, const char *text);
/* `strings` is NULL-terminated, copied. */
void ops_set_strings(struct ops *ops, const char *path, const char *name,
		     const char *const *strings);
void ops_set_cell(struct ops *ops, const char *path, const char *name, uint32_t value, char form);
void ops_set_cells(struct ops *ops, const char *path, const char *name, const struct cell *cells,
		   size_t count, bool spaced);
/* Each number as a high and a low cell. */
void ops_set_pairs(struct ops *ops, const char *path, const char *name, const uint64_t *numbers,
		   size_t count, char form, bool spaced);
void ops_set_reg(struct ops *ops, const char *path, const char *name, size_t module);
void ops_initrd(struct ops *ops, const char *path, size_t module);

/* How the text is to be written. */
struct ops_style {
	const struct modules *modules;
	const char *prefix; /* put with a '/' before file names; NULL or "": none */
	bool fit;           /* parts come out of a FIT at $fit_addr */
	bool edited;        /* the loaded tree has the edits already: none are printed */
	bool dynamic;       /* U-Boot works the addresses out */
	bool strict;        /* nothing is done after a failure, and the script fails */
	uint64_t resize;    /* bytes for `fdt resize` */
};

/* U-Boot commands. ERR_CONFIG for a text that U-Boot's shell cannot be given. */
int ops_render(const struct ops *ops, const struct ops_style *style, struct buf *out,
	       struct err *err);

/* A word for U-Boot's shell that comes out as `text`, appended; always in quotes when `quoted`. */
void ops_quote(struct buf *out, const char *text, bool quoted);

/* Applies mknod, set and initrd operations to the tree in *tree (a whole DTB), which grows and is
   packed at the end. ERR_CONFIG when a node is missing. */
int ops_apply(const struct ops *ops, const struct modules *modules, struct buf *tree,
	      struct err *err);

/* Bytes the operations add to a tree at most, for `fdt resize`; overlays and further texts
   (their own fdt commands) included. */
uint64_t ops_growth(const struct ops *ops, const struct modules *modules);

#endif
