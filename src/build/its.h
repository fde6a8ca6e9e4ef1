// SPDX-License-Identifier: MIT
/*
 * Compiles a .its file: dtc makes the plain tree, with the files it includes read from beside it,
 * and hashes and signatures are filled in here.
 */
#ifndef ABOARD_BUILD_ITS_H
#define ABOARD_BUILD_ITS_H

#include "base/buf.h"
#include "base/deadline.h"
#include "base/err.h"
#include "build/fit.h"

/* `path`: the .its file. The FIT is *fit, of *size bytes, the caller's to free; `control` as with
   fit_write(). Of `signing` the folder of keys and the control tree count: algorithms and names of
   keys stand in the file. With a folder of keys and no signature node in the file it is an error.
   ERR_CONFIG with dtc's own words when it does not compile. `dtc` must be installed. */
int its_compile(const char *path, const struct fit_signing *signing, uint64_t timestamp, void **fit,
		size_t *size, struct buf *control, struct deadline deadline, struct err *err);

#endif
