// SPDX-License-Identifier: MIT
#include "bundle/oci.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "bundle/folder.h"
#include "bundle/layout.h"
#include "bundle/oci_client.h"
#include "bundle/unpack.h"

#define INDEX_DEPTH   3
#define LAYOUT_PREFIX "oci-layout:"

/* Where an artifact is: a registry or a layout. */
struct origin {
	struct oci_client *client; /* NULL: a layout */
	char *folder;
	const char *wanted; /* tag or digest; NULL: the only one of a layout */
};

/* A manifest, its bytes and its digest. */
struct found {
	struct oci_manifest *manifest;
	struct buf text;
	char *digest;
};

static void found_free(struct found *found)
{
	oci_manifest_free(found->manifest);
	buf_free(&found->text);
	free(found->digest);
	*found = (struct found){0};
}

static int get_manifest(const struct origin *origin, const char *wanted, struct found *found,
			struct deadline deadline, struct err *err)
{
	int rc;

	if (origin->client)
		rc = oci_client_manifest(origin->client, wanted, &found->text, &found->digest,
					 deadline, err);
	else
		rc = layout_manifest(origin->folder, wanted, &found->text, &found->digest, err);
	if (rc == 0)
		rc = oci_manifest_parse(&found->manifest, buf_text(&found->text), found->text.size,
					err);
	return rc;
}

/* The manifest that is wanted; of an index, the one for a board. */
static int find_manifest(const struct origin *origin, struct found *found, struct deadline deadline,
			 struct err *err)
{
	_cleanup_(freep) char *wanted = origin->wanted ? xstrdup(origin->wanted) : NULL;
	const struct oci_descriptor *chosen;
	unsigned int depth;
	int rc;

	for (depth = 0; depth < INDEX_DEPTH; depth++) {
		found_free(found);
		rc = get_manifest(origin, wanted, found, deadline, err);
		if (rc < 0 || !found->manifest->is_index)
			return rc;
		rc = oci_manifest_choose(found->manifest, &chosen, err);
		if (rc < 0)
			return rc;
		free(wanted);
		wanted = xstrdup(chosen->digest);
	}
	return err_set(err, ERR_NETWORK, "indexes lead to indexes, more than %d deep", INDEX_DEPTH);
}

static bool has_files(const struct oci_manifest *manifest)
{
	size_t i;

	for (i = 0; i < manifest->count; i++)
		if (manifest->items[i].title)
			return true;
	return false;
}

/* Brings all files of a manifest into the cache. */
static int fetch_files(const struct cache *cache, const struct oci_manifest *manifest,
		       const struct cache_source *source, struct deadline deadline, struct err *err)
{
	const struct oci_descriptor *item;
	size_t i;
	int rc;

	if (!has_files(manifest))
		return err_set(err, ERR_NOT_FOUND,
			       "this is no bundle: none of its layers is a file with a name");
	for (i = 0; i < manifest->count; i++) {
		item = &manifest->items[i];
		if (!item->title)
			continue;
		rc = cache_fetch(cache, item->digest, item->size, source, deadline, err);
		if (rc < 0)
			return err_prefix(err, "%s", item->title);
	}
	return 0;
}

static int fetch_artifact(struct oci_artifact *artifact, const struct cache *cache,
			  const struct origin *origin, struct deadline deadline, struct err *err)
{
	_cleanup_(found_free) struct found found = {0};
	struct cache_source source = {.open = layout_blob, .context = origin->folder};
	int rc = find_manifest(origin, &found, deadline, err);

	if (origin->client)
		source = (struct cache_source){.open = oci_client_blob, .context = origin->client};
	if (rc == 0)
		rc = fetch_files(cache, found.manifest, &source, deadline, err);
	if (rc == 0)
		rc = cache_put(cache, found.digest, buf_text(&found.text), found.text.size, err);
	if (rc == 0)
		rc = cache_ref_set(cache, artifact->ref, found.digest, err);
	if (rc == 0)
		rc = folder_make(cache, found.digest, found.manifest, &artifact->folder, err);
	if (rc == 0)
		artifact->digest = steal(found.digest);
	return rc;
}

static int nothing_to_open(void *context, struct reader **reader, const char *digest,
			   uint64_t offset, struct deadline deadline, struct err *err)
{
	(void)context;
	(void)reader;
	(void)offset;
	(void)deadline;
	return err_set(err, ERR_NOT_FOUND, "the cache does not have %s", digest);
}

