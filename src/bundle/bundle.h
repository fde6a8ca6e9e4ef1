// SPDX-License-Identifier: MIT
/*
 * Bundles: what a driver needs to take control of a board (kernel, initramfs, DTBs) with a manifest
 * of kind FlashBundleManifest (jumpstarter.dev/v1alpha1). A bundle is a folder, or an artifact in
 * an OCI registry that is pulled into a content-addressed cache; every blob's digest is checked.
 */
#ifndef ABOARD_BUNDLE_BUNDLE_H
#define ABOARD_BUNDLE_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/deadline.h"
#include "base/err.h"
#include "io/http.h"

/* A file of the manifest with the address it is loaded to. */
struct manifest_file {
	char *file;    /* relative to the bundle's folder, confined; NULL: not given */
	char *address; /* as written, e.g. "0x40200000"; passed through */
};

struct manifest_variant {
	char *name;
	char *file;    /* NULL: this variant loads no DTB */
	char *bootcmd; /* NULL: the manifest's */
};

struct manifest_target {
	char *name;
	char *selector; /* "/dev/..." or "/sys/class/block#TEXT" */
};

struct manifest {
	char *name;
	char *manufacturer;
	char *link; /* NULL: null in the manifest */
	char *bootcmd;
	char *shelltype;           /* "busybox" */
	char *login_prompt;        /* default "login:" */
	char *username, *password; /* NULL: none */
	char *prompt;              /* default "#" */
	char *default_target;
	struct manifest_target *targets;
	size_t target_count;
	struct manifest_file kernel, initram;
	char *dtb_default; /* NULL: no dtb section */
	char *dtb_address;
	struct manifest_variant *variants;
	size_t variant_count;
	char **preflash_commands;
	size_t preflash_count;
	char **warnings; /* what was passed over: unknown keys, with line and column; what was odd
			    on the way to the bundle */
	size_t warning_count;
};

/* Parses a manifest text. Errors carry FILE:LINE:COLUMN. */
int manifest_parse(struct manifest **manifest, const char *file, const void *data, size_t size,
		   struct err *err);
void manifest_free(struct manifest *manifest);

/* NULL when there is none of that name. */
const struct manifest_variant *manifest_variant(const struct manifest *manifest, const char *name);
const struct manifest_target *manifest_target(const struct manifest *manifest, const char *name);

struct cache;

struct bundle {
	char *ref;           /* as given */
	char *folder;        /* where its files are, absolute */
	char *manifest_name; /* "manifest.yaml" unless another was asked for */
	char *digest; /* "sha256:..." of the OCI manifest, or of the canonical list of files and
			 their SHA-256 for a folder */
	struct manifest *manifest;
	struct cache *cache; /* held, so that nobody prunes what is in use; NULL for a folder */
};

/* Opens a bundle: a folder when `ref` is a path of one ("./x", "/x", "x" that exists), an OCI image
   layout ("oci-layout:PATH[:TAG]", or the path of one), else an OCI reference with or without
   "oci://". A pulled bundle comes from the cache when the reference is a
   digest that is there, or when the registry cannot be reached and an earlier pull of the same
   reference is there (*offline is set then). Every file the manifest names must exist. */
struct bundle_options {
	const char *manifest_name; /* NULL: manifest.yaml */
	struct http_options http;  /* ca_file, insecure; credentials are found by oci.h's rules */
	bool offline;              /* never ask the registry */
	bool incomplete;           /* files may be missing: for bundle_lint() */
	const char *cache;         /* folder of the cache; NULL: the user's own */
};

/* `options` and `offline` may be NULL. */
int bundle_open(struct bundle **bundle, const char *ref, const struct bundle_options *options,
		bool *offline, struct deadline deadline, struct err *err);
void bundle_free(struct bundle *bundle);

/* Absolute path of a file of the bundle; owned by the caller. The name is confined. */
int bundle_path(const struct bundle *bundle, const char *name, char **path, struct err *err);

/* Whether kernel, initramfs and the DTB of a variant (NULL: the default one) keep clear of each
   other in the board's memory, given the sizes of the files and what an arm64 Image says it needs
   (linux Documentation/arm64/booting.rst, image_size). ERR_CONFIG names both and their ranges. */
int bundle_check_layout(const struct bundle *bundle, const char *variant, struct err *err);

#endif
