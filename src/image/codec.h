// SPDX-License-Identifier: MIT
/*
 * Decompression: a table of codecs, found by content and never by name, each a reader over a
 * reader. Common rules: several members (frames, streams) after each other are one stream; a stream
 * that stops inside a member, is damaged, or is followed by anything else is an error and never an
 * end. The exception is gzip, where zeros up to the end are padding, as for gzip(1).
 *
 * What a format cannot tell it cannot catch: lz4 frames without a content checksum (not the
 * default of lz4(1)), zstd frames without one (the default of libzstd, not of zstd(1)) and xz with
 * --check=none can be damaged unnoticed. Only the digest of the whole stream catches that.
 */
#ifndef ABOARD_IMAGE_CODEC_H
#define ABOARD_IMAGE_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reader.h"

/* Ceilings of what a stream may ask for; asking for more is an error that says so.
   xz: the threaded decoder holds whole Blocks, compressed and not, so it gets at most
   CODEC_XZ_THREADS of memory and falls back to one thread above that (xz -9 needs 65 MiB in one
   thread). zstd: 2^CODEC_ZSTD_WINDOW_LOG bytes of window, as zstd(1) itself without --long. lz4
   blocks end at 4 MiB, gzip and bzip2 need less. */
#define CODEC_XZ_MEMORY_MAX   ((uint64_t)256 << 20)
#define CODEC_XZ_THREADS      ((uint64_t)160 << 20)
#define CODEC_ZSTD_WINDOW_LOG 27

struct codec {
	const char *name;
	bool (*match)(const uint8_t *head, size_t size);
	/* Takes `below` over. */
	struct reader *(*open)(struct reader *below);
};

/* The codec of a stream that starts with these bytes (or is no longer); NULL when it is not
   compressed. */
const struct codec *codec_of(const uint8_t *head, size_t size);

#endif
