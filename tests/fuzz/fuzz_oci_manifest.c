// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/path.h"
#include "bundle/oci_manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A title that leads out must never come through. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct oci_descriptor *chosen;
	struct oci_manifest *manifest;
	struct err err;
	size_t i;

	if (oci_manifest_parse(&manifest, data, size, &err) < 0)
		return 0;
	for (i = 0; i < manifest->count; i++)
		if (manifest->items[i].title && !path_is_confined(manifest->items[i].title))
			abort();
	oci_manifest_choose(manifest, &chosen, &err);
	oci_manifest_free(manifest);
	return 0;
}
