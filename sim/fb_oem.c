// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "sim/fb_device.h"

#define ARGUMENT_MAX 31 /* U-Boot's buffer: longer ones are cut */

/* A size or place as U-Boot's gpt command reads it: a number with K, M, G, or "-". */
static bool size_of(const char *text, uint64_t *value)
{
	return text_equal(text, "-") || text_size(text, value);
}

/* One part of $partitions: "name=boot,start=1M,size=64M,type=...". Its place when no start is given
   is behind the one before. */
static bool parse_part(char *text, struct gpt_part *part, uint64_t *next)
{
	char *rest = text, *field, *value;

	*part = (struct gpt_part){.start = *next};
	gpt_guid("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", part->type);
	while ((field = strsep(&rest, ","))) {
		value = strchr(field, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (text_equal(field, "name"))
			snprintf(part->name, sizeof(part->name), "%s", value);
		else if (text_equal(field, "start") && !size_of(value, &part->start))
			return false;
		else if (text_equal(field, "size") && !size_of(value, &part->size))
			return false;
		else if (text_equal(field, "uuid") && !gpt_guid(value, part->guid))
			return false;
	}
	*next = part->start + part->size;
	return part->name[0] != '\0';
}

static size_t parse_parts(const char *text, uint64_t end, struct gpt_part *parts)
{
	_cleanup_(freep) char *copy = xstrdup(text);
	uint64_t next = (uint64_t)1 << 20;
	char *rest = copy, *one;
	char digest[SHA256_TEXT];
	size_t count = 0;

	while ((one = strsep(&rest, ";")) && count < GPT_ENTRIES) {
		if (!*one || !strchr(one, '='))
			continue;
		if (text_starts(one, "uuid_disk"))
			continue;
		if (!parse_part(one, &parts[count], &next))
			return 0;
		if (!parts[count].size)
			parts[count].size = end - parts[count].start;
		sha256_text(parts[count].name, strlen(parts[count].name), digest);
		digest[32] = '\0';
		text_bytes(digest, parts[count].guid, 16);
		count++;
	}
	return count;
}

static void format(struct fb_device *fb, const char *argument)
{
	_cleanup_(freep) struct gpt_part *parts = xcalloc(GPT_ENTRIES, sizeof(*parts));
	const char *partitions = env_get(fb->env, "partitions");
	struct media *media = media_mmc(fb->media, fb->mmc);
	size_t count;

	(void)argument;
	if (!partitions || !media) {
		fb_answer(fb, "FAIL", "partitions not set");
		return;
	}
	count = parse_parts(partitions, media->user.size - 34 * GPT_BLOCK, parts);
	if (count && gpt_write(&media->user, parts, count))
		fb_answer(fb, "OKAY", "%s", "");
	else
		fb_answer(fb, "FAIL", "%s", "");
}

static void partconf(struct fb_device *fb, const char *argument)
{
	struct media *media = media_mmc(fb->media, fb->mmc);
	_cleanup_(freep) char *cut = xstrndup(argument, ARGUMENT_MAX);
	unsigned long ack, part;
	char *end;

	if (!argument[0]) {
		fb_answer(fb, "FAIL", "Expected command parameter");
		return;
	}
	ack = strtoul(cut, &end, 16);
	part = strtoul(end, &end, 16);
	if (!media || !media->is_emmc || ack > 1 || part > 7 || *end) {
		fb_answer(fb, "FAIL", "Cannot set oem partconf");
		return;
	}
	media->boot_ack = ack;
	media->boot_part = (uint8_t)part;
	fb_answer(fb, "OKAY", "%s", "");
}

static void bootbus(struct fb_device *fb, const char *argument)
{
	struct media *media = media_mmc(fb->media, fb->mmc);

	if (!argument[0])
		fb_answer(fb, "FAIL", "Expected command parameter");
	else if (!media || !media->is_emmc)
		fb_answer(fb, "FAIL", "Cannot set oem bootbus");
	else
		fb_answer(fb, "OKAY", "%s", "");
}

static const struct {
	const char *name;
	void (*run)(struct fb_device *fb, const char *argument);
} commands[] = {{"format", format}, {"partconf", partconf}, {"bootbus", bootbus}};

bool fb_oem(struct fb_device *fb, const char *name, const char *argument)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (text_equal(name, commands[i].name)) {
			commands[i].run(fb, argument);
			return true;
		}
	return false;
}
