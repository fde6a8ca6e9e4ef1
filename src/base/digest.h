// SPDX-License-Identifier: MIT
/*
 * Digests of byte streams (OpenSSL) and unguessable names.
 */
#ifndef ABOARD_BASE_DIGEST_H
#define ABOARD_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_TEXT (2 * SHA256_SIZE + 1)

struct digest; /* a running SHA-256 or SHA-512 */

struct digest *digest_new(void); /* SHA-256; owned by the caller */
struct digest *digest_new_named(
	const char *name);            /* "sha256" or "sha512"; NULL for any other name */
struct digest *digest_new_sha1(void); /* only for block maps of old: proves no origin */
void digest_add(struct digest *digest, const void *data, size_t size);
size_t digest_get(const struct digest *digest,
		  uint8_t out[64]); /* of what was added so far; may go on; returns its size */
void digest_text(const struct digest *digest,
		 char out[129]); /* the same in lower-case hexadecimal */
void digest_free(struct digest *digest);
void digest_freep(struct digest **digest);

/* SHA-256 of a piece of memory as 64 lower-case hexadecimal digits. */
void sha256_text(const void *data, size_t size, char out[SHA256_TEXT]);

/* CRC-32 (IEEE 802.3) as zlib and U-Boot's crc32 command count it; start with 0. */
uint32_t crc32_add(uint32_t crc, const void *data, size_t size);

/* `bytes` random bytes from the system as lower-case hexadecimal; out has 2 * bytes + 1 characters.
 */
void random_token(size_t bytes, char *out);

#endif
