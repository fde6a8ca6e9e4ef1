// SPDX-License-Identifier: MIT
/*
 * Which bytes of a file system hold nothing: free blocks of ext2/3/4 and free clusters of FAT.
 * Whoever writes an image may leave these out; blocks that are merely full of zeros (inode tables,
 * a FAT, an empty journal) must be written. A file system that is not in order has no free bytes.
 */
#ifndef ABOARD_BUILD_FS_FREE_H
#define ABOARD_BUILD_FS_FREE_H

#include <stdint.h>

#include "base/err.h"
#include "build/spans.h"

/* Adds the free bytes (as positions in the file) of what lies at [offset, offset + size). What is
   no file system we know adds nothing. ERR_HOST when it cannot be read. */
int fs_free(const char *path, uint64_t offset, uint64_t size, struct spans *spans, struct err *err);

#endif
