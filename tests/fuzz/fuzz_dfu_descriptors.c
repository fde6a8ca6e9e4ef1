// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/dfu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) struct dfu *dfu = xcalloc(1, sizeof(*dfu));
	uint8_t strings[DFU_ALTS_MAX] = {0};
	struct err err;

	if (dfu_parse(data, size, dfu, strings, &err) < 0)
		return 0;
	if (dfu->alt_count == 0 || dfu->alt_count > DFU_ALTS_MAX)
		abort();
	dfu_find(dfu, "0");
	return 0;
}
