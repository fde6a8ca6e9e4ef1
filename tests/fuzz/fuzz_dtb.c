// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "build/ops.h"
#include "build/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct buf *tree)
{
	struct ranges ranges = {0};
	uint32_t address, cells;
	struct err err;
	size_t nodes;

	tree_memory(tree, &ranges, &nodes, &err);
	tree_reserved(tree, &ranges, &err);
	tree_cells(tree, "/passthrough", &address, &cells, &err);
	tree_has_reg(tree, "/cpus/cpu@1");
	tree_phandle(tree, "/cpus/cpu@1");
	tree_phandle_taken(tree, 4);
	ranges_free(&ranges);
}

static void edit(struct buf *tree)
{
	struct modules modules = {0};
	struct ops ops = {0};
	struct err err;

	ops_set_string(&ops, "/chosen", "bootargs", "console=ttyS0");
	ops_mknod(&ops, "/chosen", "domU0");
	ops_set_cell(&ops, "/chosen/domU0", "cpus", 1, 'd');
	ops_apply(&ops, &modules, tree, &err);
	ops_free(&ops);
}

/* The input as the board's tree and as an overlay on itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf tree = {0}, overlay = {0};
	struct err err;

	if (size < TREE_MAX) {
		buf_add(&tree, data, size);
		buf_add(&overlay, data, size);
	}
	if (tree_check("fuzz", &tree, &err) == 0) {
		look(&tree);
		edit(&tree);
		if (tree_check("fuzz", &overlay, &err) == 0)
			tree_overlay(&tree, &overlay, &err);
	}
	buf_free(&tree);
	buf_free(&overlay);
	return 0;
}
