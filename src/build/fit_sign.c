// SPDX-License-Identifier: MIT
/* Signing and verifying. An ECDSA signature is DER in OpenSSL and r, s in U-Boot. */
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/mem.h"
#include "build/fit_key.h"

static void md_freep(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static void ecdsa_freep(ECDSA_SIG **signature)
{
	ECDSA_SIG_free(*signature);
}

static void openssl_freep(unsigned char **data)
{
	OPENSSL_free(*data);
}

static bool key_fits(const EVP_PKEY *key, const struct fit_algo *algo)
{
	return EVP_PKEY_is_a(key, algo->ecdsa ? "EC" : "RSA") &&
	       (size_t)EVP_PKEY_get_bits(key) == algo->bits;
}

/* U-Boot's signer takes the length of the digest as the length of the salt; its verifier takes
   any. */
static bool set_padding(EVP_PKEY_CTX *context, const struct fit_algo *algo, int salt)
{
	if (!algo->pss)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) > 0;
}

static bool sign_regions(EVP_MD_CTX *digest, EVP_PKEY *key, const struct fit_algo *algo,
			 const struct regions *regions, uint8_t *out, size_t *size)
{
	EVP_PKEY_CTX *context = NULL; /* belongs to digest */
	size_t i;

	if (EVP_DigestSignInit_ex(digest, &context, algo->checksum, NULL, NULL, key, NULL) <= 0 ||
	    !set_padding(context, algo, RSA_PSS_SALTLEN_DIGEST))
		return false;
	for (i = 0; i < regions->count; i++)
		if (EVP_DigestSignUpdate(digest, regions->items[i].data, regions->items[i].size) <=
		    0)
			return false;
	return EVP_DigestSignFinal(digest, out, size) > 0;
}

static bool to_raw(const uint8_t *der, size_t size, size_t half, uint8_t *raw)
{
	_cleanup_(ecdsa_freep) ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)size);

	return pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)half) == (int)half &&
	       BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + half, (int)half) == (int)half;
}

int fit_key_sign(EVP_PKEY *key, const struct fit_algo *algo, const struct regions *regions,
		 uint8_t signature[FIT_SIGNATURE_MAX], struct err *err)
{
	_cleanup_(md_freep) EVP_MD_CTX *digest = EVP_MD_CTX_new();
	uint8_t made[FIT_SIGNATURE_MAX];
	size_t size = sizeof(made);
	bool good;

	if (!key_fits(key, algo))
		return err_set(err, ERR_CONFIG, "the key has %d bits and is no key for %s",
			       EVP_PKEY_get_bits(key), algo->text);
	good = digest && sign_regions(digest, key, algo, regions, made, &size);
	if (good && algo->ecdsa)
		good = to_raw(made, size, algo->signature / 2, signature);
	else if (good && size == algo->signature)
		memcpy(signature, made, size);
	else
		good = false;
	ERR_clear_error();
	return good ? 0 : err_set(err, ERR_INTERNAL, "signing with %s failed", algo->text);
}

/* r and s as DER; NULL when they are none. */
static unsigned char *to_der(const uint8_t *raw, size_t half, int *size)
{
	_cleanup_(ecdsa_freep) ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)half, NULL);
	BIGNUM *s = BN_bin2bn(raw + half, (int)half, NULL);
	unsigned char *der = NULL;

	if (!pair || !r || !s || !ECDSA_SIG_set0(pair, r, s)) {
		BN_free(r);
		BN_free(s);
		return NULL;
	}
	*size = i2d_ECDSA_SIG(pair, &der);
	return *size > 0 ? der : NULL;
}

static bool verify_regions(EVP_MD_CTX *digest, EVP_PKEY *key, const struct fit_algo *algo,
			   const struct regions *regions, const uint8_t *signature, size_t size)
{
	EVP_PKEY_CTX *context = NULL; /* belongs to digest */
	size_t i;

	if (EVP_DigestVerifyInit_ex(digest, &context, algo->checksum, NULL, NULL, key, NULL) <= 0 ||
	    !set_padding(context, algo, RSA_PSS_SALTLEN_AUTO))
		return false;
	for (i = 0; i < regions->count; i++)
		if (EVP_DigestVerifyUpdate(digest, regions->items[i].data,
					   regions->items[i].size) <= 0)
			return false;
	return EVP_DigestVerifyFinal(digest, signature, size) == 1;
}

bool fit_key_verifies(EVP_PKEY *key, const struct fit_algo *algo, const struct regions *regions,
		      const void *signature, size_t size)
{
	_cleanup_(md_freep) EVP_MD_CTX *digest = EVP_MD_CTX_new();
	_cleanup_(openssl_freep) unsigned char *der = NULL;
	int der_size = 0;
	bool good;

	if (!digest || !key_fits(key, algo) || size != algo->signature)
		return false;
	if (algo->ecdsa) {
		der = to_der(signature, size / 2, &der_size);
		good = der && verify_regions(digest, key, algo, regions, der, (size_t)der_size);
	} else {
		good = verify_regions(digest, key, algo, regions, signature, size);
	}
	ERR_clear_error();
	return good;
}
