// SPDX-License-Identifier: MIT
#include "cli/order.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

int split_item(const char *text, char **partition, char **file, struct err *err)
{
	const char *colon = strchr(text, ':');

	if (!colon || colon == text || !colon[1]) {
		err_set(err, ERR_USAGE, "'%s' is not PARTITION:FILE", text);
		return err_remedy(err, "give a partition's label and a file, like rootfs:root.img");
	}
	*partition = xstrndup(text, (size_t)(colon - text));
	*file = xstrdup(colon + 1);
	return 0;
}

int read_sha256(const char *text, char **hex, struct err *err)
{
	const char *digits = text_starts(text, "sha256:") ? text + strlen("sha256:") : text;
	uint8_t bytes[SHA256_SIZE];
	char clean[SHA256_TEXT];

	if (!text_bytes(digits, bytes, sizeof(bytes)))
		return err_set(err, ERR_USAGE,
			       "'%s' is not a SHA-256: it has 64 hexadecimal digits", text);
	text_of_bytes(bytes, sizeof(bytes), clean);
	*hex = xstrdup(clean);
	return 0;
}

/* "DIGEST  NAME" or "DIGEST *NAME": whether NAME is this image. */
static bool names_image(const char *name, const char *image)
{
	name += strspn(name, " \t*");
	return text_equal(path_base(name), path_base(image));
}

int find_sha256(char *list, const char *image, char **hex, struct err *err)
{
	char *line, *end, *first = NULL;
	size_t length;

	for (line = list; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		line = text_trim(line);
		length = strcspn(line, " \t");
		if (length == 0)
			continue;
		if (image && line[length] && names_image(line + length, image)) {
			line[length] = '\0';
			return read_sha256(line, hex, err);
		}
		line[length] = '\0';
		if (!first)
			first = line;
	}
	if (!first)
		return err_set(err, ERR_USAGE, "there is no digest");
	return read_sha256(first, hex, err);
}
