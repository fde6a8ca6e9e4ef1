// SPDX-License-Identifier: MIT
#include "build/fit_tree.h"

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/tree.h"

int dt_check(const void *tree, size_t size, struct err *err)
{
	int rc;

	if (size < sizeof(struct fdt_header) || fdt_magic(tree) != FDT_MAGIC)
		return err_set(err, ERR_IMAGE, "this is no flattened device tree");
	if (fdt_totalsize(tree) > size)
		return err_set(err, ERR_IMAGE,
			       "the device tree says it has %u bytes, but only %zu are there",
			       fdt_totalsize(tree), size);
	rc = tree_status(tree, size);
	if (rc < 0)
		return err_set(err, ERR_IMAGE, "the device tree is damaged: %s", fdt_strerror(rc));
	return 0;
}

int fit_tree_check(const void *tree, size_t size, struct err *err)
{
	int rc = dt_check(tree, size, err);
	int images;

	if (rc < 0)
		return rc;
	images = fdt_path_offset(tree, "/images");
	if (images < 0 || fdt_first_subnode(tree, images) < 0)
		return err_set(err, ERR_IMAGE, "the device tree is no FIT: it has no images");
	return 0;
}

const char *dt_text(const void *tree, int node, const char *name)
{
	int length;
	const char *text = fdt_getprop(tree, node, name, &length);

	return text && length > 0 && text[length - 1] == '\0' ? text : NULL;
}

bool dt_cell(const void *tree, int node, const char *name, uint32_t *value)
{
	int length;
	const void *cell = fdt_getprop(tree, node, name, &length);

	if (!cell || length < 4)
		return false;
	*value = fdt32_ld(cell);
	return true;
}

bool dt_path(const void *tree, int node, char path[FIT_PATH_MAX])
{
	return fdt_get_path(tree, node, path, FIT_PATH_MAX) == 0;
}

int dt_set_text(void *tree, int node, const char *name, const char *text)
{
	return fdt_setprop(tree, node, name, text, (int)strlen(text) + 1);
}

int dt_put_text(void *tree, const char *name, const char *text)
{
	return fdt_property(tree, name, text, (int)strlen(text) + 1);
}

static bool name_starts(const void *tree, int node, const char *start)
{
	const char *name = fdt_get_name(tree, node, NULL);

	return name && text_starts(name, start);
}

bool fit_is_hash(const void *tree, int node)
{
	return name_starts(tree, node, "hash");
}

bool fit_is_signature(const void *tree, int node)
{
	return name_starts(tree, node, "signature");
}

int fit_tree_data(const void *tree, size_t size, int image, const void **data, size_t *data_size,
		  struct err *err)
{
	const char *name = fdt_get_name(tree, image, NULL);
	uint32_t offset, length;
	uint64_t start;
	int inside;

	*data = fdt_getprop(tree, image, "data", &inside);
	if (*data) {
		*data_size = (size_t)inside;
		return 0;
	}
	if (dt_cell(tree, image, "data-position", &offset))
		start = offset;
	else if (dt_cell(tree, image, "data-offset", &offset))
		start = (((uint64_t)fdt_totalsize(tree) + 3) & ~(uint64_t)3) + offset;
	else
		return err_set(err, ERR_IMAGE, "image '%s' has no data", name);
	if (!dt_cell(tree, image, "data-size", &length))
		return err_set(err, ERR_IMAGE, "image '%s' has no data-size", name);
	if (start > size || length > size - start)
		return err_set(err, ERR_IMAGE, "the data of image '%s' end after the file", name);
	*data = (const char *)tree + start;
	*data_size = length;
	return 0;
}

/* U-Boot's fit_config_get_signed_nodes() passes over these. */
static bool names_no_image(const char *property)
{
	return text_equal(property, "description") || text_equal(property, "compatible") ||
	       text_equal(property, "default");
}

bool fit_next_use(const void *tree, int config, struct fit_use *use)
{
	int images = fdt_path_offset(tree, "/images");

	if (use->property == 0) {
		use->property = fdt_first_property_offset(tree, config);
		use->index = -1;
	}
	while (use->property >= 0) {
		fdt_getprop_by_offset(tree, use->property, &use->property_name, NULL);
		use->index++;
		use->image_name = use->property_name && !names_no_image(use->property_name)
					  ? fdt_stringlist_get(tree, config, use->property_name,
							       use->index, NULL)
					  : NULL;
		if (use->image_name) {
			use->image = fdt_subnode_offset(tree, images, use->image_name);
			return true;
		}
		use->property = fdt_next_property_offset(tree, use->property);
		use->index = -1;
	}
	return false;
}
