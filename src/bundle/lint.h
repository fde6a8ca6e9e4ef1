// SPDX-License-Identifier: MIT
/*
 * What would fail or surprise when a bundle is used, found without a board.
 */
#ifndef ABOARD_BUNDLE_LINT_H
#define ABOARD_BUNDLE_LINT_H

#include <jansson.h>

#include "bundle/bundle.h"

struct lint_finding {
	bool is_error; /* a flash would fail; else it may surprise */
	char *text;
};

struct lint {
	struct lint_finding *items;
	size_t count;
	size_t errors;
};

/* The bundle may have been opened with `incomplete`. */
void bundle_lint(const struct bundle *bundle, struct lint *lint);
void lint_free(struct lint *lint);

/* What a bundle is, for people and machines: ref, digest, folder, manifest (without the password),
   files with size and SHA-256, warnings. Owned by the caller. */
int bundle_inspect(const struct bundle *bundle, json_t **out, struct err *err);

#endif
