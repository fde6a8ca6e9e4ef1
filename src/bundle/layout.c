// SPDX-License-Identifier: MIT
#include "bundle/layout.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "bundle/json.h"
#include "bundle/file.h"
#include "bundle/oci_manifest.h"
#include "bundle/oci_ref.h"

#define LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"

bool layout_is(const char *folder)
{
	_cleanup_(freep) char *path = path_join(folder, "oci-layout");

	return access(path, F_OK) == 0;
}

char *layout_blob_path(const char *folder, const char *digest)
{
	return xasprintf("%s/blobs/%.6s/%s", folder, digest, digest + 7);
}

static int read_blob(const char *folder, const char *digest, struct buf *out, struct err *err)
{
	_cleanup_(freep) char *path = layout_blob_path(folder, digest);
	_cleanup_(freep) char *algorithm = xstrndup(digest, 6);
	_cleanup_(digest_freep) struct digest *running = digest_new_named(algorithm);
	char hex[129];
	int rc = path_read(path, OCI_MANIFEST_MAX, out, err);

	if (rc < 0)
		return rc;
	digest_add(running, buf_text(out), out->size);
	digest_text(running, hex);
	if (strcmp(hex, digest + 7) == 0)
		return 0;
	return err_set(err, ERR_DIGEST, "%s has the digest %s:%s", path, algorithm, hex);
}

static int read_index(const char *folder, struct buf *out, struct err *err)
{
	_cleanup_(freep) char *path = path_join(folder, "index.json");

	return path_read(path, OCI_MANIFEST_MAX, out, err);
}

static int digest_of_tag(const char *folder, const char *tag, char **digest, struct err *err)
{
	_cleanup_(oci_manifest_freep) struct oci_manifest *index = NULL;
	_cleanup_(buf_free) struct buf text = {0};
	size_t i;
	int rc = read_index(folder, &text, err);

	if (rc == 0)
		rc = oci_manifest_parse(&index, buf_text(&text), text.size, err);
	if (rc < 0)
		return err_prefix(err, "%s/index.json", folder);
	for (i = 0; i < index->count; i++) {
		if (text_equal(index->items[i].ref_name, tag)) {
			*digest = xstrdup(index->items[i].digest);
			return 0;
		}
	}
	return err_set(err, ERR_NOT_FOUND, "the layout %s has no tag '%s'", folder, tag);
}

int layout_manifest(const char *folder, const char *wanted, struct buf *out, char **digest,
		    struct err *err)
{
	_cleanup_(freep) char *found = NULL;
	char hex[SHA256_TEXT];
	int rc;

	if (!wanted) {
		rc = read_index(folder, out, err);
		if (rc < 0)
			return rc;
		sha256_text(buf_text(out), out->size, hex);
		*digest = xasprintf("sha256:%s", hex);
		return 0;
	}
	if (oci_digest_is_valid(wanted))
		found = xstrdup(wanted);
	else if ((rc = digest_of_tag(folder, wanted, &found, err)) < 0)
		return rc;
	rc = read_blob(folder, found, out, err);
	if (rc == 0)
		*digest = steal(found);
	return rc;
}

int layout_blob(void *folder, struct reader **reader, const char *digest, uint64_t offset,
		struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *path = layout_blob_path(folder, digest);
	int rc = deadline_check(deadline, err);

	return rc < 0 ? rc : file_reader(reader, path, offset, err);
}

static bool is_empty(const char *folder)
{
	_cleanup_(file_names_free) struct file_names list = {0};

	return file_list(&list, folder, NULL) == -ERR_NOT_FOUND || (list.names && !list.count);
}

int layout_create(const char *folder, struct err *err)
{
	_cleanup_(freep) char *mark = path_join(folder, "oci-layout");
	_cleanup_(freep) char *index = path_join(folder, "index.json");
	_cleanup_(freep) char *blobs = path_join(folder, "blobs/sha256");
	static const char empty[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX_TYPE "\",\"manifests\":[]}";
	bool there = layout_is(folder);
	int rc;

	if (!there && !is_empty(folder))
		return err_set(err, ERR_REFUSED, "%s holds something else than an OCI layout",
			       folder);
	rc = path_make_folder(blobs, err);
	if (rc == 0 && !there)
		rc = path_write(index, empty, strlen(empty), 0644, err);
	if (rc == 0 && !there)
		rc = path_write(mark, LAYOUT_TEXT, strlen(LAYOUT_TEXT), 0644, err);
	return rc;
}

static bool same_entry(const json_t *entry, const char *tag, const char *digest)
{
	const json_t *annotations = json_object_get(entry, "annotations");
	const char *name = json_string_value(json_object_get(annotations, OCI_REF_NAME));

	if (tag && text_equal(name, tag))
		return true;
	return !name && text_equal(json_string_value(json_object_get(entry, "digest")), digest);
}

static json_t *make_entry(const char *tag, const char *media_type, const char *artifact_type,
			  const char *digest, size_t size)
{
	json_t *entry = json_pack("{s:s, s:s, s:I}", "mediaType", media_type, "digest", digest,
				  "size", (json_int_t)size);

	if (artifact_type)
		json_object_set_new(entry, "artifactType", json_string(artifact_type));
	if (tag)
		json_object_set_new(entry, "annotations", json_pack("{s:s}", OCI_REF_NAME, tag));
	return entry;
}

int layout_enter(const char *folder, const char *tag, const char *media_type,
		 const char *artifact_type, const char *digest, size_t size, struct err *err)
{
	_cleanup_(freep) char *path = path_join(folder, "index.json");
	_cleanup_(buf_free) struct buf text = {0};
	_cleanup_(json_freep) json_t *index = NULL;
	_cleanup_(freep) char *out = NULL;
	json_t *entries;
	size_t i;
	int rc = read_index(folder, &text, err);

	if (rc < 0)
		return rc;
	index = json_loadb(buf_text(&text), text.size, JSON_REJECT_DUPLICATES, &(json_error_t){0});
	entries = json_object_get(index, "manifests");
	if (!json_is_array(entries))
		return err_set(err, ERR_CONFIG, "%s is no index of a layout", path);
	for (i = json_array_size(entries); i-- > 0;)
		if (same_entry(json_array_get(entries, i), tag, digest))
			json_array_remove(entries, i);
	json_array_append_new(entries, make_entry(tag, media_type, artifact_type, digest, size));
	out = json_dumps(index, JSON_INDENT(2));
	return path_write(path, out, strlen(out), 0644, err);
}
