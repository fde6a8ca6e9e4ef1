// SPDX-License-Identifier: MIT
/*
 * From a plain tree, as dtc makes it, to a FIT: timestamp, hash values, signatures. Properties come
 * in the order mkimage leaves them in.
 */
#ifndef ABOARD_BUILD_FIT_FILL_H
#define ABOARD_BUILD_FIT_FILL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "build/fit.h"

/* `plain` (fit_tree_check() holds for it) becomes *filled, a tree of *size bytes, the caller's to
   free. Every hash node gets its value; with signing->key_folder every signature node is signed:
   algorithm and key name are those of the node. A hash or signature that cannot be made is an
   error: nothing is left out. `control` as with fit_write(). `timestamp` is seconds since 1970. */
int fit_fill(const void *plain, const struct fit_signing *signing, uint64_t timestamp,
	     void **filled, size_t *size, struct buf *control, struct err *err);

#endif
