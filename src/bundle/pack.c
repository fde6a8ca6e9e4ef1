// SPDX-License-Identifier: MIT
#include "bundle/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "bundle/file.h"
#include "bundle/json.h"
#include "bundle/layout.h"
#include "bundle/oci_manifest.h"
#include "bundle/publish.h"

#define FILES_MAX 2000
#define DEPTH_MAX 16

static int add_folder(struct pack *pack, const char *root, const char *title, unsigned int depth,
		      struct err *err);

/* As the recipes of others do: YAML at the root is told apart. */
static const char *type_of(const char *title)
{
	bool yaml = text_ends(title, ".yaml") || text_ends(title, ".yml");

	return yaml && !strchr(title, '/') ? "application/yaml" : "application/octet-stream";
}

static int add_file(struct pack *pack, const char *path, const char *title, struct err *err)
{
	struct pack_file *file;

	if (pack->count == FILES_MAX)
		return err_set(err, ERR_REFUSED, "the folder holds more than %d files", FILES_MAX);
	pack->files = xrealloc(pack->files, pack->count + 1, sizeof(*pack->files));
	file = &pack->files[pack->count++];
	*file = (struct pack_file){
		.title = xstrdup(title), .path = xstrdup(path), .media_type = type_of(title)};
	return file_digest_path(path, &file->size, file->digest, err);
}

static int add_entry(struct pack *pack, const char *root, const char *title, unsigned int depth,
		     struct err *err)
{
	_cleanup_(freep) char *path = path_join(root, title);
	struct stat st, own;

	if (!path_is_confined(title))
		return err_set(err, ERR_REFUSED, "%s: a name with a control character or backslash",
			       root);
	if (lstat(path, &own) < 0 || stat(path, &st) < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", path);
	if (S_ISREG(st.st_mode))
		return add_file(pack, path, title, err);
	if (S_ISDIR(own.st_mode))
		return add_folder(pack, root, title, depth + 1, err);
	return err_set(err, ERR_REFUSED,
		       "%s is neither a file nor a folder (a link to a folder is"
		       " not followed)",
		       path);
}

/* `title` is the folder below root; "": root itself. */
static int add_folder(struct pack *pack, const char *root, const char *title, unsigned int depth,
		      struct err *err)
{
	_cleanup_(freep) char *path = *title ? path_join(root, title) : xstrdup(root);
	_cleanup_(file_names_free) struct file_names list = {0};
	size_t i;
	int rc;

	if (depth > DEPTH_MAX)
		return err_set(err, ERR_REFUSED, "%s: folders are nested too deep", root);
	rc = file_list(&list, path, err);
	for (i = 0; rc == 0 && i < list.count; i++) {
		_cleanup_(freep) char *name = path_join(title, list.names[i]);

		if (list.names[i][0] != '.')
			rc = add_entry(pack, root, name, depth, err);
	}
	return rc;
}

static int by_title(const void *a, const void *b)
{
	return strcmp(((const struct pack_file *)a)->title, ((const struct pack_file *)b)->title);
}

static json_t *layers(const struct pack *pack)
{
	const struct pack_file *file;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < pack->count; i++) {
		file = &pack->files[i];
		json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:{s:s}}", "mediaType",
						      file->media_type, "digest", file->digest,
						      "size", (json_int_t)file->size, "annotations",
						      OCI_TITLE, file->title));
	}
	return list;
}

static int make_manifest(struct pack *pack, struct err *err)
{
	_cleanup_(json_freep) json_t *root =
		json_pack("{s:i, s:s, s:s, s:{s:s, s:s, s:i}, s:o}", "schemaVersion", 2,
			  "mediaType", OCI_MANIFEST_TYPE, "artifactType", BUNDLE_ARTIFACT_TYPE,
			  "config", "mediaType", OCI_EMPTY_TYPE, "digest", OCI_EMPTY_DIGEST, "size",
			  (int)strlen(OCI_EMPTY_TEXT), "layers", layers(pack));
	char hex[SHA256_TEXT];

	if (!root)
		return err_set(err, ERR_REFUSED, "a file's name is no UTF-8");
	pack->manifest = json_dumps(root, JSON_COMPACT);
	pack->manifest_size = strlen(pack->manifest);
	sha256_text(pack->manifest, pack->manifest_size, hex);
	snprintf(pack->digest, sizeof(pack->digest), "sha256:%s", hex);
	return 0;
}

