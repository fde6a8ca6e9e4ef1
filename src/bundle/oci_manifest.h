// SPDX-License-Identifier: MIT
/*
 * OCI image manifests and indexes (opencontainers/image-spec manifest.md, image-index.md), and
 * Docker's manifest v2 and manifest list, read from JSON that is not trusted.
 */
#ifndef ABOARD_BUNDLE_OCI_MANIFEST_H
#define ABOARD_BUNDLE_OCI_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define OCI_MANIFEST_MAX ((size_t)4 << 20)
#define OCI_ITEMS_MAX    4096

#define OCI_MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX_TYPE    "application/vnd.oci.image.index.v1+json"
#define OCI_ACCEPT                                                                 \
	OCI_MANIFEST_TYPE ", " OCI_INDEX_TYPE ", "                                 \
			  "application/vnd.docker.distribution.manifest.v2+json, " \
			  "application/vnd.docker.distribution.manifest.list.v2+json"

/* Annotations. */
#define OCI_TITLE    "org.opencontainers.image.title"
#define OCI_REF_NAME "org.opencontainers.image.ref.name"
#define ORAS_UNPACK  "io.deis.oras.content.unpack"

struct oci_descriptor {
	char *media_type; /* never NULL */
	char *digest;     /* valid */
	uint64_t size;    /* bytes */
	char *title;      /* where the file belongs, confined, without "./"; NULL: no title */
	char *ref_name;   /* tag, in the index of a layout; NULL: none */
	char *os, *arch;  /* platform, in an index; NULL: not said */
	bool unpack;      /* the layer is a folder as a tar archive */
};

struct oci_manifest {
	bool is_index;
	char *media_type; /* NULL: not said */
	char *artifact_type;
	struct oci_descriptor *items; /* layers, or the manifests of an index */
	size_t count;
};

/* ERR_NETWORK when it is no manifest; ERR_REFUSED for a title that leads out of the folder or is
   given twice. */
int oci_manifest_parse(struct oci_manifest **manifest, const void *data, size_t size,
		       struct err *err);
void oci_manifest_free(struct oci_manifest *manifest);
void oci_manifest_freep(struct oci_manifest **manifest);

/* The manifest of an index for a board: linux/arm64, one without a platform, linux/amd64, or the
   only one. ERR_NOT_FOUND names what there is. */
int oci_manifest_choose(const struct oci_manifest *index, const struct oci_descriptor **chosen,
			struct err *err);

#endif
