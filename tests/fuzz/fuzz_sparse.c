// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "fuzz_memory.h"
#include "image/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BYTES_MAX ((uint64_t)16 << 20)  /* of data read */
#define EMPTY_MAX ((uint64_t)256 << 20) /* of zeros, which cost a CRC */

static int read_extent(struct layout *layout, uint64_t *bytes)
{
	uint8_t buffer[5000];
	struct err err;
	size_t got = 1;

	for (; got > 0 && *bytes < BYTES_MAX; *bytes += got)
		if (layout->read(layout, buffer, sizeof(buffer), &got, &err) < 0)
			return -1;
	return got == 0 ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(layout_closep) struct layout *layout = NULL;
	uint64_t total, at = 0, bytes = 0;
	struct extent extent;
	struct err err;
	bool more;

	if (layout_sparse(&layout, fuzz_memory(data, size), &total, &err) < 0)
		return 0;
	while (at - bytes < EMPTY_MAX && layout->next(layout, &extent, &more, &err) == 0 && more) {
		if (extent.offset != at || extent.length == 0 || extent.length > total - at)
			abort();
		at += extent.length;
		if (extent.kind == EXTENT_DATA && read_extent(layout, &bytes) < 0)
			break;
	}
	return 0;
}
