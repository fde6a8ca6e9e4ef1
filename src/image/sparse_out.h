// SPDX-License-Identifier: MIT
/*
 * An image as a series of Android sparse files for a device with a small buffer (AOSP libsparse:
 * sparse_format.h). Each piece is complete in itself: its header counts the blocks of the whole
 * image, what belongs to other pieces is DONT_CARE. Data extents are RAW, zeros are FILL, unused
 * ones DONT_CARE; a gap in the data that is too short to be worth a chunk is sent as zeros. There
 * is no CRC32 chunk, which devices read differently. One piece is in memory at a time.
 */
#ifndef ABOARD_IMAGE_SPARSE_OUT_H
#define ABOARD_IMAGE_SPARSE_OUT_H

#include "image/image.h"

#define SPARSE_BLOCK 4096 /* bytes */

struct sparse_out;

struct sparse_out_options {
	uint64_t size;   /* of the image in bytes; IMAGE_SIZE_UNKNOWN: each piece counts the blocks
			    up to its own end */
	uint32_t limit;  /* bytes of a piece at most, headers included; at least SPARSE_LIMIT_MIN */
	uint64_t erased; /* so many bytes of the medium, from its start, read as zeros already:
			    zeros there are DONT_CARE. UINT64_MAX: all of it */
	bool no_ranges;  /* nobody reads back by the ranges of the pieces: they are left out */
};

#define SPARSE_LIMIT_MIN ((uint32_t)64 << 10)
#define SPARSE_LIMIT_MAX ((uint32_t)64 << 20) /* more is not used */

/* The image is borrowed and must not have been read yet. */
struct sparse_out *sparse_out_new(struct image *image, const struct sparse_out_options *options);
void sparse_out_free(struct sparse_out *out);
void sparse_out_freep(struct sparse_out **out);

/* The next piece. *more false at the end: there is no further piece, and the image was read to its
   end. An image has at least one piece; after the first there is none that writes nothing. The last
   block of an image that is not whole is filled with zeros. ERR_IMAGE: the image has not the size
   that was given, or is too large for the format. */
struct sparse_piece {
	const uint8_t *bytes; /* borrowed until the next call */
	size_t size;
	uint64_t done;   /* bytes of the image: all before is sent with this piece */
	uint64_t writes; /* bytes of the medium that the device writes for it, zeros included; at
			    most about SPARSE_WRITES_MAX, so that a device is not silent for long */
	const struct sparse_range *ranges; /* what it writes, in order; borrowed as the bytes are */
	size_t range_count;
};

/* Part of the medium as it must read back. */
struct sparse_range {
	uint64_t offset, length; /* bytes; at most SPARSE_RANGE_MAX */
	uint32_t crc;            /* crc32_add() of it */
};

#define SPARSE_RANGE_MAX  ((uint64_t)16 << 20)
#define SPARSE_WRITES_MAX ((uint64_t)256 << 20)

int sparse_out_next(struct sparse_out *out, struct sparse_piece *piece, bool *more,
		    struct err *err);

#endif
