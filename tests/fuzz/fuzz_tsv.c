// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "drivers/stm32mp/tsv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read without an error is written so that it reads the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tsv_media media[] = {{"mmc0", (uint64_t)1 << 30, 512}, {0}};
	_cleanup_(freep) struct tsv *tsv = xcalloc(1, sizeof(*tsv));
	_cleanup_(freep) struct tsv *again = xcalloc(1, sizeof(*again));
	_cleanup_(buf_free) struct buf text = {0};

	tsv_parse(tsv, data, size);
	tsv_check(tsv, media, 202210);
	if (tsv->error_count == 0) {
		tsv_write(tsv, &text);
		tsv_parse(again, text.data, text.size);
		if (again->count != tsv->count)
			abort();
	}
	tsv_free(tsv);
	tsv_free(again);
	return 0;
}
