// SPDX-License-Identifier: MIT
#include "build/fit_spec.h"

#include <stdio.h>

#include "base/mem.h"
#include "build/fit_key.h"

static int choose_algo(const struct fit_signing *signing, struct fit_spec *spec, struct err *err)
{
	_cleanup_(fit_key_freep) EVP_PKEY *key = NULL;
	struct fit_algo algo;
	int rc;

	if (signing->algo) {
		rc = fit_algo_parse(signing->algo, NULL, &algo, err);
		if (rc == 0)
			snprintf(spec->algo, sizeof(spec->algo), "%s", algo.text);
		return rc;
	}
	rc = fit_key_private(signing->key_folder, signing->hint, &key, err);
	if (rc == 0 && !fit_algo_of_key(key, spec->algo))
		rc = err_set(err, ERR_CONFIG,
			     "key '%s' is neither RSA of 2048, 3072 or 4096 bits nor ECDSA P-256 "
			     "or P-384",
			     signing->hint);
	return rc;
}

int fit_spec_make(const struct fit_signing *signing, struct fit_spec *spec, struct err *err)
{
	*spec = (struct fit_spec){0};
	if (!signing || !signing->key_folder)
		return 0;
	spec->sign_images = signing->sign_images;
	spec->sign_configs = signing->sign_configs;
	spec->hint = signing->hint;
	return choose_algo(signing, spec, err);
}

bool fit_spec_signs(const struct fit_spec *spec, const struct fit_image *image)
{
	return spec->sign_images && image->sign;
}

const char *fit_spec_hash(const struct fit_spec *spec, const struct fit_image *image)
{
	if (image->hash)
		return image->hash;
	return spec->sign_configs ? "sha256" : NULL;
}

void fit_spec_uses(const struct fit_config *config, const char *uses[FIT_USES_MAX + 1])
{
	size_t count = 0;

	if (config->kernel)
		uses[count++] = "kernel";
	if (config->fdt)
		uses[count++] = "fdt";
	if (config->ramdisk)
		uses[count++] = "ramdisk";
	if (config->fpga)
		uses[count++] = "fpga";
	if (config->firmware)
		uses[count++] = "firmware";
	if (config->loadables && config->loadables[0])
		uses[count++] = "loadables";
	uses[count] = NULL;
}
