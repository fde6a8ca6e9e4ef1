// SPDX-License-Identifier: MIT
/* The nodes of public keys in U-Boot's control device tree. */
#include <libfdt.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/fit_key.h"

#define NUMBER_MAX 512 /* bytes: modulus of rsa4096 */

static void bn_freep(BIGNUM **number)
{
	BN_free(*number);
}

static void bn_ctx_freep(BN_CTX **context)
{
	BN_CTX_free(*context);
}

/* What U-Boot's Montgomery multiplication wants beside the modulus n: -1 / n mod 2^32, and
   (2^bits)^2 mod n. */
static bool montgomery(const BIGNUM *n, uint32_t *n0_inverse, BIGNUM *r_squared)
{
	_cleanup_(bn_ctx_freep) BN_CTX *context = BN_CTX_new();
	_cleanup_(bn_freep) BIGNUM *word = BN_new(), *inverse = BN_new();

	if (!context || !word || !inverse || !BN_set_bit(word, 32) ||
	    !BN_mod_inverse(inverse, n, word, context) || !BN_sub(inverse, word, inverse))
		return false;
	*n0_inverse = (uint32_t)BN_get_word(inverse);
	BN_zero(word); /* now 2^(2 * bits) */
	return BN_set_bit(word, 2 * BN_num_bits(n)) && BN_mod(r_squared, word, n, context);
}

static EVP_PKEY *key_of_params(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (context && params && EVP_PKEY_fromdata_init(context) > 0 &&
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return key;
}

static EVP_PKEY *rsa_of(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
		params = OSSL_PARAM_BLD_to_param(builder);
	key = key_of_params("RSA", params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

static int damaged(const void *tree, int node, const char *what, struct err *err)
{
	return err_set(err, ERR_IMAGE, "key node '%s': %s", fdt_get_name(tree, node, NULL), what);
}

static BIGNUM *read_number(const void *tree, int node, const char *name, int size)
{
	int length;
	const void *bytes = fdt_getprop(tree, node, name, &length);

	return bytes && length == size ? BN_bin2bn(bytes, length, NULL) : NULL;
}

static int rsa_from_node(const void *tree, int node, uint32_t bits, EVP_PKEY **key, struct err *err)
{
	_cleanup_(bn_freep) BIGNUM *n = read_number(tree, node, "rsa,modulus", (int)bits / 8);
	_cleanup_(bn_freep) BIGNUM *rr = read_number(tree, node, "rsa,r-squared", (int)bits / 8);
	_cleanup_(bn_freep) BIGNUM *e = read_number(tree, node, "rsa,exponent", 8);
	_cleanup_(bn_freep) BIGNUM *rr_right = BN_new();
	uint32_t inverse, inverse_right;

	if (!n || !rr || !e || !rr_right || !dt_cell(tree, node, "rsa,n0-inverse", &inverse))
		return damaged(tree, node, "a number is missing or has a wrong size", err);
	if ((uint32_t)BN_num_bits(n) != bits || !montgomery(n, &inverse_right, rr_right) ||
	    inverse != inverse_right || BN_cmp(rr, rr_right) != 0)
		return damaged(tree, node, "r-squared or n0-inverse do not belong to the modulus",
			       err);
	*key = rsa_of(n, e);
	return *key ? 0 : damaged(tree, node, "this is no RSA key", err);
}

static int ecdsa_from_node(const void *tree, int node, const char *curve, EVP_PKEY **key,
			   struct err *err)
{
	int half = text_equal(curve, "prime256v1") ? 32 : text_equal(curve, "secp384r1") ? 48 : 0;
	int x_size, y_size;
	const void *x = fdt_getprop(tree, node, "ecdsa,x-point", &x_size);
	const void *y = fdt_getprop(tree, node, "ecdsa,y-point", &y_size);
	uint8_t point[1 + 2 * 48] = {4}; /* uncompressed */
	OSSL_PARAM params[3];
	char group[16];

	if (!half || !x || !y || x_size != half || y_size != half)
		return damaged(tree, node, "a point is missing or the curve is unknown", err);
	memcpy(point + 1, x, (size_t)half);
	memcpy(point + 1 + half, y, (size_t)half);
	snprintf(group, sizeof(group), "%s", curve);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point,
						      1 + 2 * (size_t)half);
	params[2] = OSSL_PARAM_construct_end();
	*key = key_of_params("EC", params);
	return *key ? 0 : damaged(tree, node, "this is no point of the curve", err);
}

int fit_key_from_node(const void *tree, int node, EVP_PKEY **key, struct err *err)
{
	const char *curve = dt_text(tree, node, "ecdsa,curve");
	uint32_t bits;

	if (curve)
		return ecdsa_from_node(tree, node, curve, key, err);
	if (!dt_cell(tree, node, "rsa,num-bits", &bits))
		return damaged(tree, node, "it holds neither an RSA nor an ECDSA key", err);
	if (bits < 1024 || bits > 8 * NUMBER_MAX || bits % 32)
		return damaged(tree, node, "rsa,num-bits is out of range", err);
	return rsa_from_node(tree, node, bits, key, err);
}

static int set_number(void *tree, int node, const char *name, const BIGNUM *number, int size)
{
	uint8_t bytes[NUMBER_MAX];

	if (size > NUMBER_MAX || BN_bn2binpad(number, bytes, size) != size)
		return -FDT_ERR_BADVALUE;
	return fdt_setprop(tree, node, name, bytes, size);
}

static int set_rsa(void *tree, int node, EVP_PKEY *key)
{
	_cleanup_(bn_freep) BIGNUM *n = NULL, *e = NULL, *rr = BN_new();
	uint32_t inverse = 0;
	int bits, rc;

	if (!rr || !EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) ||
	    !EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) || BN_num_bits(e) > 64 ||
	    !montgomery(n, &inverse, rr))
		return -FDT_ERR_BADVALUE;
	bits = BN_num_bits(n);
	rc = fdt_setprop_u32(tree, node, "rsa,num-bits", (uint32_t)bits);
	if (rc == 0)
		rc = fdt_setprop_u32(tree, node, "rsa,n0-inverse", inverse);
	if (rc == 0)
		rc = set_number(tree, node, "rsa,exponent", e, 8);
	if (rc == 0)
		rc = set_number(tree, node, "rsa,modulus", n, bits / 8);
	return rc ? rc : set_number(tree, node, "rsa,r-squared", rr, bits / 8);
}

