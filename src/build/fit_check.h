// SPDX-License-Identifier: MIT
/*
 * Reads a FIT and verifies it: every hash, and every signature for which there is a key. Stricter
 * than U-Boot, which looks only at what it is about to boot: here every image and every
 * configuration has to be right.
 */
#ifndef ABOARD_BUILD_FIT_CHECK_H
#define ABOARD_BUILD_FIT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum fit_verdict {
	FIT_GOOD,
	FIT_BAD,     /* it is not the hash or signature of what is there */
	FIT_NO_KEY,  /* a signature of a key that is not at hand */
	FIT_UNKNOWN, /* an algorithm that is not known here */
};

extern const char *const fit_verdict_names[]; /* "good", "bad", "no-key", "unknown" */

/* One hash or signature node. Texts are owned by the report. */
struct fit_mark {
	char *path;       /* "/images/kernel/hash-1" */
	const char *kind; /* "hash", "signature" */
	char *algo;       /* as it stands there; "" when it is missing */
	char *hint;       /* key-name-hint; NULL: none */
	enum fit_verdict verdict;
	char *note; /* what is wrong, or images that a signature leaves out; NULL: nothing */
};

struct fit_image_row {
	char *name, *description, *type, *os, *arch, *compression; /* NULL: not said */
	uint64_t size;                                             /* bytes of data */
	bool has_load, has_entry;
	uint64_t load, entry;
	char sha256[65]; /* of the data */
};

struct fit_config_row {
	char *name, *description;
	char *images; /* "kernel=host_kernel fdt=host_fdt loadables=a,b" */
	bool is_default;
};

struct fit_report {
	char *description;
	bool has_timestamp;
	uint32_t timestamp;
	struct fit_image_row *images;
	size_t image_count;
	struct fit_config_row *configs;
	size_t config_count;
	struct fit_mark *marks;
	size_t mark_count;
};

/* Where public keys are: both NULL means hashes only. */
struct fit_trust {
	const char *control_dtb; /* U-Boot's control tree; what it requires is required */
	const char *key_folder;  /* HINT.crt, HINT.pub, HINT.pem or HINT.key */
};

/* Reads the whole FIT; `size` bytes at `data`, aligned as malloc() does. What is damaged so much
   that it cannot be walked is ERR_IMAGE; a wrong hash is a mark that is not good. `trust` may be
   NULL. */
int fit_read(const void *data, size_t size, const struct fit_trust *trust,
	     struct fit_report *report, struct err *err);
void fit_report_free(struct fit_report *report);

/* Whether the FIT is what it should be: every hash good, no signature bad, every image with a hash
   or a good signature; with `trust`, what is required is signed (see fit_trust.c). ERR_DIGEST says
   what is wrong first. */
int fit_verify(const void *data, size_t size, const struct fit_trust *trust,
	       const struct fit_report *report, struct err *err);

#endif
