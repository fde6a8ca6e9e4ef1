// SPDX-License-Identifier: MIT
/* A block map, and when it is one, an image under it: its own text over and over. Its digest is
   checked before its numbers, which no fuzzer guesses, so the seeds' digests are put right here. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "fuzz_memory.h"
#include "image/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TAG "<BmapFileChecksum>"

/* Replaces the 64 characters behind the tag by the digest they should be. */
static void repair(char *text, size_t size)
{
	char *at = memmem(text, size, TAG, strlen(TAG)), sum[SHA256_TEXT];

	if (!at || (size_t)(text + size - at) < strlen(TAG) + 64)
		return;
	at += strlen(TAG);
	memset(at, '0', 64);
	sha256_text(text, size, sum);
	memcpy(at, sum, 64);
}

static void walk(struct bmap *bmap, const uint8_t *data, size_t size)
{
	_cleanup_(layout_closep) struct layout *layout =
		layout_bmap(layout_stream(fuzz_memory(data, size)), bmap);
	uint8_t buffer[777];
	struct extent extent;
	uint64_t at = 0;
	struct err err;
	size_t got;
	bool more;

	while (layout->next(layout, &extent, &more, &err) == 0 && more) {
		if (extent.offset != at || extent.length == 0)
			abort();
		at += extent.length;
		for (got = 1; extent.kind == EXTENT_DATA && got > 0;)
			if (layout->read(layout, buffer, sizeof(buffer), &got, &err) < 0)
				return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) uint8_t *text = size ? xmemdup(data, size) : NULL;
	struct bmap *bmap;
	struct err err;

	if (!text)
		return 0;
	repair((char *)text, size);
	if (bmap_parse(&bmap, "fuzz.bmap", text, size, &err) == 0)
		walk(bmap, text, size);
	return 0;
}
