// SPDX-License-Identifier: MIT
/*
 * The Android sparse image format: numbers of AOSP libsparse/sparse_format.h, all little-endian. A
 * file header, then chunks, each with a header of its own.
 */
#ifndef ABOARD_IMAGE_SPARSE_FORMAT_H
#define ABOARD_IMAGE_SPARSE_FORMAT_H

#define SPARSE_MAGIC        0xed26ff3au
#define SPARSE_MAJOR        1
#define SPARSE_HEADER       28 /* bytes */
#define SPARSE_CHUNK_HEADER 12
#define SPARSE_FILL         4 /* bytes of a FILL chunk's pattern */

enum sparse_chunk {
	SPARSE_CHUNK_NONE,
	SPARSE_CHUNK_RAW = 0xcac1,
	SPARSE_CHUNK_FILL,
	SPARSE_CHUNK_DONT_CARE,
	SPARSE_CHUNK_CRC32,
};

#endif
