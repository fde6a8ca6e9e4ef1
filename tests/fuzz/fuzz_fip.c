// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "build/fip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fip fip;
	struct err err;

	fip_parse(data, size, size, &fip, &err);
	return 0;
}
