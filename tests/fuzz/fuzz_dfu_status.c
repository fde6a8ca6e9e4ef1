// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "proto/dfu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a device answers, and what a file ends with. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dfu_function function;
	struct dfu_suffix suffix;
	struct dfu_status status;

	if (size >= 2)
		dfu_function_parse(data, size, &function);
	if (size >= DFU_SUFFIX_SIZE)
		dfu_suffix_parse(data + size - DFU_SUFFIX_SIZE, &suffix);
	if (size < DFU_STATUS_SIZE)
		return 0;
	dfu_status_parse(data, &status);
	if (status.poll_ms > 0xffffff || !*dfu_status_name(status.status) ||
	    !*dfu_state_name(status.state))
		abort();
	return 0;
}