/* From the cache alone. */
static int take_cached(struct oci_artifact *artifact, const struct cache *cache,
		       struct deadline deadline, struct err *err)
{
	static const struct cache_source nothing = {.open = nothing_to_open};
	_cleanup_(found_free) struct found found = {0};
	int rc = cache_ref_get(cache, artifact->ref, &found.digest, err);

	if (rc == 0)
		rc = cache_read(cache, found.digest, OCI_MANIFEST_MAX, &found.text, err);
	if (rc == 0)
		rc = oci_manifest_parse(&found.manifest, buf_text(&found.text), found.text.size,
					err);
	if (rc == 0)
		rc = fetch_files(cache, found.manifest, &nothing, deadline, err);
	if (rc == 0)
		rc = folder_make(cache, found.digest, found.manifest, &artifact->folder, err);
	if (rc < 0)
		return rc;
	artifact->digest = steal(found.digest);
	artifact->offline = true;
	return 0;
}

static int ask_registry(struct oci_artifact *artifact, const struct cache *cache,
			const struct oci_ref *ref, const struct http_options *http,
			struct warnings *warnings, struct deadline deadline, struct err *err)
{
	_cleanup_(oci_client_closep) struct oci_client *client = NULL;
	struct origin origin = {.wanted = oci_ref_wanted(ref)};
	int rc = oci_client_open(&client, ref, http, false, warnings, deadline, err);

	origin.client = client;
	if (rc == 0)
		rc = fetch_artifact(artifact, cache, &origin, deadline, err);
	return rc < 0 ? err_prefix(err, "%s", artifact->ref) : 0;
}

static int pull_registry(struct oci_artifact *artifact, const struct cache *cache,
			 const struct oci_ref *ref, const struct http_options *http, bool offline,
			 struct warnings *warnings, struct deadline deadline, struct err *err)
{
	int rc;

	artifact->ref = oci_ref_text(ref);
	if (ref->digest && take_cached(artifact, cache, deadline, NULL) == 0)
		return 0;
	if (offline) {
		rc = take_cached(artifact, cache, deadline, err);
		return rc < 0 ? err_prefix(err, "offline") : 0;
	}
	rc = ask_registry(artifact, cache, ref, http, warnings, deadline, err);
	if (rc != -ERR_NETWORK || take_cached(artifact, cache, deadline, NULL) < 0)
		return rc;
	warnings_add(warnings,
		     "the registry could not be asked (%s): %s is used as it was pulled"
		     " before",
		     err ? err->text : "network", artifact->digest);
	return 0;
}

bool oci_is_layout_ref(const char *ref)
{
	return text_starts(ref, LAYOUT_PREFIX) || layout_is(ref);
}

