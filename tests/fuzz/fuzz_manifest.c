// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "bundle/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manifest *manifest;
	struct err err;

	if (manifest_parse(&manifest, "manifest.yaml", data, size, &err) == 0) {
		manifest_variant(manifest, manifest->dtb_default);
		manifest_target(manifest, manifest->default_target);
		manifest_free(manifest);
	}
	return 0;
}
