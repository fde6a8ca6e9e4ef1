// SPDX-License-Identifier: MIT
/*
 * Pulling artifacts: from a registry or an OCI layout into the cache and from there into a folder,
 * every blob checked; and images in a registry as a stream.
 */
#ifndef ABOARD_BUNDLE_OCI_H
#define ABOARD_BUNDLE_OCI_H

#include "base/reader.h"
#include "bundle/cache.h"
#include "bundle/oci_manifest.h"
#include "bundle/warnings.h"
#include "io/http.h"

struct oci_artifact {
	char *ref;    /* in full */
	char *digest; /* of its manifest */
	char *folder; /* in the cache: where its files are, absolute */
	bool offline; /* the registry was not, or could not be, asked */
};

/* Pulls REF, "oci://REF" or "oci-layout:PATH[:TAG|@DIGEST]". A reference by digest that is in the
   cache is taken from there without asking. When the registry cannot be reached (ERR_NETWORK) an
   earlier pull of the same reference will do, with a warning. `offline`: the registry is not asked
   at all. */
int oci_pull(struct oci_artifact *artifact, const struct cache *cache, const char *ref,
	     const struct http_options *http, bool offline, struct warnings *warnings,
	     struct deadline deadline, struct err *err);
void oci_artifact_free(struct oci_artifact *artifact);

/* "oci-layout:PATH", or the path of a folder that is a layout. */
bool oci_is_layout_ref(const char *ref);

/* The last (or only) layer of oci://REF as a reader that resumes when the connection breaks, and
   whose end is an error unless size and digest are right. Of a layer that is a tar archive, the
   first file in it whose name looks like an image. *size is left alone unless it is known. `http`
   as for a download; its bearer is taken as the registry's token. The signature is that of struct
   image_options open_ref; `context` is not used. */
int oci_open_image(void *context, struct reader **reader, const char *ref,
		   const struct http_options *http, uint64_t *size, struct deadline deadline,
		   struct err *err);

#endif
