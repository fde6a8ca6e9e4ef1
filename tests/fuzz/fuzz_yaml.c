// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml **roots;
	struct err err;
	size_t count;

	if (yaml_parse("fuzz.yaml", data, size, &roots, &count, &err) == 0)
		yaml_free_all(roots, count);
	return 0;
}
