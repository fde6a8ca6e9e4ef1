// SPDX-License-Identifier: MIT
/*
 * The cache of bundles: blobs by their digest, which tag was which digest when, and folders whose
 * files are links to blobs. Whatever is taken from it is checked against its digest again. Several
 * processes may use it at once: files appear by rename only, and pruning waits for nobody, it
 * refuses while the cache is in use.
 *
 *   ROOT/lock                 shared while in use, exclusive while pruning
 *   ROOT/blobs/sha256/HEX     (or sha512)
 *   ROOT/partial/sha256-HEX   a download that broke; taken up by the next one
 *   ROOT/refs/NAME            two lines: the digest of the manifest, the reference in full
 *   ROOT/bundles/HEX/         files of the manifest with this digest
 */
#ifndef ABOARD_BUNDLE_CACHE_H
#define ABOARD_BUNDLE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/err.h"
#include "base/reader.h"

struct cache {
	char *root;
	int lock; /* descriptor that holds the lock */
};

/* Opens (and makes, if missing) the cache at `root`, or the user's own when NULL, and keeps prune
   away until it is closed. */
int cache_open(struct cache **cache, const char *root, struct err *err);

/* The same with the cache to itself, or ERR_BUSY. */
int cache_open_alone(struct cache **cache, const char *root, struct err *err);

void cache_close(struct cache *cache);
void cache_closep(struct cache **cache);

/* Where a blob is or would be; owned by the caller. */
char *cache_blob_path(const struct cache *cache, const char *digest);

/* Whether the blob is there, whole and undamaged; reads all of it. A damaged one is removed.
   `size` is what it must have (UINT64_MAX: any). */
bool cache_has(const struct cache *cache, const char *digest, uint64_t size);

/* Reads a blob of at most `max` bytes into an empty buffer and checks it. ERR_NOT_FOUND when it is
   not there, or not undamaged. */
int cache_read(const struct cache *cache, const char *digest, size_t max, struct buf *out,
	       struct err *err);

/* Puts a blob that is in memory. ERR_DIGEST when `digest` is not its digest. */
int cache_put(const struct cache *cache, const char *digest, const void *data, size_t size,
	      struct err *err);

/* Where a blob comes from. */
struct cache_source {
	/* A reader of the blob from byte `offset` on. */
	int (*open)(void *context, struct reader **reader, const char *digest, uint64_t offset,
		    struct deadline deadline, struct err *err);
	void *context;
};

/* Makes sure that the blob is there: takes it from the source if need be, taking up what an earlier
   try has left. Size and digest are checked before it appears. ERR_DIGEST names the digest. */
int cache_fetch(const struct cache *cache, const char *digest, uint64_t size,
		const struct cache_source *source, struct deadline deadline, struct err *err);

/* Which manifest a reference was when it was last pulled. ERR_NOT_FOUND: never. */
int cache_ref_set(const struct cache *cache, const char *ref, const char *digest, struct err *err);
int cache_ref_get(const struct cache *cache, const char *ref, char **digest, struct err *err);

/* Prune removes blobs, folders and partial downloads that belong to no reference. Before that,
   references not used for longer than max_age_s (0: no limit), then, least recently used first,
   references until no more than max_size bytes are kept (UINT64_MAX: no limit). */
struct cache_limits {
	int64_t max_age_s;
	uint64_t max_size;
};

struct cache_pruned {
	size_t refs, blobs, folders; /* removed */
	uint64_t bytes, kept;        /* removed and kept, of blobs and partial downloads */
};

/* ERR_BUSY while another process uses the cache. `root` as for cache_open; `now` is seconds of
   CLOCK_REALTIME. */
int cache_prune(const char *root, const struct cache_limits *limits, int64_t now,
		struct cache_pruned *pruned, struct err *err);

#endif
