// SPDX-License-Identifier: MIT
/*
 * The digests of FIT images by U-Boot's names (lib/hash.c, boot/image-fit.c calculate_hash()).
 */
#ifndef ABOARD_BUILD_FIT_HASH_H
#define ABOARD_BUILD_FIT_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIT_HASH_MAX 64

/* "crc32" (big endian), "md5", "sha1", "sha256", "sha384", "sha512". Returns bytes put into
   `value`; 0 when `algo` is none of them or NULL. */
size_t fit_hash(const char *algo, const void *data, size_t size, uint8_t value[FIT_HASH_MAX]);

/* Whether the digest of the data is these `value_size` bytes. */
bool fit_hash_is(const char *algo, const void *data, size_t size, const void *value,
		 size_t value_size);

#endif
