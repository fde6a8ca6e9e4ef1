// SPDX-License-Identifier: MIT
/*
 * The files of a folder, and the OCI manifest for them.
 */
#ifndef ABOARD_BUNDLE_PACK_H
#define ABOARD_BUNDLE_PACK_H

#include <stdint.h>

#include "base/err.h"
#include "bundle/oci_ref.h"
#include "bundle/publish.h"

#define OCI_EMPTY_TEXT   "{}"
#define OCI_EMPTY_DIGEST "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define OCI_EMPTY_TYPE   "application/vnd.oci.empty.v1+json"

struct pack_file {
	char *title; /* its name in the folder */
	char *path;
	const char *media_type;
	char digest[OCI_DIGEST_TEXT];
	uint64_t size; /* bytes */
};

struct pack {
	struct pack_file *files; /* by title */
	size_t count;
	char *manifest; /* JSON */
	size_t manifest_size;
	char digest[OCI_DIGEST_TEXT]; /* of the manifest */
};

int pack_make(struct pack *pack, const char *folder, struct err *err);

/* The same for a folder that must be a good bundle; `published` is begun. */
int pack_folder(struct pack *pack, const char *folder, const struct bundle_options *options,
		struct published *published, struct err *err);

void pack_free(struct pack *pack);

#endif
