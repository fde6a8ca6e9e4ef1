// SPDX-License-Identifier: MIT
/*
 * What a full decode of an image found, kept in CACHE/scans by the SHA-256 of the stream as given:
 * when many boards get the same image, it is decoded for checking only once. A file that does not
 * hold exactly what was put there is as good as none.
 */
#ifndef ABOARD_ENGINE_SCAN_CACHE_H
#define ABOARD_ENGINE_SCAN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"

#define SCAN_WORD 32

struct scan {
	char codec[SCAN_WORD], layout[SCAN_WORD]; /* as in struct image_info */
	uint64_t given_size;                      /* bytes of the stream as given */
	uint64_t size;                            /* bytes of the decoded, expanded image */
	char sha256[SHA256_TEXT];                 /* of it */
	uint64_t data_bytes;                      /* sum of its data extents */
};

/* Fills *out and returns true when this image (64 hexadecimal digits, lower case) is known. */
bool scan_cache_get(const char *given_sha256, struct scan *out);

/* ERR_HOST when it cannot be kept: a reason to warn, not to fail. */
int scan_cache_put(const char *given_sha256, const struct scan *scan, struct err *err);

#endif
