// SPDX-License-Identifier: MIT
#include "build/fit_check.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "build/fit_hash.h"
#include "build/fit_tree.h"
#include "build/fit_trust.h"

#define NODES_MAX 4096 /* marks, images or configurations */

const char *const fit_verdict_names[] = {"good", "bad", "no-key", "unknown"};

struct reading {
	const void *tree;
	size_t size;
	const struct fit_keys *keys;
	struct fit_report *report;
};

static char *text_or_null(const void *tree, int node, const char *name)
{
	const char *text = dt_text(tree, node, name);

	return text ? xstrdup(text) : NULL;
}

static bool read_address(const void *tree, int node, const char *name, uint64_t *value)
{
	int length;
	const void *cells = fdt_getprop(tree, node, name, &length);

	if (!cells || (length != 4 && length != 8))
		return false;
	*value = length == 4 ? fdt32_ld(cells) : fdt64_ld(cells);
	return true;
}

static struct fit_mark *add_mark(struct reading *reading, int node, const char *kind)
{
	struct fit_report *report = reading->report;
	const char *algo = dt_text(reading->tree, node, "algo");
	char path[FIT_PATH_MAX];
	struct fit_mark *mark;

	if (!dt_path(reading->tree, node, path))
		snprintf(path, sizeof(path), "%s", fdt_get_name(reading->tree, node, NULL));
	report->marks = xrealloc(report->marks, report->mark_count + 1, sizeof(*report->marks));
	mark = &report->marks[report->mark_count++];
	*mark = (struct fit_mark){
		.path = xstrdup(path), .kind = kind, .algo = xstrdup(algo ? algo : "")};
	mark->hint = text_or_null(reading->tree, node, "key-name-hint");
	return mark;
}

static void read_hash(struct reading *reading, int node, const struct region *data)
{
	struct fit_mark *mark = add_mark(reading, node, "hash");
	uint8_t right[FIT_HASH_MAX];
	int length;
	const void *value = fdt_getprop(reading->tree, node, "value", &length);
	size_t size = fit_hash(mark->algo, data->data, data->size, right);

	mark->verdict = FIT_GOOD;
	if (!value)
		mark->note = xstrdup("there is no value");
	else if (size && ((size_t)length != size || memcmp(value, right, size) != 0))
		mark->note = xstrdup("the data are not what was hashed");
	if (mark->note)
		mark->verdict = FIT_BAD;
	else if (!size)
		mark->verdict = FIT_UNKNOWN;
}

static void read_image_signature(struct reading *reading, int node, const struct region *data)
{
	_cleanup_(regions_free) struct regions regions = {0};
	struct fit_mark *mark = add_mark(reading, node, "signature");

	regions_add(&regions, data->data, data->size);
	mark->verdict = fit_keys_check(reading->keys, reading->tree, node, &regions, -1);
	if (mark->verdict == FIT_BAD)
		mark->note = xstrdup("the data are not what was signed");
}

static int read_image(struct reading *reading, int node, struct err *err)
{
	struct fit_report *report = reading->report;
	const void *tree = reading->tree;
	struct fit_image_row *row;
	struct region data;
	int sub, rc;

	rc = fit_tree_data(tree, reading->size, node, &data.data, &data.size, err);
	if (rc < 0)
		return rc;
	report->images = xrealloc(report->images, report->image_count + 1, sizeof(*report->images));
	row = &report->images[report->image_count++];
	*row = (struct fit_image_row){
		.name = xstrdup(fdt_get_name(tree, node, NULL)),
		.description = text_or_null(tree, node, "description"),
		.type = text_or_null(tree, node, "type"),
		.os = text_or_null(tree, node, "os"),
		.arch = text_or_null(tree, node, "arch"),
		.compression = text_or_null(tree, node, "compression"),
		.size = data.size,
	};
	row->has_load = read_address(tree, node, "load", &row->load);
	row->has_entry = read_address(tree, node, "entry", &row->entry);
	sha256_text(data.data, data.size, row->sha256);
	fdt_for_each_subnode(sub, tree, node)
	{
		if (report->mark_count == NODES_MAX)
			return err_set(err, ERR_IMAGE, "the FIT has more than %d hashes",
				       NODES_MAX);
		if (fit_is_hash(tree, sub))
			read_hash(reading, sub, &data);
		else if (fit_is_signature(tree, sub))
			read_image_signature(reading, sub, &data);
	}
	return 0;
}

