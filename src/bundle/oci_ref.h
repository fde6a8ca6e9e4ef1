// SPDX-License-Identifier: MIT
/*
 * References to artifacts in OCI registries, [REGISTRY/]REPOSITORY[:TAG][@DIGEST], and digests.
 * Short names mean Docker Hub, as everywhere in the field.
 */
#ifndef ABOARD_BUNDLE_OCI_REF_H
#define ABOARD_BUNDLE_OCI_REF_H

#include <stdbool.h>

#include "base/err.h"

#define OCI_DIGEST_TEXT 136 /* "sha512:", 128 digits, NUL */

struct oci_ref {
	char *registry;   /* as named: "docker.io", "registry.example.org", "localhost:5000" */
	char *host;       /* whom to ask: "registry-1.docker.io" for docker.io, else registry */
	char *repository; /* "library/alpine" */
	char *tag;        /* "latest" when neither tag nor digest was given; NULL: a digest alone */
	char *digest;     /* "sha256:..."; NULL: none */
};

/* Parses a reference with or without "oci://". ERR_USAGE says what is wrong with it. Rules:
   opencontainers/distribution-spec spec.md (names, tags), distribution/reference (the first
   component is a registry when it has a dot or a colon or is "localhost"). */
int oci_ref_parse(struct oci_ref **ref, const char *text, struct err *err);
void oci_ref_free(struct oci_ref *ref);
void oci_ref_freep(struct oci_ref **ref);

/* The reference in full: "docker.io/library/alpine:latest"; owned by the caller. */
char *oci_ref_text(const struct oci_ref *ref);

/* What goes behind /manifests/: the digest if there is one, else the tag. */
const char *oci_ref_wanted(const struct oci_ref *ref);

/* "sha256:" with 64, or "sha512:" with 128 lower-case hexadecimal digits. */
bool oci_digest_is_valid(const char *digest);

/* Whether this registry is on this machine (localhost, 127.*, [::1]): plain HTTP is fine there. */
bool oci_host_is_local(const char *host);

#endif
