// SPDX-License-Identifier: MIT
#include "build/ident.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"

#define FIRST_OF_FAT 315532800

static void hash(const char *const *words, uint8_t out[64])
{
	_cleanup_(digest_freep) struct digest *digest = digest_new();

	for (; *words; words++)
		digest_add(digest, *words, strlen(*words) + 1);
	digest_get(digest, out);
}

void ident_uuid(uint8_t out[UUID_SIZE], const char *const *words)
{
	uint8_t sum[64];

	hash(words, sum);
	memcpy(out, sum, UUID_SIZE);
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x80);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

uint32_t ident_number(const char *const *words)
{
	uint8_t sum[64];
	uint32_t number;

	hash(words, sum);
	number = (uint32_t)sum[0] << 24 | (uint32_t)sum[1] << 16 | (uint32_t)sum[2] << 8 | sum[3];
	return number ? number : 1;
}

void uuid_text(const uint8_t uuid[UUID_SIZE], char out[UUID_TEXT])
{
	char digits[2 * UUID_SIZE + 1];

	text_of_bytes(uuid, UUID_SIZE, digits);
	snprintf(out, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12,
		 digits + 16, digits + 20);
}

bool uuid_read(const char *text, uint8_t out[UUID_SIZE])
{
	char digits[2 * UUID_SIZE + 1];
	size_t i, count = 0;

	if (strlen(text) != UUID_TEXT - 1)
		return false;
	for (i = 0; i < UUID_TEXT - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash != (text[i] == '-'))
			return false;
		if (!dash)
			digits[count++] = (char)tolower((unsigned char)text[i]);
	}
	digits[count] = '\0';
	return text_bytes(digits, out, UUID_SIZE);
}

int64_t ident_time(void)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t value;

	if (text && text_u64(text, (uint64_t)1 << 33, &value) && value)
		return (int64_t)value;
	return FIRST_OF_FAT;
}