static char *list_uses(const void *tree, int config)
{
	_cleanup_(buf_free) struct buf text = {0};
	struct fit_use use = {0};

	while (fit_next_use(tree, config, &use)) {
		if (use.index)
			buf_addf(&text, ",%s", use.image_name);
		else if (use.image >= 0)
			buf_addf(&text, "%s%s=%s", text.size ? " " : "", use.property_name,
				 use.image_name);
	}
	return xstrdup(buf_text(&text));
}

static void read_config(struct reading *reading, int node, const char *standard)
{
	struct fit_report *report = reading->report;
	const char *name = fdt_get_name(reading->tree, node, NULL);
	struct fit_mark *mark;
	int sub;

	report->configs =
		xrealloc(report->configs, report->config_count + 1, sizeof(*report->configs));
	report->configs[report->config_count++] = (struct fit_config_row){
		.name = xstrdup(name),
		.description = text_or_null(reading->tree, node, "description"),
		.images = list_uses(reading->tree, node),
		.is_default = text_equal(name, standard),
	};
	fdt_for_each_subnode(sub, reading->tree, node)
	{
		if (!fit_is_signature(reading->tree, sub) || report->mark_count == NODES_MAX)
			continue;
		mark = add_mark(reading, sub, "signature");
		mark->verdict = fit_keys_check_config(reading->keys, reading->tree, node, sub, -1,
						      &mark->note);
	}
}

static int read_images(struct reading *reading, struct err *err)
{
	int images = fdt_path_offset(reading->tree, "/images"), node, rc = 0;

	fdt_for_each_subnode(node, reading->tree, images)
	{
		if (rc == 0 && reading->report->image_count == NODES_MAX)
			rc = err_set(err, ERR_IMAGE, "the FIT has more than %d images", NODES_MAX);
		if (rc == 0)
			rc = read_image(reading, node, err);
	}
	return rc;
}

static int read_configs(struct reading *reading, struct err *err)
{
	int configs = fdt_path_offset(reading->tree, "/configurations"), node;
	const char *standard;

	if (configs < 0)
		return 0;
	standard = dt_text(reading->tree, configs, "default");
	fdt_for_each_subnode(node, reading->tree, configs)
	{
		if (reading->report->config_count == NODES_MAX)
			return err_set(err, ERR_IMAGE, "the FIT has more than %d configurations",
				       NODES_MAX);
		read_config(reading, node, standard);
	}
	return 0;
}

int fit_read(const void *data, size_t size, const struct fit_trust *trust,
	     struct fit_report *report, struct err *err)
{
	_cleanup_(fit_keys_free) struct fit_keys keys = {0};
	struct reading reading = {.tree = data, .size = size, .keys = &keys, .report = report};
	int rc = fit_tree_check(data, size, err);

	*report = (struct fit_report){0};
	if (rc == 0)
		rc = fit_keys_load(&keys, trust, data, err);
	if (rc < 0)
		return rc;
	report->description = text_or_null(data, 0, "description");
	report->has_timestamp = dt_cell(data, 0, "timestamp", &report->timestamp);
	rc = read_images(&reading, err);
	if (rc == 0)
		rc = read_configs(&reading, err);
	if (rc < 0)
		fit_report_free(report);
	return rc;
}

static void free_image(struct fit_image_row *row)
{
	free(row->name);
	free(row->description);
	free(row->type);
	free(row->os);
	free(row->arch);
	free(row->compression);
}

static void free_mark(struct fit_mark *mark)
{
	free(mark->path);
	free(mark->algo);
	free(mark->hint);
	free(mark->note);
}

void fit_report_free(struct fit_report *report)
{
	size_t i;

	for (i = 0; i < report->image_count; i++)
		free_image(&report->images[i]);
	for (i = 0; i < report->config_count; i++) {
		free(report->configs[i].name);
		free(report->configs[i].description);
		free(report->configs[i].images);
	}
	for (i = 0; i < report->mark_count; i++)
		free_mark(&report->marks[i]);
	free(report->images);
	free(report->configs);
	free(report->marks);
	free(report->description);
	*report = (struct fit_report){0};
}
