// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "bundle/file.h"
#include "bundle/json.h"
#include "bundle/lint.h"
#include "bundle/oci_ref.h"

static json_t *texts(char *const *items, size_t count)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(list, json_string(items[i]));
	return list;
}

static json_t *targets(const struct manifest *manifest)
{
	json_t *map = json_object();
	size_t i;

	for (i = 0; i < manifest->target_count; i++)
		json_object_set_new(map, manifest->targets[i].name,
				    json_string(manifest->targets[i].selector));
	return map;
}

static json_t *variants(const struct manifest *manifest)
{
	const struct manifest_variant *variant;
	json_t *map = json_object();
	size_t i;

	for (i = 0; i < manifest->variant_count; i++) {
		variant = &manifest->variants[i];
		json_object_set_new(map, variant->name,
				    json_pack("{s:s?, s:s?}", "file", variant->file, "bootcmd",
					      variant->bootcmd));
	}
	return map;
}

static json_t *loaded(const struct manifest_file *file)
{
	if (!file->file)
		return json_null();
	return json_pack("{s:s, s:s}", "file", file->file, "address", file->address);
}

static json_t *device_trees(const struct manifest *manifest)
{
	if (!manifest->dtb_address)
		return json_null();
	return json_pack("{s:s, s:s, s:o}", "default", manifest->dtb_default, "address",
			 manifest->dtb_address, "variants", variants(manifest));
}

static json_t *describe(const struct manifest *manifest)
{
	return json_pack("{s:s, s:s, s:s?, s:s, s:s, s:o, s:o, s:o, s:o, s:s?, s:o}", "name",
			 manifest->name, "manufacturer", manifest->manufacturer, "link",
			 manifest->link, "bootcmd", manifest->bootcmd, "default_target",
			 manifest->default_target, "targets", targets(manifest), "kernel",
			 loaded(&manifest->kernel), "initram", loaded(&manifest->initram), "dtb",
			 device_trees(manifest), "username", manifest->username,
			 "preflash_commands",
			 texts(manifest->preflash_commands, manifest->preflash_count));
}

/* Adds a file once. */
static int add_file(json_t *list, const struct bundle *bundle, const char *name, struct err *err)
{
	_cleanup_(freep) char *path = NULL;
	char digest[OCI_DIGEST_TEXT];
	uint64_t size;
	json_t *item;
	size_t i;
	int rc;

	json_array_foreach(list, i, item)
	{
		if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
			return 0;
	}
	rc = bundle_path(bundle, name, &path, err);
	if (rc == 0)
		rc = file_digest_path(path, &size, digest, err);
	if (rc < 0)
		return rc;
	json_array_append_new(list, json_pack("{s:s, s:I, s:s}", "name", name, "size",
					      (json_int_t)size, "digest", digest));
	return 0;
}

static int add_files(json_t *list, const struct bundle *bundle, struct err *err)
{
	const struct manifest *manifest = bundle->manifest;
	size_t i;
	int rc = add_file(list, bundle, bundle->manifest_name, err);

	if (rc == 0)
		rc = add_file(list, bundle, manifest->kernel.file, err);
	if (rc == 0 && manifest->initram.file)
		rc = add_file(list, bundle, manifest->initram.file, err);
	for (i = 0; rc == 0 && i < manifest->variant_count; i++)
		if (manifest->variants[i].file)
			rc = add_file(list, bundle, manifest->variants[i].file, err);
	return rc;
}

int bundle_inspect(const struct bundle *bundle, json_t **out, struct err *err)
{
	_cleanup_(json_freep) json_t *files = json_array();
	int rc = add_files(files, bundle, err);

	if (rc < 0)
		return rc;
	*out = json_pack("{s:o, s:s, s:o, s:s, s:o, s:O, s:o}", "ref", json_text(bundle->ref),
			 "digest", bundle->digest, "folder", json_text(bundle->folder),
			 "manifest_name", bundle->manifest_name, "manifest",
			 describe(bundle->manifest), "files", files, "warnings",
			 texts(bundle->manifest->warnings, bundle->manifest->warning_count));
	return *out ? 0 : err_set(err, ERR_INTERNAL, "the bundle could not be put in JSON");
}
