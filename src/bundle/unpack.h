// SPDX-License-Identifier: MIT
/*
 * Folders that were pushed as one layer: a tar archive, compressed or not, whose names begin with
 * the layer's title (or with the last part of it).
 */
#ifndef ABOARD_BUNDLE_UNPACK_H
#define ABOARD_BUNDLE_UNPACK_H

#include "base/err.h"
#include "base/reader.h"

/* Unpacks regular files and folders into `folder`. Anything else (links, devices), a name that
   leads out, a file that is there already, more than UNPACK_MAX bytes are ERR_REFUSED. */
#define UNPACK_MAX     ((uint64_t)8 << 30)
#define UNPACK_ENTRIES 20000
int unpack_layer(const char *blob, const char *folder, const char *title, struct err *err);

/* A reader of the first file in a tar archive whose name looks like a disk image (*.img, *.raw,
   *.wic, *.simg, compressed or not). Reads `archive` on to its end when that file has ended, so
   that what is checked at the end of `archive` is checked. Owns `archive`, also after an error. */
int unpack_image(struct reader **reader, struct reader *archive, struct err *err);

#endif
