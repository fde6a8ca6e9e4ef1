// SPDX-License-Identifier: MIT
/*
 * The constructors behind the table of codecs; each takes `below` over and has a file of its own.
 */
#ifndef ABOARD_IMAGE_CODECS_H
#define ABOARD_IMAGE_CODECS_H

#include "base/reader.h"

struct reader *gzip_open(struct reader *below);
struct reader *xz_open(struct reader *below);
struct reader *zstd_open(struct reader *below);
struct reader *bzip2_open(struct reader *below);
struct reader *lz4_open(struct reader *below);

#endif
