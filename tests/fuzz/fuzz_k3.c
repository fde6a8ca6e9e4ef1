// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "drivers/dfu/k3.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct k3_tiboot3 tiboot3;
	struct k3_soc_id id;
	struct err err;

	k3_soc_id_parse(data, size, &id, &err);
	k3_fit_check(data, size, &err);
	if (k3_tiboot3_parse(data, size, &tiboot3, &err) == 0 &&
	    tiboot3.certificate + tiboot3.payload > size)
		abort();
	return 0;
}