static int set_ecdsa(void *tree, int node, EVP_PKEY *key)
{
	_cleanup_(bn_freep) BIGNUM *x = NULL, *y = NULL;
	int size = (EVP_PKEY_get_bits(key) + 7) / 8, rc;

	if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) ||
	    !EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y))
		return -FDT_ERR_BADVALUE;
	rc = dt_set_text(tree, node, "ecdsa,curve", size == 32 ? "prime256v1" : "secp384r1");
	if (rc == 0)
		rc = set_number(tree, node, "ecdsa,x-point", x, size);
	return rc ? rc : set_number(tree, node, "ecdsa,y-point", y, size);
}

static int add_node(void *tree, int parent, const char *name)
{
	int node = fdt_subnode_offset(tree, parent, name);

	return node == -FDT_ERR_NOTFOUND ? fdt_add_subnode(tree, parent, name) : node;
}

/* In mkimage's order: each property goes before the ones that are there. */
int fit_key_to_node(void *tree, const char *name, const char *hint, const struct fit_algo *algo,
		    const char *required, EVP_PKEY *key, struct err *err)
{
	int parent = add_node(tree, 0, "signature");
	int node = parent < 0 ? parent : add_node(tree, parent, name);
	int rc = node < 0 ? node : dt_set_text(tree, node, "key-name-hint", hint);

	if (rc == 0)
		rc = algo->ecdsa ? set_ecdsa(tree, node, key) : set_rsa(tree, node, key);
	if (rc == 0)
		rc = dt_set_text(tree, node, "algo", algo->text);
	if (rc == 0)
		rc = dt_set_text(tree, node, "required", required);
	if (rc == 0)
		return 0;
	return err_set(err, ERR_INTERNAL, "the key '%s' cannot be put into the control tree: %s",
		       hint, fdt_strerror(rc));
}
