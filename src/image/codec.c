// SPDX-License-Identifier: MIT
#include "image/codec.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "image/codecs.h"

/* In two pieces, or C would read one hexadecimal digit more. */
#define XZ_MAGIC \
	"\xfd"   \
	"7zXZ\0"

/* A stream that is shorter than the magic (only then is `size`) and begins like it is one that was
   cut short there, not an image of a few bytes. */
static bool starts(const uint8_t *head, size_t size, const char *magic, size_t length)
{
	return size > 0 && memcmp(head, magic, size < length ? size : length) == 0;
}

static bool is_gzip(const uint8_t *head, size_t size)
{
	return starts(head, size, "\x1f\x8b\x08", 3);
}

static bool is_xz(const uint8_t *head, size_t size)
{
	return starts(head, size, XZ_MAGIC, 6);
}

/* "BZh", a level, and the mark of a block or of the end of an empty stream. */
static bool is_bzip2(const uint8_t *head, size_t size)
{
	if (!starts(head, size, "BZh", 3))
		return false;
	if (size < 5)
		return size < 4 || (head[3] >= '1' && head[3] <= '9');
	return starts(head + 4, size - 4, "\x31\x41\x59\x26\x53\x59", 6) ||
	       starts(head + 4, size - 4, "\x17\x72\x45\x38\x50\x90", 6);
}

/* Frames that decoders pass over (pzstd and the seekable formats begin with one): 184D2A50 to 5F,
   little-endian, and a length. zstd and lz4 share them. */
static bool is_skippable(const uint8_t *head, size_t size)
{
	return size > 0 && (head[0] & 0xf0) == 0x50 &&
	       memcmp(head + 1, "\x2a\x4d\x18", size < 4 ? size - 1 : 3) == 0;
}

/* Moves past skippable frames, as far as the head reaches. */
static bool skip_skippable(const uint8_t **head, size_t *size)
{
	bool skipped = false;
	uint64_t length;

	while (is_skippable(*head, *size)) {
		skipped = true;
		length = *size < 8 ? UINT64_MAX : 8 + (uint64_t)le32(*head + 4);
		if (length > *size)
			length = *size;
		*head += length;
		*size -= (size_t)length;
	}
	return skipped;
}

static bool is_lz4(const uint8_t *head, size_t size)
{
	skip_skippable(&head, &size);
	return starts(head, size, "\x04\x22\x4d\x18", 4);
}

/* After lz4, so that skippable frames with nothing known behind them are taken for zstd's. */
static bool is_zstd(const uint8_t *head, size_t size)
{
	return skip_skippable(&head, &size) || starts(head, size, "\x28\xb5\x2f\xfd", 4);
}

static const struct codec codecs[] = {
	{"gzip", is_gzip, gzip_open}, {"xz", is_xz, xz_open},          {"lz4", is_lz4, lz4_open},
	{"zstd", is_zstd, zstd_open}, {"bzip2", is_bzip2, bzip2_open},
};

const struct codec *codec_of(const uint8_t *head, size_t size)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(codecs); i++)
		if (codecs[i].match(head, size))
			return &codecs[i];
	return NULL;
}
