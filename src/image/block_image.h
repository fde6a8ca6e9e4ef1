// SPDX-License-Identifier: MIT
/*
 * An image onto a block device: data and zeros are written, what is unused is left as it is, and
 * all that was written is read back. A digest of each piece is kept, so that an image that can be
 * read only once is proven as well, and that damage is told with its place.
 */
#ifndef ABOARD_IMAGE_BLOCK_IMAGE_H
#define ABOARD_IMAGE_BLOCK_IMAGE_H

#include "image/image.h"
#include "io/block.h"

struct block_image;

struct block_progress {
	void (*step)(void *context, uint64_t done); /* bytes of the image; NULL: none */
	void *context;
};

struct block_image *block_image_new(void);
void block_image_free(struct block_image *written);

/* Writes the image (borrowed, not read yet) from the start of the device on, and flushes. Forgets
   what was written before. */
int block_image_write(struct block_image *written, struct image *image, struct block *block,
		      const struct block_progress *progress, struct deadline deadline,
		      struct err *err);

/* Reads back what was written: ERR_VERIFY with the first place that is another. */
int block_image_verify(const struct block_image *written, struct block *block,
		       const struct block_progress *progress, struct deadline deadline,
		       struct err *err);

/* Bytes that were written, without what is unused. */
uint64_t block_image_bytes(const struct block_image *written);

#endif
