// SPDX-License-Identifier: MIT
/*
 * The inside of an image: the stack of readers and layouts, and the threads between them.
 *
 *   source, digest of the stream as given | decoder | layout, block map, digest | consumer
 *
 * Each bar is a queue of QUEUE_COUNT chunks of QUEUE_CHUNK bytes: 12 MiB for all three, and under
 * 2 MiB of other buffers (the largest block map there may be: 18 MiB), below IMAGE_MEMORY_MAX. The
 * decoder's own memory comes on top; its ceilings are in codec.h. A raw local file has one queue
 * only: its holes are looked up in the file itself.
 */
#ifndef ABOARD_IMAGE_PIPELINE_H
#define ABOARD_IMAGE_PIPELINE_H

#include "image/codec.h"
#include "image/image.h"
#include "image/layout.h"
#include "image/source.h"
#include "image/tally.h"

#define QUEUE_CHUNK ((size_t)1 << 20)
#define QUEUE_COUNT 4
#define QUEUES_MAX  3

struct image {
	struct image_info info;
	struct source source;
	int stop_fd;              /* an eventfd: readable when the image is being closed */
	int watch_fd;             /* an epoll of stop_fd and the caller's cancel descriptor */
	struct deadline deadline; /* the caller's, watching watch_fd */

	struct tally given, decoded;
	bool same; /* the image is the stream as given: `given` counts for both */

	struct reader *queues[QUEUES_MAX]; /* borrowed: inside the stack */
	size_t queue_count;
	struct layout *layout; /* the top of the stack, for the consumer */

	bool started, ended;
	struct err failure; /* kind ERR_NONE: none */
	struct extent extent;
	struct reader stream;
	uint64_t stream_left; /* zeros of the current extent still to be given by the stream */
	bool stream_data;     /* the current extent is data */
};

/* Builds the stack over image->source and fills in what can be known. */
int pipeline_build(struct image *image, const char *ref, const struct image_options *options,
		   struct err *err);

#endif
