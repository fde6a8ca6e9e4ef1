// SPDX-License-Identifier: MIT
/*
 * A folder as an OCI artifact: artifactType application/vnd.oci.bundle.v1, an empty config, one
 * layer per file, uncompressed, named by its title; as `oras push` makes it. The same files give
 * the same digest.
 */
#ifndef ABOARD_BUNDLE_PUBLISH_H
#define ABOARD_BUNDLE_PUBLISH_H

#include "bundle/bundle.h"
#include "bundle/warnings.h"

#define BUNDLE_ARTIFACT_TYPE "application/vnd.oci.bundle.v1"

struct published {
	char digest[136];    /* of the manifest */
	size_t files;        /* in it */
	uint64_t bytes;      /* of all files */
	uint64_t sent_bytes; /* of those that were not there yet */
};

/* Packs all files of a folder but hidden ones (links to files count as files) into the OCI image
   layout `out`, which is made if missing, under a tag (NULL: none). The manifest
   (`options->manifest_name`) and the files it names must be good. */
int bundle_pack(const char *folder, const struct bundle_options *options, const char *out,
		const char *tag, struct published *published, struct err *err);

/* Copies all files of an open bundle but hidden ones into a folder, which is made if missing; a
   file that is there already is ERR_HOST. */
int bundle_export(const struct bundle *bundle, const char *folder, struct err *err);

/* As bundle_pack, into a registry. */
int bundle_push(const char *folder, const struct bundle_options *options, const char *ref,
		struct published *published, struct warnings *warnings, struct deadline deadline,
		struct err *err);

#endif
