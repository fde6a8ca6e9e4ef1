// SPDX-License-Identifier: MIT
/*
 * An image as a series of Android sparse files for a device with a small buffer (AOSP libsparse:
 * sparse_format.h). Each piece is complete in itself: its header counts the blocks of the whole
 * image, what belongs to other pieces is DONT_CARE. Data extents are RAW, zeros are FILL, unused
 * ones DONT_CARE; there is no CRC32 chunk, which devices read differently. One piece is in memory
 * at a time.
 */
#ifndef ABOARD_IMAGE_SPARSE_OUT_H
#define ABOARD_IMAGE_SPARSE_OUT_H

#include "image/image.h"

#define SPARSE_BLOCK 4096 /* bytes */

struct sparse_out;

struct sparse_out_options {
	uint64_t size;  /* of the image in bytes; it must be known: every piece tells it */
	uint32_t limit; /* bytes of a piece at most, headers included; at least 64 KiB */
	bool erased;    /* the medium reads as zeros already: zeros are DONT_CARE */
};

/* The image is borrowed and must not have been read yet. */
struct sparse_out *sparse_out_new(struct image *image, const struct sparse_out_options *options);
void sparse_out_free(struct sparse_out *out);
void sparse_out_freep(struct sparse_out **out);

/* The next piece: its bytes (borrowed until the next call), and up to which byte of the image all
   is sent with it. *more false at the end: there is no further piece. The last block of an image
   that is not whole is filled with zeros. */
struct sparse_piece {
	const uint8_t *bytes;
	size_t size;
	uint64_t done; /* bytes of the image */
};

int sparse_out_next(struct sparse_out *out, struct sparse_piece *piece, bool *more,
		    struct err *err);

#endif
