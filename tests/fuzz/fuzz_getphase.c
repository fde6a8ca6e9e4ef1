// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "drivers/stm32mp/getphase.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same bytes as an answer, as the name of an alternate setting and as a product string. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = xstrndup(size ? (const char *)data : "", size);
	struct phase_product product;
	struct getphase getphase;
	struct phase_alt alt;
	struct err err;

	getphase_parse(data, size, &getphase, &err);
	phase_alt_parse(text, &alt);
	phase_product_parse(text, &product);
	return 0;
}
