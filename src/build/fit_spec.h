// SPDX-License-Identifier: MIT
/*
 * What struct fit_signing comes to, decided once for the FIT and for its .its text.
 */
#ifndef ABOARD_BUILD_FIT_SPEC_H
#define ABOARD_BUILD_FIT_SPEC_H

#include "build/fit.h"

#define FIT_USES_MAX 6 /* properties of a configuration that name images */

struct fit_spec {
	bool sign_images, sign_configs;
	const char *hint; /* borrowed from the signing */
	char algo[32];
};

/* `signing` may be NULL. Reads the key when no algorithm is given. */
int fit_spec_make(const struct fit_signing *signing, struct fit_spec *spec, struct err *err);

/* The hash an image gets; a signed configuration protects images by their hashes, so then every
   image has one. NULL: none. */
const char *fit_spec_hash(const struct fit_spec *spec, const struct fit_image *image);
bool fit_spec_signs(const struct fit_spec *spec, const struct fit_image *image);

/* The names of the properties by which this configuration names images; ended by NULL. */
void fit_spec_uses(const struct fit_config *config, const char *uses[FIT_USES_MAX + 1]);

#endif