int pack_make(struct pack *pack, const char *folder, struct err *err)
{
	int rc;

	*pack = (struct pack){0};
	rc = add_folder(pack, folder, "", 0, err);
	if (rc < 0)
		return rc;
	qsort(pack->files, pack->count, sizeof(*pack->files), by_title);
	return make_manifest(pack, err);
}

void pack_free(struct pack *pack)
{
	size_t i;

	for (i = 0; i < pack->count; i++) {
		free(pack->files[i].title);
		free(pack->files[i].path);
	}
	free(pack->files);
	free(pack->manifest);
	*pack = (struct pack){0};
}

/* Checks the folder as a bundle first: what cannot be used is not given on. */
static int check_folder(const char *folder, const struct bundle_options *options, struct err *err)
{
	struct bundle_options local = {0};
	struct bundle *bundle;
	int rc;

	if (layout_is(folder))
		return err_set(err, ERR_USAGE, "%s is an OCI layout already", folder);
	if (options)
		local.manifest_name = options->manifest_name;
	rc = bundle_open(&bundle, folder, &local, NULL, DEADLINE_NEVER, err);
	if (rc == 0)
		bundle_free(bundle);
	return rc;
}

int pack_folder(struct pack *pack, const char *folder, const struct bundle_options *options,
		struct published *published, struct err *err)
{
	_cleanup_(freep) char *real = realpath(folder, NULL);
	size_t i;
	int rc;

	*published = (struct published){0};
	if (!real)
		return err_errno(err, ERR_NOT_FOUND, "cannot open %s", folder);
	rc = check_folder(real, options, err);
	if (rc == 0)
		rc = pack_make(pack, real, err);
	if (rc < 0)
		return rc;
	memcpy(published->digest, pack->digest, sizeof(pack->digest));
	published->files = pack->count;
	for (i = 0; i < pack->count; i++)
		published->bytes += pack->files[i].size;
	return 0;
}

/* A copy that is checked: the file may have changed since it was counted. */
static int put_file(const struct pack_file *file, const char *out, struct published *published,
		    struct err *err)
{
	_cleanup_(freep) char *path = layout_blob_path(out, file->digest);
	char digest[OCI_DIGEST_TEXT];
	uint64_t size;
	int rc;

	if (file_digest_path(path, &size, digest, NULL) == 0 && strcmp(digest, file->digest) == 0)
		return 0;
	unlink(path);
	rc = file_copy(file->path, path, err);
	if (rc == 0)
		rc = file_digest_path(path, &size, digest, err);
	if (rc == 0 && strcmp(digest, file->digest) != 0) {
		unlink(path);
		rc = err_set(err, ERR_HOST, "%s changes while it is packed", file->path);
	}
	published->sent_bytes += rc == 0 ? size : 0;
	return rc;
}

static int put_text(const char *digest, const char *text, size_t size, const char *out,
		    struct err *err)
{
	_cleanup_(freep) char *path = layout_blob_path(out, digest);

	return path_write(path, text, size, 0444, err);
}

int bundle_pack(const char *folder, const struct bundle_options *options, const char *out,
		const char *tag, struct published *published, struct err *err)
{
	_cleanup_(pack_free) struct pack pack = {0};
	size_t i;
	int rc = pack_folder(&pack, folder, options, published, err);

	if (rc == 0)
		rc = layout_create(out, err);
	for (i = 0; rc == 0 && i < pack.count; i++)
		rc = put_file(&pack.files[i], out, published, err);
	if (rc == 0)
		rc = put_text(OCI_EMPTY_DIGEST, OCI_EMPTY_TEXT, strlen(OCI_EMPTY_TEXT), out, err);
	if (rc == 0)
		rc = put_text(pack.digest, pack.manifest, pack.manifest_size, out, err);
	if (rc == 0)
		rc = layout_enter(out, tag, OCI_MANIFEST_TYPE, BUNDLE_ARTIFACT_TYPE, pack.digest,
				  pack.manifest_size, err);
	return rc;
}

static int export_file(const struct pack_file *file, const char *folder, struct err *err)
{
	_cleanup_(freep) char *path = path_join(folder, file->title);
	_cleanup_(freep) char *parent = path_folder(path);
	int rc = path_make_folder(parent, err);

	return rc < 0 ? rc : file_copy(file->path, path, err);
}

int bundle_export(const struct bundle *bundle, const char *folder, struct err *err)
{
	_cleanup_(pack_free) struct pack pack = {0};
	size_t i;
	int rc = pack_make(&pack, bundle->folder, err);

	for (i = 0; rc == 0 && i < pack.count; i++)
		rc = export_file(&pack.files[i], folder, err);
	return rc;
}
