// SPDX-License-Identifier: MIT
#include "build/fit_key.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

#define KEY_FILE_MAX 65536

struct crypto {
	const char *name;
	bool ecdsa;
	size_t bits, signature;
};

static const struct crypto cryptos[] = {
	{"rsa2048", false, 2048, 256}, {"rsa3072", false, 3072, 384}, {"rsa4096", false, 4096, 512},
	{"ecdsa256", true, 256, 64},   {"ecdsa384", true, 384, 96},
};

static const char *const checksums[] = {"sha1", "sha256", "sha384", "sha512"};

static int algo_unknown(const char *text, struct err *err)
{
	err_set(err, ERR_CONFIG, "'%s' is no signature algorithm", text);
	return err_remedy(err, "it is CHECKSUM,KEY: sha256,rsa2048, sha256,rsa3072, "
			       "sha256,rsa4096, sha256,ecdsa256; sha1, sha384 and sha512 work too");
}

static int set_padding(struct fit_algo *algo, const char *padding, struct err *err)
{
	algo->pss = text_equal(padding, "pss");
	if (algo->pss && algo->ecdsa)
		return err_set(err, ERR_CONFIG, "padding 'pss' is for RSA only");
	if (padding && !algo->pss && !text_equal(padding, "pkcs-1.5"))
		return err_set(err, ERR_CONFIG, "padding '%s' is neither pkcs-1.5 nor pss",
			       padding);
	return 0;
}

int fit_algo_parse(const char *text, const char *padding, struct fit_algo *algo, struct err *err)
{
	const char *comma = text ? strchr(text, ',') : NULL;
	size_t i;

	*algo = (struct fit_algo){0};
	if (!comma || strlen(text) >= sizeof(algo->text))
		return algo_unknown(text ? text : "", err);
	memcpy(algo->text, text, strlen(text) + 1);
	for (i = 0; i < ARRAY_SIZE(checksums); i++)
		if (strlen(checksums[i]) == (size_t)(comma - text) &&
		    text_starts(text, checksums[i]))
			algo->checksum = checksums[i];
	for (i = 0; i < ARRAY_SIZE(cryptos); i++) {
		if (!text_equal(comma + 1, cryptos[i].name))
			continue;
		algo->crypto = cryptos[i].name;
		algo->ecdsa = cryptos[i].ecdsa;
		algo->bits = cryptos[i].bits;
		algo->signature = cryptos[i].signature;
	}
	if (!algo->checksum || !algo->crypto)
		return algo_unknown(text, err);
	return set_padding(algo, padding, err);
}

static bool key_fits(const EVP_PKEY *key, bool ecdsa, size_t bits)
{
	return EVP_PKEY_is_a(key, ecdsa ? "EC" : "RSA") && (size_t)EVP_PKEY_get_bits(key) == bits;
}

bool fit_algo_of_key(const EVP_PKEY *key, char text[32])
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cryptos); i++)
		if (key_fits(key, cryptos[i].ecdsa, cryptos[i].bits)) {
			snprintf(text, 32, "sha256,%s", cryptos[i].name);
			return true;
		}
	return false;
}

void fit_key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
	*key = NULL;
}

static void bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

/* OpenSSL would ask on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static EVP_PKEY *key_of_certificate(BIO *bio)
{
	X509 *certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	EVP_PKEY *key = certificate ? X509_get_pubkey(certificate) : NULL;

	X509_free(certificate);
	return key;
}

static EVP_PKEY *read_private(BIO *bio)
{
	return PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
}

static EVP_PKEY *read_public(BIO *bio)
{
	return PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
}

static EVP_PKEY *read_either(BIO *bio)
{
	EVP_PKEY *key = read_private(bio);

	if (key)
		return key;
	BIO_seek(bio, 0);
	return read_public(bio);
}

struct key_file {
	const char *suffix;
	EVP_PKEY *(*read)(BIO *bio);
};

/* 1: read; 0: there is no such file; else the error. The bytes of a key are wiped. */
static int read_key_file(const char *folder, const char *hint, const struct key_file *file,
			 EVP_PKEY **key, struct err *err)
{
	_cleanup_(freep) char *name = xasprintf("%s.%s", hint, file->suffix);
	_cleanup_(freep) char *path = path_join(folder, name);
	_cleanup_(buf_free) struct buf text = {0};
	_cleanup_(bio_freep) BIO *bio = NULL;
	int rc;

	if (access(path, F_OK) < 0)
		return 0;
	rc = path_read(path, KEY_FILE_MAX, &text, err);
	if (rc < 0)
		return rc;
	bio = BIO_new_mem_buf(buf_text(&text), (int)text.size);
	*key = bio ? file->read(bio) : NULL;
	OPENSSL_cleanse(text.data, text.size);
	ERR_clear_error();
	if (*key)
		return 1;
	err_set(err, ERR_CONFIG, "%s holds no key that can be read", path);
	return err_remedy(err, "it must be PEM, and not protected by a passphrase");
}

static int find_key(const char *folder, const char *hint, const struct key_file *files,
		    size_t count, EVP_PKEY **key, struct err *err)
{
	size_t i;
	int rc;

	if (!path_is_confined(hint))
		return err_set(err, ERR_CONFIG, "'%s' is no name of a key", hint);
	for (i = 0; i < count; i++) {
		rc = read_key_file(folder, hint, &files[i], key, err);
		if (rc)
			return rc < 0 ? rc : 0;
	}
	return err_set(err, ERR_NOT_FOUND, "there is no key '%s' (.%s) in %s", hint,
		       files[0].suffix, folder);
}

int fit_key_private(const char *folder, const char *hint, EVP_PKEY **key, struct err *err)
{
	static const struct key_file files[] = {{"key", read_private}, {"pem", read_private}};
	static const struct key_file certificate = {"crt", key_of_certificate};
	_cleanup_(fit_key_freep) EVP_PKEY *own = NULL, *certified = NULL;
	int rc = find_key(folder, hint, files, ARRAY_SIZE(files), &own, err);

	if (rc == 0)
		rc = read_key_file(folder, hint, &certificate, &certified, err);
	if (rc < 0)
		return rc;
	if (certified && EVP_PKEY_eq(own, certified) != 1)
		return err_set(err, ERR_CONFIG, "%s/%s.crt is of another key than %s.key", folder,
			       hint, hint);
	*key = steal(own);
	return 0;
}

int fit_key_public(const char *folder, const char *hint, EVP_PKEY **key, struct err *err)
{
	static const struct key_file files[] = {{"crt", key_of_certificate},
						{"pub", read_public},
						{"pem", read_either},
						{"key", read_private}};

	return find_key(folder, hint, files, ARRAY_SIZE(files), key, err);
}
