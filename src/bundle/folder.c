// SPDX-License-Identifier: MIT
#include "bundle/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "bundle/file.h"
#include "bundle/oci_ref.h"
#include "bundle/unpack.h"

/* Whether a file is the blob itself, or a good copy of it. */
static bool is_blob(const char *path, const char *blob, const struct oci_descriptor *item)
{
	char digest[OCI_DIGEST_TEXT];
	struct stat one, other;
	uint64_t size;

	if (lstat(path, &one) < 0 || !S_ISREG(one.st_mode) || stat(blob, &other) < 0)
		return false;
	if (one.st_ino == other.st_ino && one.st_dev == other.st_dev)
		return true;
	return strncmp(item->digest, "sha256:", 7) == 0 &&
	       file_digest_path(path, &size, digest, NULL) == 0 &&
	       strcmp(digest, item->digest) == 0;
}

static int place_item(const struct cache *cache, const struct oci_descriptor *item,
		      const char *folder, struct err *err)
{
	_cleanup_(freep) char *blob = cache_blob_path(cache, item->digest);
	_cleanup_(freep) char *path = path_join(folder, item->title);

	if (item->unpack)
		return unpack_layer(blob, folder, item->title, err);
	if (is_blob(path, blob, item))
		return 0;
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, ERR_HOST, "cannot replace %s", path);
	return file_link(blob, path, err);
}

/* An unpacked folder cannot be compared with its archive: it is unpacked once. */
static int place_items(const struct cache *cache, const struct oci_manifest *manifest,
		       const char *folder, bool again, struct err *err)
{
	const struct oci_descriptor *item;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < manifest->count; i++) {
		item = &manifest->items[i];
		if (item->title && !(again && item->unpack))
			rc = place_item(cache, item, folder, err);
	}
	return rc;
}

static int make_new(const struct cache *cache, const struct oci_manifest *manifest,
		    const char *folder, struct err *err)
{
	_cleanup_(freep) char *temporary = xasprintf("%s/bundles/.new-XXXXXX", cache->root);
	int rc;

	if (!mkdtemp(temporary))
		return err_errno(err, ERR_HOST, "cannot make a folder in %s/bundles", cache->root);
	rc = place_items(cache, manifest, temporary, false, err);
	if (rc == 0 && rename(temporary, folder) == 0)
		return 0;
	if (rc == 0 && errno != EEXIST && errno != ENOTEMPTY)
		rc = err_errno(err, ERR_HOST, "cannot make %s", folder);
	path_remove_tree(temporary, NULL);
	return rc;
}

int folder_make(const struct cache *cache, const char *digest, const struct oci_manifest *manifest,
		char **folder, struct err *err)
{
	_cleanup_(freep) char *path = xasprintf("%s/bundles/%s", cache->root, digest + 7);
	struct stat st;
	int rc;

	if (stat(path, &st) == 0)
		rc = place_items(cache, manifest, path, true, err);
	else
		rc = make_new(cache, manifest, path, err);
	if (rc == 0)
		*folder = steal(path);
	return rc;
}
