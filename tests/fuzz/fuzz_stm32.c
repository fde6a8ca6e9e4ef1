// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "build/stm32.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[STM32_HEADER_MAX];
	struct stm32_header header;
	struct err err;

	if (stm32_parse(data, size, &header, &err) == 0)
		stm32_make(&header, out);
	return 0;
}
