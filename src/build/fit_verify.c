// SPDX-License-Identifier: MIT
/* From marks to one judgement. */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/fit_check.h"
#include "build/fit_trust.h"

/* Whether one of the keys that are required so, or each of them, has signed the node. */
struct demand {
	const struct fit_keys *keys;
	const char *required; /* "image", "conf" */
};

static bool is_below(const char *path, const char *folder, const char *name)
{
	size_t length = strlen(folder) + strlen(name);
	char start[FIT_PATH_MAX];

	return snprintf(start, sizeof(start), "%s%s/", folder, name) == (int)length + 1 &&
	       text_starts(path, start);
}

static bool has_good_mark(const struct fit_report *report, const char *folder, const char *name,
			  const char *kind)
{
	size_t i;

	for (i = 0; i < report->mark_count; i++)
		if (report->marks[i].verdict == FIT_GOOD &&
		    (!kind || text_equal(report->marks[i].kind, kind)) &&
		    is_below(report->marks[i].path, folder, name))
			return true;
	return false;
}

static int check_marks(const struct fit_report *report, bool with_keys, struct err *err)
{
	const struct fit_mark *mark;

	for (mark = report->marks; mark < report->marks + report->mark_count; mark++) {
		if (mark->verdict == FIT_BAD)
			return err_set(err, ERR_DIGEST, "%s: %s", mark->path,
				       mark->note ? mark->note : "it is wrong");
		if (mark->verdict == FIT_UNKNOWN)
			return err_set(err, ERR_DIGEST, "%s: algorithm '%s' is not known",
				       mark->path, mark->algo);
		if (mark->verdict == FIT_NO_KEY && with_keys)
			return err_set(err, ERR_DIGEST, "%s: signed by key '%s', which is not here",
				       mark->path, mark->hint ? mark->hint : "");
	}
	return 0;
}

static int check_images(const struct fit_report *report, struct err *err)
{
	const struct fit_image_row *row;

	for (row = report->images; row < report->images + report->image_count; row++)
		if (!has_good_mark(report, "/images/", row->name, NULL))
			return err_set(err, ERR_DIGEST,
				       "image '%s' has neither a hash nor a signature that could "
				       "be verified",
				       row->name);
	return 0;
}

/* What is booted is a configuration, so there is nothing to trust without one. */
static int check_configs(const struct fit_report *report, const void *tree, struct err *err)
{
	int configs = fdt_path_offset(tree, "/configurations");
	size_t i;

	if (configs < 0 || !report->config_count)
		return err_set(err, ERR_DIGEST, "there is no configuration");
	for (i = 0; i < report->config_count; i++)
		if (report->configs[i].is_default)
			return 0;
	return fdt_getprop(tree, configs, "default", NULL)
		       ? err_set(err, ERR_DIGEST, "the default configuration is not there")
		       : 0;
}

/* Without requirements (keys of a folder) each configuration must be signed; or, when the FIT signs
   images only, each image. */
static int check_signed(const struct fit_report *report, struct err *err)
{
	bool configs = false;
	size_t i;

	for (i = 0; i < report->mark_count; i++)
		if (text_equal(report->marks[i].kind, "signature") &&
		    text_starts(report->marks[i].path, "/configurations/"))
			configs = true;
	for (i = 0; configs && i < report->config_count; i++)
		if (!has_good_mark(report, "/configurations/", report->configs[i].name, NULL))
			return err_set(err, ERR_DIGEST, "configuration '%s' is not signed",
				       report->configs[i].name);
	for (i = 0; !configs && i < report->image_count; i++)
		if (!has_good_mark(report, "/images/", report->images[i].name, "signature"))
			return err_set(err, ERR_DIGEST, "image '%s' is not signed",
				       report->images[i].name);
	return 0;
}

static bool signed_by(const struct demand *demand, const void *tree, size_t size, int node, int key)
{
	_cleanup_(regions_free) struct regions regions = {0};
	struct region data;
	int sub;

	if (text_equal(demand->required, "image")) {
		if (fit_tree_data(tree, size, node, &data.data, &data.size, NULL) < 0)
			return false;
		regions_add(&regions, data.data, data.size);
	}
	fdt_for_each_subnode(sub, tree, node)
	{
		if (!fit_is_signature(tree, sub))
			continue;
		if ((regions.count ? fit_keys_check(demand->keys, tree, sub, &regions, key)
				   : fit_keys_check_config(demand->keys, tree, node, sub, key,
							   NULL)) == FIT_GOOD)
			return true;
	}
	return false;
}

static int check_node(const struct demand *demand, const void *tree, size_t size, int node,
		      struct err *err)
{
	const char *name = fdt_get_name(tree, node, NULL), *missing = NULL;
	size_t i, good = 0;

	for (i = 0; i < demand->keys->count; i++) {
		if (!text_equal(demand->keys->items[i].required, demand->required))
			continue;
		if (signed_by(demand, tree, size, node, (int)i))
			good++;
		else
			missing = demand->keys->items[i].hint;
	}
	if (!missing || (demand->keys->any && good))
		return 0;
	return err_set(err, ERR_DIGEST, "'%s' is not signed by the required key '%s'", name,
		       missing);
}

static int check_required(const struct fit_keys *keys, const void *tree, size_t size,
			  struct err *err)
{
	static const struct {
		const char *path, *required;
	} lists[] = {{"/images", "image"}, {"/configurations", "conf"}};
	int parent, node, rc = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		struct demand demand = {keys, lists[i].required};

		parent = fdt_path_offset(tree, lists[i].path);
		if (parent < 0)
			continue;
		fdt_for_each_subnode(node, tree, parent)
		{
			if (rc == 0)
				rc = check_node(&demand, tree, size, node, err);
		}
	}
	return rc;
}

static bool is_required(const struct fit_keys *keys)
{
	size_t i;

	for (i = 0; i < keys->count; i++)
		if (keys->items[i].required)
			return true;
	return false;
}

int fit_verify(const void *data, size_t size, const struct fit_trust *trust,
	       const struct fit_report *report, struct err *err)
{
	_cleanup_(fit_keys_free) struct fit_keys keys = {0};
	bool with_keys = trust && (trust->control_dtb || trust->key_folder);
	int rc = fit_keys_load(&keys, trust, data, err);

	if (rc == 0)
		rc = check_marks(report, with_keys, err);
	if (rc == 0)
		rc = check_images(report, err);
	if (rc == 0 && with_keys)
		rc = check_configs(report, data, err);
	if (rc < 0 || !with_keys)
		return rc;
	return is_required(&keys) ? check_required(&keys, data, size, err)
				  : check_signed(report, err);
}
