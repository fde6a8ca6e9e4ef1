// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "build/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input;
	struct finding finding;

	input_of_memory(&input, data, size);
	inspect_input(&input, &finding);
	json_decref(finding_json(&finding));
	finding_free(&finding);
	return 0;
}