/* PATH, PATH:TAG or PATH@DIGEST; a path that is there as it stands is a path. */
static char *split_layout(char *path)
{
	char *at = strrchr(path, '@'), *slash = strrchr(path, '/'), *colon;

	if (layout_is(path))
		return NULL;
	colon = strchr(slash ? slash : path, ':');
	if (at && oci_digest_is_valid(at + 1))
		colon = at;
	if (!colon)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

static int pull_layout(struct oci_artifact *artifact, const struct cache *cache, const char *ref,
		       struct deadline deadline, struct err *err)
{
	const char *given = text_starts(ref, LAYOUT_PREFIX) ? ref + strlen(LAYOUT_PREFIX) : ref;
	_cleanup_(freep) char *path = xstrdup(given);
	_cleanup_(freep) char *real = NULL;
	struct origin origin = {.wanted = split_layout(path)};
	int rc;

	real = realpath(path, NULL);
	if (!real || !layout_is(real))
		return err_set(err, ERR_NOT_FOUND,
			       "%s is no OCI layout (it has no file oci-layout)", path);
	origin.folder = real;
	artifact->ref = xasprintf(LAYOUT_PREFIX "%s%s%s", real, origin.wanted ? ":" : "",
				  origin.wanted ? origin.wanted : "");
	rc = fetch_artifact(artifact, cache, &origin, deadline, err);
	return rc < 0 ? err_prefix(err, "%s", real) : 0;
}

int oci_pull(struct oci_artifact *artifact, const struct cache *cache, const char *ref,
	     const struct http_options *http, bool offline, struct warnings *warnings,
	     struct deadline deadline, struct err *err)
{
	_cleanup_(oci_ref_freep) struct oci_ref *parsed = NULL;
	int rc;

	*artifact = (struct oci_artifact){0};
	if (oci_is_layout_ref(ref)) {
		rc = pull_layout(artifact, cache, ref, deadline, err);
	} else {
		rc = oci_ref_parse(&parsed, ref, err);
		if (rc == 0)
			rc = pull_registry(artifact, cache, parsed, http, offline, warnings,
					   deadline, err);
	}
	if (rc < 0)
		oci_artifact_free(artifact);
	return rc;
}

void oci_artifact_free(struct oci_artifact *artifact)
{
	free(artifact->ref);
	free(artifact->digest);
	free(artifact->folder);
	*artifact = (struct oci_artifact){0};
}

/* A blob on its way through: its end is only an end when size and digest are right. */
struct checked {
	struct reader reader;
	struct reader *source;
	struct oci_client *client; /* owned: the source needs it */
	struct digest *running;
	char digest[OCI_DIGEST_TEXT];
	uint64_t size, done;
};

static int check_end(const struct checked *checked, struct err *err)
{
	char hex[129];

	if (checked->done != checked->size)
		return err_set(err, ERR_DIGEST, "%s: fewer bytes came than were announced",
			       checked->digest);
	digest_text(checked->running, hex);
	if (strcmp(hex, checked->digest + 7) == 0)
		return 0;
	return err_set(err, ERR_DIGEST, "what came for %s has the digest %.6s:%s", checked->digest,
		       checked->digest, hex);
}

static int checked_read(struct reader *reader, void *data, size_t size, size_t *got,
			struct err *err)
{
	struct checked *checked = container_of(reader, struct checked, reader);
	int rc = checked->source->read(checked->source, data, size, got, err);

	if (rc < 0)
		return rc;
	checked->done += *got;
	digest_add(checked->running, data, *got);
	if (checked->done > checked->size)
		return err_set(err, ERR_DIGEST, "%s: more bytes came than were announced",
			       checked->digest);
	return *got ? 0 : check_end(checked, err);
}

static void checked_close(struct reader *reader)
{
	struct checked *checked = container_of(reader, struct checked, reader);

	reader_closep(&checked->source);
	oci_client_close(checked->client);
	digest_free(checked->running);
	free(checked);
}

static struct reader *check_blob(struct reader *source, struct oci_client *client,
				 const struct oci_descriptor *layer)
{
	struct checked *checked = xcalloc(1, sizeof(*checked));
	_cleanup_(freep) char *algorithm = xstrndup(layer->digest, 6);

	checked->reader = (struct reader){.read = checked_read, .close = checked_close};
	checked->source = source;
	checked->client = client;
	checked->running = digest_new_named(algorithm);
	checked->size = layer->size;
	memcpy(checked->digest, layer->digest, strlen(layer->digest) + 1);
	return &checked->reader;
}

/* Takes the client over. */
static int open_layer(struct reader **reader, struct oci_client **client,
		      const struct oci_descriptor *layer, uint64_t *size, struct deadline deadline,
		      struct err *err)
{
	struct reader *blob;
	int rc = oci_client_blob(*client, &blob, layer->digest, 0, deadline, err);

	if (rc < 0)
		return rc;
	blob = check_blob(blob, steal(*client), layer);
	if (strstr(layer->media_type, ".tar"))
		return unpack_image(reader, blob, err);
	*size = layer->size;
	*reader = blob;
	return 0;
}

int oci_open_image(void *context, struct reader **reader, const char *ref,
		   const struct http_options *http, uint64_t *size, struct deadline deadline,
		   struct err *err)
{
	_cleanup_(oci_ref_freep) struct oci_ref *parsed = NULL;
	_cleanup_(oci_client_closep) struct oci_client *client = NULL;
	_cleanup_(found_free) struct found found = {0};
	struct origin origin = {0};
	int rc = oci_ref_parse(&parsed, ref, err);

	(void)context;
	if (rc == 0)
		rc = oci_client_open(&client, parsed, http, false, NULL, deadline, err);
	if (rc < 0)
		return rc;
	origin.client = client;
	origin.wanted = oci_ref_wanted(parsed);
	rc = find_manifest(&origin, &found, deadline, err);
	if (rc == 0 && found.manifest->count == 0)
		rc = err_set(err, ERR_IMAGE, "the manifest has no layers");
	if (rc == 0)
		rc = open_layer(reader, &client, &found.manifest->items[found.manifest->count - 1],
				size, deadline, err);
	return rc < 0 ? err_prefix(err, "%s", ref) : 0;
}
