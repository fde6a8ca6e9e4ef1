// SPDX-License-Identifier: MIT
/*
 * The files of a pulled artifact under their own names: a folder of links to blobs in the cache.
 */
#ifndef ABOARD_BUNDLE_FOLDER_H
#define ABOARD_BUNDLE_FOLDER_H

#include "bundle/cache.h"
#include "bundle/oci_manifest.h"

/* The folder of the manifest with this digest, all of whose blobs are in the cache and checked.
   Made whole or not at all; one that is there is looked through and mended. The path is the
   caller's. */
int folder_make(const struct cache *cache, const char *digest, const struct oci_manifest *manifest,
		char **folder, struct err *err);

#endif
