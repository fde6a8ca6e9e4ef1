// SPDX-License-Identifier: MIT
#include "bundle/oci_manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "bundle/json.h"
#include "bundle/oci_ref.h"

static char *copy_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? xstrdup(text) : NULL;
}

/* "./data//x" is "data/x"; NULL when it leads out of the folder or names no file. */
static char *normal_title(const char *title)
{
	_cleanup_(buf_free) struct buf out = {0};
	const char *part = title;
	size_t length;

	if (!path_is_confined(title))
		return NULL;
	for (; *part; part += length + (part[length] == '/')) {
		length = strcspn(part, "/");
		if (length == 0 || (length == 1 && part[0] == '.'))
			continue;
		if (out.size)
			buf_add_char(&out, '/');
		buf_add(&out, part, length);
	}
	return out.size ? buf_steal(&out) : NULL;
}

static int take_annotations(struct oci_descriptor *item, const json_t *from, struct err *err)
{
	const json_t *annotations = json_object_get(from, "annotations");
	_cleanup_(freep) char *title = copy_text(annotations, OCI_TITLE);
	_cleanup_(freep) char *unpack = copy_text(annotations, ORAS_UNPACK);

	item->ref_name = copy_text(annotations, OCI_REF_NAME);
	item->unpack = text_equal(unpack, "true");
	if (!title)
		return 0;
	item->title = normal_title(title);
	if (!item->title)
		return err_set(err, ERR_REFUSED,
			       "the manifest has a file named '%.200s', which leads out of the"
			       " bundle's folder",
			       title);
	return 0;
}

static int take_item(struct oci_descriptor *item, const json_t *from, struct err *err)
{
	const json_t *platform = json_object_get(from, "platform");
	json_int_t size = json_integer_value(json_object_get(from, "size"));

	item->media_type = copy_text(from, "mediaType");
	item->digest = copy_text(from, "digest");
	item->os = copy_text(platform, "os");
	item->arch = copy_text(platform, "architecture");
	if (!item->media_type)
		item->media_type = xstrdup("");
	if (!item->digest || !oci_digest_is_valid(item->digest))
		return err_set(err, ERR_NETWORK,
			       "the manifest has an entry without a valid digest");
	if (!json_is_integer(json_object_get(from, "size")) || size < 0)
		return err_set(err, ERR_NETWORK, "the manifest has an entry without a valid size");
	item->size = (uint64_t)size;
	return take_annotations(item, from, err);
}

static int by_title(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_titles(const struct oci_manifest *manifest, struct err *err)
{
	_cleanup_(freep) const char **titles = xcalloc(manifest->count + 1, sizeof(*titles));
	size_t i, count = 0;

	for (i = 0; i < manifest->count; i++)
		if (manifest->items[i].title)
			titles[count++] = manifest->items[i].title;
	qsort(titles, count, sizeof(*titles), by_title);
	for (i = 1; i < count; i++)
		if (strcmp(titles[i - 1], titles[i]) == 0)
			return err_set(err, ERR_REFUSED, "the manifest has the file '%.200s' twice",
				       titles[i]);
	return 0;
}

static int take_items(struct oci_manifest *manifest, const json_t *items, struct err *err)
{
	size_t i;
	int rc;

	if (!json_is_array(items) || json_array_size(items) > OCI_ITEMS_MAX)
		return err_set(err, ERR_NETWORK, "the manifest has no usable list of '%s'",
			       manifest->is_index ? "manifests" : "layers");
	manifest->items = xcalloc(json_array_size(items) + 1, sizeof(*manifest->items));
	for (i = 0; i < json_array_size(items); i++) {
		rc = take_item(&manifest->items[manifest->count++], json_array_get(items, i), err);
		if (rc < 0)
			return rc;
	}
	return manifest->is_index ? 0 : check_titles(manifest, err);
}

static int take_root(struct oci_manifest *manifest, const json_t *root, struct err *err)
{
	if (json_integer_value(json_object_get(root, "schemaVersion")) != 2)
		return err_set(err, ERR_NETWORK,
			       "the manifest is not of schema version 2, the only one supported");
	manifest->media_type = copy_text(root, "mediaType");
	manifest->artifact_type = copy_text(root, "artifactType");
	manifest->is_index = json_object_get(root, "manifests") != NULL;
	if (manifest->is_index && json_object_get(root, "layers"))
		return err_set(err, ERR_NETWORK, "the manifest has both layers and manifests");
	return take_items(manifest,
			  json_object_get(root, manifest->is_index ? "manifests" : "layers"), err);
}

int oci_manifest_parse(struct oci_manifest **manifest, const void *data, size_t size,
		       struct err *err)
{
	_cleanup_(oci_manifest_freep) struct oci_manifest *made = xcalloc(1, sizeof(*made));
	_cleanup_(json_freep) json_t *root = NULL;
	json_error_t reason;
	int rc;

	if (size > OCI_MANIFEST_MAX)
		return err_set(err, ERR_NETWORK, "the manifest is larger than %zu bytes",
			       OCI_MANIFEST_MAX);
	root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &reason);
	if (!root)
		return err_set(err, ERR_NETWORK, "the manifest is not JSON: line %d, column %d: %s",
			       reason.line, reason.column, reason.text);
	rc = take_root(made, root, err);
	if (rc == 0)
		*manifest = steal(made);
	return rc;
}

void oci_manifest_free(struct oci_manifest *manifest)
{
	struct oci_descriptor *item;
	size_t i;

	if (!manifest)
		return;
	for (i = 0; i < manifest->count; i++) {
		item = &manifest->items[i];
		free(item->media_type);
		free(item->digest);
		free(item->title);
		free(item->ref_name);
		free(item->os);
		free(item->arch);
	}
	free(manifest->items);
	free(manifest->media_type);
	free(manifest->artifact_type);
	free(manifest);
}

void oci_manifest_freep(struct oci_manifest **manifest)
{
	oci_manifest_free(*manifest);
	*manifest = NULL;
}

struct platform {
	const char *os, *arch; /* NULL: the entry has no platform */
};

/* Boards first. */
static const struct platform platforms[] = {
	{"linux", "arm64"},
	{NULL, NULL},
	{"linux", "amd64"},
};

static bool is_for(const struct oci_descriptor *item, const struct platform *platform)
{
	if (!platform->arch)
		return !item->arch;
	return text_equal(item->os, platform->os) && text_equal(item->arch, platform->arch);
}

static int none_fits(const struct oci_manifest *index, struct err *err)
{
	_cleanup_(buf_free) struct buf list = {.max = 300};
	size_t i;

	for (i = 0; i < index->count; i++)
		buf_addf(&list, "%s%.20s/%.20s", i ? ", " : "",
			 index->items[i].os ? index->items[i].os : "?",
			 index->items[i].arch ? index->items[i].arch : "?");
	return err_set(err, ERR_NOT_FOUND, "the index has nothing for linux/arm64, only: %s",
		       index->count ? buf_text(&list) : "nothing at all");
}

int oci_manifest_choose(const struct oci_manifest *index, const struct oci_descriptor **chosen,
			struct err *err)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(platforms); i++) {
		for (j = 0; j < index->count; j++) {
			*chosen = &index->items[j];
			if (is_for(*chosen, &platforms[i]))
				return 0;
		}
	}
	*chosen = index->items;
	return index->count == 1 ? 0 : none_fits(index, err);
}
