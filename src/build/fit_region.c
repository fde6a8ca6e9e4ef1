// SPDX-License-Identifier: MIT
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/fit_tree.h"

#define DEPTH_MAX 32 /* U-Boot: FDT_MAX_DEPTH */

bool fit_nodes_have(const struct fit_nodes *nodes, const char *path)
{
	size_t i;

	for (i = 0; i < nodes->count; i++)
		if (text_equal(nodes->paths[i], path))
			return true;
	return false;
}

static int add_node(const void *tree, int node, struct fit_nodes *nodes, struct err *err)
{
	char path[FIT_PATH_MAX];

	if (!dt_path(tree, node, path))
		return err_set(err, ERR_IMAGE, "the path of node '%s' is longer than U-Boot reads",
			       fdt_get_name(tree, node, NULL));
	if (strchr(path, '@'))
		return err_set(err, ERR_IMAGE, "U-Boot refuses signed nodes with '@': %s", path);
	if (fit_nodes_have(nodes, path))
		return 0;
	if (nodes->count == FIT_SIGNED_NODES_MAX)
		return err_set(err, ERR_IMAGE, "a configuration has more than %d nodes to sign",
			       FIT_SIGNED_NODES_MAX);
	memcpy(nodes->paths[nodes->count++], path, sizeof(path));
	return 0;
}

static bool is_protected(const void *tree, int node)
{
	const char *name = fdt_get_name(tree, node, NULL);

	return fit_is_hash(tree, node) || text_equal(name, "cipher") ||
	       text_equal(name, "dm-verity");
}

static int add_image(const void *tree, int image, struct fit_nodes *nodes, struct err *err)
{
	int hashes = 0, sub, rc = add_node(tree, image, nodes, err);

	fdt_for_each_subnode(sub, tree, image)
	{
		if (rc == 0 && is_protected(tree, sub))
			rc = add_node(tree, sub, nodes, err);
		hashes += fit_is_hash(tree, sub);
	}
	if (rc == 0 && !hashes) {
		err_set(err, ERR_IMAGE,
			"image '%s' has no hash, so a signature of the configuration would not "
			"protect it",
			fdt_get_name(tree, image, NULL));
		rc = err_remedy(err, "give it a node hash-1 { algo = \"sha256\"; }");
	}
	return rc;
}

int fit_signed_nodes(const void *tree, int config, struct fit_nodes *nodes, struct err *err)
{
	struct fit_use use = {0};
	int rc;

	nodes->count = 0;
	rc = add_node(tree, 0, nodes, err);
	if (rc == 0)
		rc = add_node(tree, config, nodes, err);
	while (rc == 0 && fit_next_use(tree, config, &use))
		if (use.image >= 0)
			rc = add_image(tree, use.image, nodes, err);
	if (rc == 0 && nodes->count == 2)
		rc = err_set(err, ERR_IMAGE, "configuration '%s' names no image",
			     fdt_get_name(tree, config, NULL));
	return rc;
}

void regions_add(struct regions *regions, const void *data, size_t size)
{
	struct region *last = regions->count ? &regions->items[regions->count - 1] : NULL;

	if (last && (const char *)last->data + last->size == data) {
		last->size += size;
		return;
	}
	regions->items = xrealloc(regions->items, regions->count + 1, sizeof(*regions->items));
	regions->items[regions->count++] = (struct region){data, size};
}

void regions_free(struct regions *regions)
{
	free(regions->items);
	*regions = (struct regions){0};
}

/* How much of a node is signed. */
enum cover {
	COVER_NONE,
	COVER_NAME, /* a node below a signed one: tags and name */
	COVER_ALL,
};

struct walk {
	const struct fit_nodes *nodes;
	char path[4096];
	size_t length[DEPTH_MAX]; /* of the path of the node at that depth */
	enum cover cover[DEPTH_MAX];
	int depth; /* of the node the walk is in; -1: outside */
};

static bool enter(struct walk *walk, const char *name, int length)
{
	size_t end = walk->depth < 0 ? 0 : walk->length[walk->depth];
	enum cover above = walk->depth < 0 ? COVER_NONE : walk->cover[walk->depth];

	if (walk->depth + 1 == DEPTH_MAX || end + (size_t)length + 2 > sizeof(walk->path))
		return false;
	if (end != 1)
		walk->path[end++] = '/';
	memcpy(walk->path + end, name, (size_t)length);
	end += (size_t)length;
	walk->path[end] = '\0';
	walk->depth++;
	walk->length[walk->depth] = end;
	walk->cover[walk->depth] = fit_nodes_have(walk->nodes, walk->path) ? COVER_ALL
				   : above == COVER_ALL                    ? COVER_NAME
									   : COVER_NONE;
	return true;
}

static bool is_data(const void *tree, int offset)
{
	static const char *const names[] = {"data", "data-size", "data-position", "data-offset"};
	const char *name = NULL;
	size_t i;

	fdt_getprop_by_offset(tree, offset, &name, NULL);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (text_equal(name, names[i]))
			return true;
	return false;
}

/* Whether the piece of the tree at `offset` is signed; keeps the walk up to date. -1: too deep, or
 * no tree. */
static int covered(const void *tree, struct walk *walk, uint32_t tag, int offset)
{
	const char *name;
	int length;

	if (walk->depth < 0 && (tag == FDT_END_NODE || tag == FDT_PROP))
		return -1;
	switch (tag) {
	case FDT_BEGIN_NODE:
		name = fdt_get_name(tree, offset, &length);
		if (!name || !enter(walk, name, length))
			return -1;
		return walk->cover[walk->depth] != COVER_NONE;
	case FDT_END_NODE:
		return walk->cover[walk->depth--] != COVER_NONE;
	case FDT_PROP:
		return walk->cover[walk->depth] == COVER_ALL && !is_data(tree, offset);
	case FDT_NOP:
		return walk->depth >= 0 && walk->cover[walk->depth] == COVER_ALL;
	default:
		return 1;
	}
}

int fit_regions(const void *tree, const struct fit_nodes *nodes, size_t strings,
		struct regions *regions, struct err *err)
{
	_cleanup_(freep) struct walk *walk = xcalloc(1, sizeof(*walk));
	const char *start = (const char *)tree + fdt_off_dt_struct(tree);
	int offset, next = 0, cover;
	uint32_t tag;

	walk->nodes = nodes;
	walk->depth = -1;
	do {
		offset = next;
		tag = fdt_next_tag(tree, offset, &next);
		if (next < 0)
			return err_set(err, ERR_IMAGE, "the device tree is damaged");
		cover = covered(tree, walk, tag, offset);
		if (cover < 0)
			return err_set(err, ERR_IMAGE,
				       "the device tree is nested too deeply or damaged");
		if (cover)
			regions_add(regions, start + offset, (size_t)(next - offset));
	} while (tag != FDT_END);
	if (strings > fdt_size_dt_strings(tree))
		return err_set(err, ERR_IMAGE, "the signature covers more names than there are");
	regions_add(regions, (const char *)tree + fdt_off_dt_strings(tree), strings);
	return 0;
}
