// SPDX-License-Identifier: MIT
/*
 * Keys for FIT signatures: private ones from a folder, public ones from a folder or from a control
 * device tree, signing, verifying, and the node that tells U-Boot a public key. Sources of the
 * facts: U-Boot doc/usage/fit/signature.rst, lib/rsa/rsa-sign.c, lib/rsa/rsa-verify.c,
 * lib/ecdsa/ecdsa-libcrypto.c, lib/ecdsa/ecdsa-verify.c.
 */
#ifndef ABOARD_BUILD_FIT_KEY_H
#define ABOARD_BUILD_FIT_KEY_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "build/fit_tree.h"

#define FIT_SIGNATURE_MAX 512 /* bytes: rsa4096 */

/* What a property `algo` of a signature node means, with `padding` beside it. */
struct fit_algo {
	char text[32];        /* "sha256,rsa2048" */
	const char *checksum; /* "sha256" */
	const char *crypto;   /* "rsa2048" */
	bool ecdsa, pss;
	size_t bits;      /* of the key */
	size_t signature; /* bytes of a signature */
};

/* sha1, sha256, sha384, sha512 with rsa2048, rsa3072, rsa4096, ecdsa256, ecdsa384; padding NULL or
   "pkcs-1.5" or "pss" (RSA only). */
int fit_algo_parse(const char *text, const char *padding, struct fit_algo *algo, struct err *err);

/* "sha256," and what fits the key; false when U-Boot knows no such key. */
bool fit_algo_of_key(const EVP_PKEY *key, char text[32]);

/* Reads FOLDER/HINT.key or FOLDER/HINT.pem; when FOLDER/HINT.crt is there it must be of the same
   key. Owned by the caller. A key with a passphrase is refused. */
int fit_key_private(const char *folder, const char *hint, EVP_PKEY **key, struct err *err);

/* The public key from FOLDER/HINT.crt, HINT.pub, HINT.pem or HINT.key, the first that is there. */
int fit_key_public(const char *folder, const char *hint, EVP_PKEY **key, struct err *err);

/* For `_cleanup_(fit_key_freep) EVP_PKEY *key = NULL`. */
void fit_key_freep(EVP_PKEY **key);

/* Signs the regions in their order; `signature` receives algo->signature bytes: RSA big endian,
   ECDSA r and s. */
int fit_key_sign(EVP_PKEY *key, const struct fit_algo *algo, const struct regions *regions,
		 uint8_t signature[FIT_SIGNATURE_MAX], struct err *err);

/* Whether the signature is right; false also when key and algorithm do not fit. */
bool fit_key_verifies(EVP_PKEY *key, const struct fit_algo *algo, const struct regions *regions,
		      const void *signature, size_t size);

/* The public key in a node of a control tree's /signature. The numbers U-Boot reads beside it
   (r-squared, n0-inverse, num-bits) must be right too. */
int fit_key_from_node(const void *tree, int node, EVP_PKEY **key, struct err *err);

/* Puts the public key into the node /signature/NAME of the control tree (made if missing), with
   key-name-hint, algo and `required` ("image" or "conf"). The tree has `size` bytes of room and
   must be open for changes (fdt_open_into); ERR_INTERNAL when it is too small. */
int fit_key_to_node(void *tree, const char *name, const char *hint, const struct fit_algo *algo,
		    const char *required, EVP_PKEY *key, struct err *err);

#endif
