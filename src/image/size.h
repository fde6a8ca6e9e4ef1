// SPDX-License-Identifier: MIT
/*
 * The decoded size of a compressed local file, where its format tells it without decoding: the
 * index of xz, the frame headers of zstd and lz4. It is what the file says, and as trustworthy as
 * the file: decoding must come to the same.
 */
#ifndef ABOARD_IMAGE_SIZE_H
#define ABOARD_IMAGE_SIZE_H

#include <stdint.h>

/* IMAGE_SIZE_UNKNOWN when the format or the file does not tell. Reads the file, wherever it has to;
   does not move its offset. */
uint64_t size_of_decoded(const char *codec, int fd, uint64_t file_size);

#endif
