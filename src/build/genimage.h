// SPDX-License-Identifier: MIT
/*
 * Images from genimage's configuration files: the part of its language that images for flashing
 * use. Nothing is run through a shell, nothing needs root; identifiers that genimage makes up at
 * random are derived here. What is not understood is refused with its line, never passed over.
 *
 * Source of the language and of how partitions are laid out: genimage 16 (README.rst, genimage.c,
 * image-*.c).
 */
#ifndef ABOARD_BUILD_GENIMAGE_H
#define ABOARD_BUILD_GENIMAGE_H

#include "base/deadline.h"
#include "base/err.h"
#include "build/notes.h"

/* Folders; NULL: as the config section says, else genimage's default ("input", "root", "images",
   "."). */
struct genimage_options {
	const char *config;
	const char *input, *root, *output;
	const char *include; /* folders to look for included files in, with ":" between */
};

struct genimage_result {
	struct notes notes; /* also after an error */
	char **outputs;     /* paths of what was made, NULL-terminated */
};

/* Makes every image of the config, and a block map for each disk: all, or none. ERR_CONFIG with
   file and line; ERR_NOT_FOUND, ERR_TARGET, ERR_HOST, ERR_CANCELLED. The result is the caller's to
   free, also after an error. */
int genimage_build(const struct genimage_options *options, struct genimage_result *result,
		   struct deadline deadline, struct err *err);
void genimage_result_free(struct genimage_result *result);

#endif
