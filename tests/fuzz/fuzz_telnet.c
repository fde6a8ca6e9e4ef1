// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "base/mem.h"
#include "io/telnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In one piece and byte by byte the data must be the same, and the answers bounded. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(telnet_free) struct telnet whole = {0}, pieces = {0};
	_cleanup_(freep) uint8_t *a = xmalloc(size), *b = xmalloc(size);
	size_t count = telnet_decode(&whole, data, size, a), other = 0, i;

	for (i = 0; i < size; i++)
		other += telnet_decode(&pieces, data + i, 1, b + other);
	if (count > size || count != other || whole.reply.size != pieces.reply.size ||
	    whole.reply.size > size)
		abort();
	for (i = 0; i < count; i++)
		if (a[i] != b[i])
			abort();
	return 0;
}
