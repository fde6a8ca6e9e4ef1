// SPDX-License-Identifier: MIT
/*
 * A FIT as a flattened tree in memory: whether it can be walked safely, where the bytes of an image
 * are, which nodes a configuration's signature protects, and which bytes of the tree those are.
 * Sources of the facts: U-Boot doc/usage/fit/source_file_format.rst, boot/image-fit.c,
 * boot/image-fit-sig.c, tools/image-host.c and boot/fdt_region.c.
 */
#ifndef ABOARD_BUILD_FIT_TREE_H
#define ABOARD_BUILD_FIT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FIT_SIGNED_NODES_MAX 100 /* U-Boot: IMAGE_MAX_HASHED_NODES */
#define FIT_PATH_MAX         200 /* U-Boot: room for one path in boot/image-fit-sig.c */

/* Makes sure that every libfdt call on `tree` stays inside `size` bytes. ERR_IMAGE when it is no
   flattened tree, a damaged one, or one that ends after `size`. */
int dt_check(const void *tree, size_t size, struct err *err);

/* dt_check(), and that it has /images with at least one node. */
int fit_tree_check(const void *tree, size_t size, struct err *err);

/* The text of a property; NULL when it is missing or no text. Borrowed from the tree. */
const char *dt_text(const void *tree, int node, const char *name);
/* The first cell of a property; false when it is missing or shorter. */
bool dt_cell(const void *tree, int node, const char *name, uint32_t *value);
/* The path of a node into `path`; false when it is too long. */
bool dt_path(const void *tree, int node, char path[FIT_PATH_MAX]);

/* A text property: into an open tree, or next in a tree that is written in sequence. A libfdt
   error. */
int dt_set_text(void *tree, int node, const char *name, const char *text);
int dt_put_text(void *tree, const char *name, const char *text);

/* Whether a node's name begins with "hash" or "signature", as U-Boot tells them. */
bool fit_is_hash(const void *tree, int node);
bool fit_is_signature(const void *tree, int node);

/* The bytes of an image node: property data, or outside the tree at data-offset (from the tree's
   end, rounded up to 4) or data-position (from its start). `size`: bytes of the whole file. */
int fit_tree_data(const void *tree, size_t size, int image, const void **data, size_t *data_size,
		  struct err *err);

/* One image that a configuration names: property and place in its list of names. */
struct fit_use {
	int property; /* offset in the tree; start with 0 */
	int index;
	const char *property_name, *image_name; /* borrowed from the tree */
	int image;                              /* node; negative: there is none of that name */
};

/* The next one; false at the end. Begin with {0}. What is no text, and description, compatible and
   default, name no images. */
bool fit_next_use(const void *tree, int config, struct fit_use *use);

/* The set of nodes under a configuration's signature. */
struct fit_nodes {
	char paths[FIT_SIGNED_NODES_MAX][FIT_PATH_MAX];
	size_t count;
};

bool fit_nodes_have(const struct fit_nodes *nodes, const char *path);
/* The root, the configuration, and every image it names with hash, cipher and dm-verity nodes. An
   image without a hash would be unprotected: ERR_IMAGE. */
int fit_signed_nodes(const void *tree, int config, struct fit_nodes *nodes, struct err *err);

/* Bytes to be hashed. */
struct region {
	const void *data;
	size_t size;
};

struct regions {
	struct region *items; /* owned */
	size_t count;
};

void regions_add(struct regions *regions, const void *data, size_t size);
void regions_free(struct regions *regions);

/* What a signature over `nodes` is made of: of each node its tags, its name and its properties but
   data, data-size, data-position and data-offset; of nodes right below one of them tags and name;
   the end of the tree; the first `strings` bytes of the table of names. */
int fit_regions(const void *tree, const struct fit_nodes *nodes, size_t strings,
		struct regions *regions, struct err *err);

#endif
