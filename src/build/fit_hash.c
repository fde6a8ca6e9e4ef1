// SPDX-License-Identifier: MIT
#include "build/fit_hash.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"

static const EVP_MD *find_digest(const char *algo)
{
	static const struct {
		const char *name;
		const EVP_MD *(*digest)(void);
	} digests[] = {
		{"md5", EVP_md5},       {"sha1", EVP_sha1},     {"sha256", EVP_sha256},
		{"sha384", EVP_sha384}, {"sha512", EVP_sha512},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(digests); i++)
		if (text_equal(digests[i].name, algo))
			return digests[i].digest();
	return NULL;
}

size_t fit_hash(const char *algo, const void *data, size_t size, uint8_t value[FIT_HASH_MAX])
{
	const EVP_MD *digest = find_digest(algo);
	unsigned int length = 0;
	uint32_t crc;
	int i;

	if (digest) {
		if (!EVP_Digest(data, size, value, &length, digest, NULL))
			abort();
		return length;
	}
	if (!text_equal(algo, "crc32"))
		return 0;
	crc = crc32_add(0, data, size);
	for (i = 0; i < 4; i++)
		value[i] = (uint8_t)(crc >> (24 - 8 * i));
	return 4;
}

bool fit_hash_is(const char *algo, const void *data, size_t size, const void *value,
		 size_t value_size)
{
	uint8_t right[FIT_HASH_MAX] = {0};

	return fit_hash(algo, data, size, right) == value_size &&
	       memcmp(right, value, value_size) == 0;
}
