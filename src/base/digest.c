// SPDX-License-Identifier: MIT
#include "base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/text.h"

struct digest {
	EVP_MD_CTX *running;
};

static struct digest *digest_of(const EVP_MD *kind)
{
	struct digest *digest = xcalloc(1, sizeof(*digest));

	digest->running = EVP_MD_CTX_new();
	if (!digest->running || !EVP_DigestInit_ex(digest->running, kind, NULL))
		abort();
	return digest;
}

struct digest *digest_new_named(const char *name)
{
	if (text_equal(name, "sha256"))
		return digest_of(EVP_sha256());
	if (text_equal(name, "sha512"))
		return digest_of(EVP_sha512());
	return NULL;
}

struct digest *digest_new_sha1(void)
{
	return digest_of(EVP_sha1());
}

struct digest *digest_new(void)
{
	return digest_new_named("sha256");
}

void digest_add(struct digest *digest, const void *data, size_t size)
{
	if (!EVP_DigestUpdate(digest->running, data, size))
		abort();
}

size_t digest_get(const struct digest *digest, uint8_t out[64])
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	unsigned int size = 0;

	if (!copy || !EVP_MD_CTX_copy_ex(copy, digest->running) ||
	    !EVP_DigestFinal_ex(copy, out, &size))
		abort();
	EVP_MD_CTX_free(copy);
	return size;
}

void digest_text(const struct digest *digest, char out[129])
{
	uint8_t bytes[64];
	size_t size = digest_get(digest, bytes);

	text_of_bytes(bytes, size, out);
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->running);
	free(digest);
}

void digest_freep(struct digest **digest)
{
	digest_free(*digest);
	*digest = NULL;
}

void sha256_text(const void *data, size_t size, char out[SHA256_TEXT])
{
	_cleanup_(digest_freep) struct digest *digest = digest_new();
	char text[129];

	digest_add(digest, data, size);
	digest_text(digest, text);
	memcpy(out, text, SHA256_TEXT);
}

uint32_t crc32_add(uint32_t crc, const void *data, size_t size)
{
	return (uint32_t)crc32_z(crc, data, size);
}

void random_token(size_t bytes, char *out)
{
	uint8_t random[64];

	if (bytes > sizeof(random) || getrandom(random, bytes, 0) != (ssize_t)bytes)
		abort();
	text_of_bytes(random, bytes, out);
}
