// SPDX-License-Identifier: MIT
/*
 * The places in a board's memory that the files of a bundle are loaded to.
 */
#ifndef ABOARD_BUNDLE_REGION_H
#define ABOARD_BUNDLE_REGION_H

#include "bundle/bundle.h"

#define REGION_COUNT 3

struct region {
	const char *what; /* "kernel", "initramfs", "device tree" */
	const char *file; /* borrowed from the manifest */
	uint64_t address;
	uint64_t file_size; /* bytes */
	uint64_t size;      /* bytes it uses, at least file_size */
	bool is_image;      /* an arm64 Image */
	bool is_gzip, is_fdt;
};

int region_read(struct region *region, const struct bundle *bundle, const char *what,
		const char *file, const char *address, struct err *err);

/* Those of a variant (NULL: the default one). */
int regions_read(struct region regions[REGION_COUNT], size_t *count, const struct bundle *bundle,
		 const char *variant, struct err *err);

#endif
