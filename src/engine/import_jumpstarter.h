// SPDX-License-Identifier: MIT
/*
 * Makes a board file from a Jumpstarter exporter configuration: the YAML with an `export:` tree of
 * drivers, each with `type` (a Python class), `config`, `children`, or a `ref` to another. Facts:
 * jumpstarter-dev/jumpstarter, python/packages.
 */
#ifndef ABOARD_ENGINE_IMPORT_JUMPSTARTER_H
#define ABOARD_ENGINE_IMPORT_JUMPSTARTER_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends to `board_yaml` one board for each flasher of the exporter, or one without a bundle when
   it has none but a serial port or power; appends to `notes` a line "FILE:LINE: ..." for everything
   that could not be carried over or needs a look. Secrets in the file are never copied, neither to
   one nor to the other: they become references to environment variables. ERR_CONFIG when it is not
   an exporter's configuration, or nothing in it is of use. */
int import_jumpstarter(const char *path, struct buf *board_yaml, struct buf *notes,
		       struct err *err);

/* The same from memory; `file` is used in the text and the notes. */
int import_jumpstarter_text(const char *file, const void *data, size_t size, struct buf *board_yaml,
			    struct buf *notes, struct err *err);

#endif
