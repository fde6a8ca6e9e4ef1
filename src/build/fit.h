// SPDX-License-Identifier: MIT
/*
 * What a FIT image holds, before it is one: a neutral list of image nodes and configurations. The
 * boot script makes one (script_fit.c), a .its file is read into one; one writer turns it into the
 * flattened tree U-Boot loads, with hashes and signatures, and into .its text for people.
 * Node and property names are those of U-Boot's doc/usage/fit/source_file_format.
 */
#ifndef ABOARD_BUILD_FIT_H
#define ABOARD_BUILD_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* One node under /images. Its data are `bytes` when `has_bytes`, otherwise the file at `path`. */
struct fit_image {
	char *name;        /* node name: "host_kernel" */
	char *description; /* NULL: no such property; so for all texts below */
	char *type;        /* "kernel", "flat_dt", "ramdisk", "fpga", "firmware", "script" */
	char *os;          /* "linux" */
	char *arch;        /* "arm64" */
	char *compression; /* "none" */
	char *compatible;  /* "u-boot,fpga-legacy" */
	bool has_load, has_entry;
	uint64_t load, entry; /* physical addresses; one cell each when they fit in 32 bits */
	char *incbin;         /* how .its text names the file */
	char *path;           /* the file to read */
	bool has_bytes;
	struct buf bytes; /* what is not in a file yet: the script, the edited device tree */
	char *hash;       /* "sha256", "crc32", ...; NULL: no hash node */
	bool sign;        /* gets a signature node when there is a key */
};

/* One node under /configurations. The texts are names of image nodes. */
struct fit_config {
	char *name; /* "config" */
	char *description;
	char *kernel, *fdt, *ramdisk, *fpga, *firmware; /* NULL: no such property */
	char **loadables;                               /* NULL-terminated; NULL: none */
};

struct fit {
	char *description;
	struct fit_image *images;
	size_t image_count;
	struct fit_config *configs;
	size_t config_count;
	char *default_config; /* name; NULL: no such property */
};

/* How to sign. No key_folder means: hashes only. */
struct fit_signing {
	const char *key_folder; /* holds HINT.key and HINT.crt */
	const char *hint;       /* key-name-hint */
	const char *algo;       /* "sha256,rsa2048", "sha256,ecdsa256"...; NULL: by the key */
	const char
		*control_dtb; /* U-Boot's control tree that is to hold the public key; NULL: none */
	bool sign_images, sign_configs;
};

/* Adds an empty image or configuration of that name; borrowed, valid until the next add. */
struct fit_image *fit_add_image(struct fit *fit, const char *name);
struct fit_config *fit_add_config(struct fit *fit, const char *name);

/* `image`: a name for the end of the loadables. */
void fit_add_loadable(struct fit_config *config, const char *image);

void fit_free(struct fit *fit);

/* Bytes of all images' data; what the finished image is at least. */
int fit_data_size(const struct fit *fit, uint64_t *size, struct err *err);

/* The FIT itself, into a new file `path`, which is not renamed or removed here: the caller stages
   it. Hashes and, with a key, signatures are made; `control` gets the control tree with the public
   key in it (only with signing->control_dtb; may be NULL otherwise). `timestamp` is seconds since
   1970. `signing` may be NULL. Written by fit_write.c. */
int fit_write(const struct fit *fit, const struct fit_signing *signing, uint64_t timestamp,
	      const char *path, struct buf *control, struct err *err);

/* The same as .its text, for reading and for mkimage. Owned by the caller. Written by fit_its.c. */
char *fit_its_text(const struct fit *fit, const struct fit_signing *signing);

#endif
