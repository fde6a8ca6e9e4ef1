// SPDX-License-Identifier: MIT
/* Eight bytes are the size of the file, the rest is the header. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "serve/http_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *header = NULL;
	struct http_range range;
	uint64_t total;

	if (size < sizeof(total))
		return 0;
	memcpy(&total, data, sizeof(total));
	header = xstrndup((const char *)data + sizeof(total), size - sizeof(total));
	range = http_range_parse(header, total);
	if (range.kind == HTTP_RANGE_PART &&
	    (!range.length || range.start >= total || range.length > total - range.start))
		abort();
	return 0;
}
