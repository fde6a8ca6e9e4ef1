// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "bundle/cache.h"
#include "bundle/file.h"
#include "bundle/oci_manifest.h"
#include "bundle/oci_ref.h"

#define REF_FILE_MAX 1024

/* A reference, and what it keeps. */
struct kept_ref {
	char *path;
	char *digest;                  /* of its manifest; NULL: the file is no reference */
	int64_t used;                  /* seconds of CLOCK_REALTIME */
	struct oci_manifest *manifest; /* NULL: the cache does not have it */
	bool dropped;
};

struct pruning {
	const struct cache *cache;
	struct kept_ref *refs;
	size_t count;
	struct cache_pruned *pruned;
};

static void pruning_free(struct pruning *pruning)
{
	size_t i;

	for (i = 0; i < pruning->count; i++) {
		free(pruning->refs[i].path);
		free(pruning->refs[i].digest);
		oci_manifest_free(pruning->refs[i].manifest);
	}
	free(pruning->refs);
}

/* Calls `each` for every name in ROOT/FOLDER. */
static void each_name(struct pruning *pruning, const char *folder,
		      void (*each)(struct pruning *pruning, const char *folder, const char *name))
{
	_cleanup_(freep) char *path = path_join(pruning->cache->root, folder);
	_cleanup_(file_names_free) struct file_names list = {0};
	size_t i;

	if (file_list(&list, path, NULL) < 0)
		return;
	for (i = 0; i < list.count; i++)
		each(pruning, folder, list.names[i]);
}

static char *path_in(const struct pruning *pruning, const char *folder, const char *name)
{
	return xasprintf("%s/%s/%s", pruning->cache->root, folder, name);
}

static uint64_t size_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void load_manifest(struct pruning *pruning, struct kept_ref *ref)
{
	_cleanup_(freep) char *path = cache_blob_path(pruning->cache, ref->digest);
	_cleanup_(buf_free) struct buf text = {0};

	if (path_read(path, OCI_MANIFEST_MAX, &text, NULL) < 0 ||
	    oci_manifest_parse(&ref->manifest, buf_text(&text), text.size, NULL) < 0)
		ref->manifest = NULL;
}

static void load_ref(struct pruning *pruning, const char *folder, const char *name)
{
	_cleanup_(buf_free) struct buf text = {0};
	struct kept_ref *ref;
	struct stat st;

	pruning->refs = xrealloc(pruning->refs, pruning->count + 1, sizeof(*pruning->refs));
	ref = &pruning->refs[pruning->count++];
	*ref = (struct kept_ref){.path = path_in(pruning, folder, name)};
	if (stat(ref->path, &st) == 0)
		ref->used = st.st_mtim.tv_sec;
	if (path_read(ref->path, REF_FILE_MAX, &text, NULL) == 0)
		ref->digest = xstrndup(buf_text(&text), strcspn(buf_text(&text), "\n"));
	if (ref->digest && oci_digest_is_valid(ref->digest))
		load_manifest(pruning, ref);
	else
		ref->dropped = true;
}

static bool manifest_holds(const struct oci_manifest *manifest, const char *digest)
{
	size_t i;

	for (i = 0; manifest && i < manifest->count; i++)
		if (strcmp(manifest->items[i].digest, digest) == 0)
			return true;
	return false;
}

/* Whether a reference that stays needs this blob. */
static bool is_kept(const struct pruning *pruning, const char *digest)
{
	const struct kept_ref *ref;
	size_t i;

	for (i = 0; i < pruning->count; i++) {
		ref = &pruning->refs[i];
		if (!ref->dropped &&
		    (strcmp(ref->digest, digest) == 0 || manifest_holds(ref->manifest, digest)))
			return true;
	}
	return false;
}

static char *digest_of_name(const char *folder, const char *name)
{
	return xasprintf("%s:%s", path_base(folder), name);
}

static void count_kept(struct pruning *pruning, const char *folder, const char *name)
{
	_cleanup_(freep) char *path = path_in(pruning, folder, name);
	_cleanup_(freep) char *digest = digest_of_name(folder, name);

	if (is_kept(pruning, digest))
		pruning->pruned->kept += size_of(path);
}

static uint64_t kept_bytes(struct pruning *pruning)
{
	pruning->pruned->kept = 0;
	each_name(pruning, "blobs/sha256", count_kept);
	each_name(pruning, "blobs/sha512", count_kept);
	return pruning->pruned->kept;
}

static struct kept_ref *oldest(struct pruning *pruning)
{
	struct kept_ref *found = NULL;
	size_t i;

	for (i = 0; i < pruning->count; i++)
		if (!pruning->refs[i].dropped && (!found || pruning->refs[i].used < found->used))
			found = &pruning->refs[i];
	return found;
}

static void drop_refs(struct pruning *pruning, const struct cache_limits *limits, int64_t now)
{
	struct kept_ref *ref;
	size_t i;

	for (i = 0; i < pruning->count; i++)
		if (limits->max_age_s > 0 && now - pruning->refs[i].used > limits->max_age_s)
			pruning->refs[i].dropped = true;
	while (kept_bytes(pruning) > limits->max_size && (ref = oldest(pruning)))
		ref->dropped = true;
	for (i = 0; i < pruning->count; i++)
		if (pruning->refs[i].dropped && unlink(pruning->refs[i].path) == 0)
			pruning->pruned->refs++;
}

static void remove_blob(struct pruning *pruning, const char *folder, const char *name)
{
	_cleanup_(freep) char *path = path_in(pruning, folder, name);
	_cleanup_(freep) char *digest = digest_of_name(folder, name);
	uint64_t size = size_of(path);

	if (is_kept(pruning, digest) || unlink(path) < 0)
		return;
	pruning->pruned->blobs++;
	pruning->pruned->bytes += size;
}

static void remove_partial(struct pruning *pruning, const char *folder, const char *name)
{
	_cleanup_(freep) char *path = path_in(pruning, folder, name);
	uint64_t size = size_of(path);

	if (unlink(path) == 0)
		pruning->pruned->bytes += size;
}

/* A folder is named after the digits of its manifest's digest, whichever algorithm. */
static void remove_folder(struct pruning *pruning, const char *folder, const char *name)
{
	_cleanup_(freep) char *path = path_in(pruning, folder, name);
	_cleanup_(freep) char *digest =
		xasprintf("%s:%s", strlen(name) == 64 ? "sha256" : "sha512", name);

	if (!is_kept(pruning, digest) && path_remove_tree(path, NULL) == 0)
		pruning->pruned->folders++;
}

int cache_prune(const char *root, const struct cache_limits *limits, int64_t now,
		struct cache_pruned *pruned, struct err *err)
{
	_cleanup_(cache_closep) struct cache *cache = NULL;
	_cleanup_(pruning_free) struct pruning pruning = {.pruned = pruned};
	int rc = cache_open_alone(&cache, root, err);

	if (rc < 0)
		return rc;
	*pruned = (struct cache_pruned){0};
	pruning.cache = cache;
	each_name(&pruning, "refs", load_ref);
	drop_refs(&pruning, limits, now);
	each_name(&pruning, "bundles", remove_folder);
	each_name(&pruning, "blobs/sha256", remove_blob);
	each_name(&pruning, "blobs/sha512", remove_blob);
	each_name(&pruning, "partial", remove_partial);
	return 0;
}
