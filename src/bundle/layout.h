// SPDX-License-Identifier: MIT
/*
 * OCI image layouts (opencontainers/image-spec image-layout.md): a folder with oci-layout,
 * index.json and blobs/ALGORITHM/HEX, for labs without a registry.
 */
#ifndef ABOARD_BUNDLE_LAYOUT_H
#define ABOARD_BUNDLE_LAYOUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/err.h"
#include "base/reader.h"

bool layout_is(const char *folder);

/* The manifest of a tag or digest; NULL: the index itself. Checked against its digest. */
int layout_manifest(const char *folder, const char *wanted, struct buf *out, char **digest,
		    struct err *err);

/* As struct cache_source wants it; the context is the folder's path. */
int layout_blob(void *folder, struct reader **reader, const char *digest, uint64_t offset,
		struct deadline deadline, struct err *err);

/* Where a blob is in it; owned by the caller. */
char *layout_blob_path(const char *folder, const char *digest);

/* Makes a layout, or takes one that is there; ERR_REFUSED when the folder holds anything else. */
int layout_create(const char *folder, struct err *err);

/* Enters a manifest, whose blob is in its place, in the index under a tag (NULL: none), which then
   means nothing else any more. */
int layout_enter(const char *folder, const char *tag, const char *media_type,
		 const char *artifact_type, const char *digest, size_t size, struct err *err);

#endif
