// SPDX-License-Identifier: MIT
#include "drivers/dfu/k3.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"

#define OID_BOOT     "1.3.6.1.4.1.294.1.1" /* boot sequence: one image */
#define OID_COMBINED "1.3.6.1.4.1.294.1.9" /* several */

#define COMPONENT_INNER_CERTIFICATE 3 /* of the system firmware; only secure parts have it */
#define COMPONENTS_MAX              16

static void copy_printable(char *out, size_t size, const uint8_t *from)
{
	size_t i;

	memcpy(out, from, size - 1);
	out[size - 1] = '\0';
	for (i = 0; out[i]; i++)
		if ((unsigned char)out[i] < 32 || (unsigned char)out[i] > 126)
			out[i] = '?';
	for (; i > 0 && out[i - 1] == ' '; i--)
		out[i - 1] = '\0';
}

int k3_soc_id_parse(const uint8_t *bytes, size_t size, struct k3_soc_id *id, struct err *err)
{
	size_t i;

	if (size < 32 || bytes[4] != 1 || le32(bytes) == 0)
		return err_set(err, ERR_BOARD, "the answer to SocId is not an identity (%zu bytes)",
			       size);
	*id = (struct k3_soc_id){0};
	copy_printable(id->device, sizeof(id->device), bytes + 8);
	copy_printable(id->security, sizeof(id->security), bytes + 20);
	for (i = 0; i < sizeof(id->rom); i++)
		id->rom[i] = bytes[31 - i];
	return 0;
}

/* The next element of a DER sequence: its content, and its type. False: there is none, or it is
 * damaged. */
struct der {
	const uint8_t *at;
	size_t left;
};

static bool der_next(struct der *in, int *type, struct der *content)
{
	const uint8_t *at = in->at;
	int class, damaged;
	long length;

	if (in->left == 0)
		return false;
	damaged = ASN1_get_object(&at, &length, type, &class, (long)in->left) & 0x80;
	if (damaged || length < 0 || (size_t)length > in->left - (size_t)(at - in->at)) {
		ERR_clear_error();
		return false;
	}
	*content = (struct der){at, (size_t)length};
	in->left -= (size_t)(at - in->at) + (size_t)length;
	in->at = at + length;
	return true;
}

/* An INTEGER that is not negative and fits. */
static bool der_number(struct der *in, uint64_t *value)
{
	struct der content;
	size_t i;
	int type;

	if (!der_next(in, &type, &content) || type != V_ASN1_INTEGER || content.left == 0 ||
	    content.left > 8 || content.at[0] & 0x80)
		return false;
	for (*value = 0, i = 0; i < content.left; i++)
		*value = *value << 8 | content.at[i];
	return true;
}

static bool der_sequence(struct der *in, struct der *content)
{
	int type;

	return der_next(in, &type, content) && type == V_ASN1_SEQUENCE;
}

/* extImgSize, numComp, then a SEQUENCE for each: compType, ... */
static bool read_combined(struct der in, struct k3_tiboot3 *tiboot3)
{
	struct der content, component;
	uint64_t count, type, i;

	if (!der_sequence(&in, &content) || !der_number(&content, &tiboot3->payload) ||
	    !der_number(&content, &count) || count > COMPONENTS_MAX)
		return false;
	for (i = 0; i < count; i++) {
		if (!der_sequence(&content, &component) || !der_number(&component, &type))
			return false;
		tiboot3->secure |= type == COMPONENT_INNER_CERTIFICATE;
	}
	tiboot3->combined = true;
	return true;
}

/* certType, bootCore, bootCoreOpts, destAddr, imageSize */
static bool read_boot(struct der in, struct k3_tiboot3 *tiboot3)
{
	struct der content, address;
	uint64_t skipped;
	int type;

	return der_sequence(&in, &content) && der_number(&content, &skipped) &&
	       der_number(&content, &skipped) && der_number(&content, &skipped) &&
	       der_next(&content, &type, &address) && der_number(&content, &tiboot3->payload);
}

static bool find_extension(X509 *certificate, const char *oid, struct der *content)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	int at = X509_get_ext_by_OBJ(certificate, object, -1);
	ASN1_OCTET_STRING *data;

	ASN1_OBJECT_free(object);
	if (at < 0)
		return false;
	data = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
	*content = (struct der){ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data)};
	return true;
}

static void x509_freep(X509 **certificate)
{
	X509_free(*certificate);
}

static int no_tiboot3(const char *why, struct err *err)
{
	err_set(err, ERR_IMAGE, "it is no tiboot3.bin: %s", why);
	return err_remedy(err, "give the tiboot3*.bin that U-Boot's build for the R5 core makes");
}

int k3_tiboot3_parse(const uint8_t *bytes, size_t size, struct k3_tiboot3 *tiboot3, struct err *err)
{
	_cleanup_(x509_freep) X509 *certificate = NULL;
	const uint8_t *at = bytes;
	struct der extension;
	bool known;

	*tiboot3 = (struct k3_tiboot3){0};
	if (size < 4 || bytes[0] != 0x30 || bytes[1] != 0x82)
		return no_tiboot3("it does not begin with a certificate", err);
	certificate = d2i_X509(NULL, &at, size > INT32_MAX ? INT32_MAX : (long)size);
	ERR_clear_error();
	if (!certificate)
		return no_tiboot3("its certificate is damaged", err);
	tiboot3->certificate = (uint64_t)(at - bytes);
	if (find_extension(certificate, OID_COMBINED, &extension))
		known = read_combined(extension, tiboot3);
	else
		known = find_extension(certificate, OID_BOOT, &extension) &&
			read_boot(extension, tiboot3);
	if (!known)
		return no_tiboot3("its certificate does not say what is to be booted", err);
	if (tiboot3->payload > size - tiboot3->certificate)
		return err_set(
			err, ERR_IMAGE,
			"it ends early: its certificate announces %llu bytes, %llu are there",
			(unsigned long long)tiboot3->payload,
			(unsigned long long)(size - tiboot3->certificate));
	return 0;
}

int k3_fit_check(const uint8_t *bytes, size_t size, struct err *err)
{
	if (size < 8 || be32(bytes) != 0xd00dfeed)
		return err_set(err, ERR_IMAGE, "it is no FIT image");
	if (be32(bytes + 4) > size)
		return err_set(err, ERR_IMAGE, "it ends early: a FIT of %u bytes, %zu are there",
			       be32(bytes + 4), size);
	return 0;
}
