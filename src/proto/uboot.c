// SPDX-License-Identifier: MIT
#include "proto/uboot.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* The word that begins at `text`, up to white space. */
static bool copy_word(const char *text, char *word, size_t size)
{
	size_t length = strcspn(text, " \t\r\n");

	if (length == 0 || length >= size)
		return false;
	memcpy(word, text, length);
	word[length] = '\0';
	return true;
}

bool uboot_bytes_transferred(const char *output, uint64_t *bytes)
{
	static const char label[] = "Bytes transferred = ";
	const char *hit = strstr(output, label);
	char word[24];

	return hit && copy_word(hit + sizeof(label) - 1, word, sizeof(word)) &&
	       text_u64(word, INT64_MAX, bytes);
}

/* What stands behind the last "==> ". */
static const char *result_of(const char *output)
{
	const char *hit = NULL, *next = output;

	while ((next = strstr(next, "==> "))) {
		next += 4;
		hit = next;
	}
	return hit;
}

bool uboot_crc32(const char *output, uint32_t *crc)
{
	const char *result = result_of(output);
	uint64_t value;
	char word[9];

	if (!result || !copy_word(result, word, sizeof(word)) || strlen(word) != 8 ||
	    !text_hex(word, &value))
		return false;
	*crc = (uint32_t)value;
	return true;
}

bool uboot_sha256(const char *output, char sha256[SHA256_TEXT])
{
	const char *result = result_of(output);
	uint8_t bytes[SHA256_SIZE];
	char word[SHA256_TEXT];

	if (!result || !copy_word(result, word, sizeof(word)) ||
	    !text_bytes(word, bytes, sizeof(bytes)))
		return false;
	text_of_bytes(bytes, sizeof(bytes), sha256);
	return true;
}

bool uboot_env(const char *output, const char *name, struct buf *value)
{
	size_t length = strlen(name);
	const char *line = output;

	while (line) {
		if (strncmp(line, name, length) == 0 && line[length] == '=') {
			buf_clear(value);
			return buf_add(value, line + length + 1,
				       strcspn(line + length + 1, "\r\n"));
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return false;
}

bool uboot_is_unknown_command(const char *output)
{
	return strstr(output, "Unknown command") != NULL;
}

bool uboot_quote(struct buf *line, const char *value)
{
	const char *c;

	for (c = value; *c; c++)
		if (iscntrl((unsigned char)*c) || *c == '\'')
			return false;
	return buf_addf(line, "'%s'", value);
}
