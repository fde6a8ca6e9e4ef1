// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "sim/gpt.h"

#define BOOTABLE 4 /* the attribute */

/* A size or place as U-Boot's gpt command reads it: a number with K, M, G, or "-". */
static bool size_of(const char *text, uint64_t *value)
{
	return text_equal(text, "-") || text_u64(text, INT64_MAX, value) || text_size(text, value);
}

static bool take_field(const char *field, const char *value, struct gpt_part *part)
{
	if (text_equal(field, "name"))
		snprintf(part->name, sizeof(part->name), "%s", value);
	if (text_equal(field, "start"))
		return size_of(value, &part->start);
	if (text_equal(field, "size"))
		return size_of(value, &part->size);
	if (text_equal(field, "uuid"))
		return gpt_guid(value, part->guid);
	if (text_equal(field, "type"))
		return gpt_guid(value, part->type);
	return true;
}

/* A UUID that is not given is made of the name, where U-Boot takes a random one. */
static void make_guid(struct gpt_part *part)
{
	char digest[SHA256_TEXT];

	sha256_text(part->name, strlen(part->name), digest);
	digest[32] = '\0';
	text_bytes(digest, part->guid, sizeof(part->guid));
}

/* One part. Its place when no start is given is behind the one before. */
static bool parse_part(char *text, struct gpt_part *part, uint64_t *next)
{
	static const uint8_t none[sizeof(part->guid)];
	char *rest = text, *field, *value;

	*part = (struct gpt_part){.start = *next};
	gpt_guid("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", part->type);
	while ((field = strsep(&rest, ","))) {
		value = strchr(field, '=');
		if (!value && text_equal(field, "bootable"))
			part->attributes = BOOTABLE;
		if (!value)
			continue;
		*value++ = '\0';
		if (!take_field(field, value, part))
			return false;
	}
	if (memcmp(part->guid, none, sizeof(none)) == 0)
		make_guid(part);
	*next = part->start + part->size;
	return part->name[0] != '\0';
}

bool gpt_write_text(struct medium *medium, const char *text)
{
	_cleanup_(freep) struct gpt_part *parts = xcalloc(GPT_ENTRIES, sizeof(*parts));
	_cleanup_(freep) char *copy = xstrdup(text);
	uint64_t next = (uint64_t)1 << 20, end = medium->size - 34 * GPT_BLOCK;
	char *rest = copy, *one;
	size_t count = 0;

	while ((one = strsep(&rest, ";")) && count < GPT_ENTRIES) {
		if (!strchr(one, '=') || text_starts(one, "uuid_disk"))
			continue;
		if (!parse_part(one, &parts[count], &next))
			return false;
		if (!parts[count].size)
			parts[count].size = end - parts[count].start;
		count++;
	}
	return count && gpt_write(medium, parts, count);
}
