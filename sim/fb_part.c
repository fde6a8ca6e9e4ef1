// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "sim/fb_device.h"

static bool whole(struct media *media, unsigned int hwpart, struct fb_target *target)
{
	struct medium *medium = media ? media_part(media, hwpart) : NULL;

	if (!medium)
		return false;
	*target = (struct fb_target){FB_PART, media, medium, 0, medium->size};
	return true;
}

static bool by_gpt(struct media *media, const char *name, uint64_t number, struct fb_target *target)
{
	_cleanup_(freep) struct gpt_part *parts = xcalloc(GPT_ENTRIES, sizeof(*parts));
	size_t count = gpt_read(&media->user, parts), i;

	for (i = 0; i < count; i++)
		if (parts[i].size && (name ? text_equal(parts[i].name, name) : i + 1 == number)) {
			*target = (struct fb_target){FB_PART, media, &media->user, parts[i].start,
						     parts[i].size};
			return true;
		}
	return false;
}

static bool has_table(struct media *media)
{
	_cleanup_(freep) struct gpt_part *parts = xcalloc(GPT_ENTRIES, sizeof(*parts));

	return gpt_read(&media->user, parts) > 0;
}

/* Names of the default device itself, and of what is at its start. */
static bool by_fixed_name(struct fb_device *fb, const char *name, struct fb_target *target)
{
	struct media *media = media_mmc(fb->media, fb->mmc);
	char own[32];
	unsigned int i;

	if (!media)
		return false;
	for (i = 1; i <= 2; i++) {
		snprintf(own, sizeof(own), "mmc%uboot%u", fb->mmc, i - 1);
		if (text_equal(name, own) && whole(media, i, target)) {
			target->kind = FB_BOOT_PART;
			return true;
		}
	}
	if (text_equal(name, "gpt") || text_equal(name, "mbr")) {
		whole(media, 0, target);
		target->kind = name[0] == 'g' ? FB_GPT : FB_MBR;
		return true;
	}
	snprintf(own, sizeof(own), "mmc%u", fb->mmc);
	return !fb->no_user_area && text_equal(name, own) && whole(media, 0, target);
}

/* fastboot_raw_partition_NAME: start and count in blocks, perhaps "mmcpart N". */
static bool by_raw(struct fb_device *fb, const char *name, struct fb_target *target)
{
	_cleanup_(freep) char *variable = xasprintf("fastboot_raw_partition_%s", name);
	const char *text = env_get(fb->env, variable), *part;
	unsigned long long start, count;
	unsigned int hwpart = 0;
	char *end;

	if (!text)
		return false;
	start = strtoull(text, &end, 0);
	count = strtoull(end, &end, 0);
	part = strstr(end, "mmcpart ");
	if (part)
		hwpart = (unsigned int)strtoul(part + strlen("mmcpart "), NULL, 0);
	if (!count || !whole(media_mmc(fb->media, fb->mmc), hwpart, target) ||
	    start > target->size / GPT_BLOCK || count > target->size / GPT_BLOCK - start)
		return false;
	target->start = start * GPT_BLOCK;
	target->size = count * GPT_BLOCK;
	return true;
}

/* "dev[.hwpart][:part]" and "dev[.hwpart]#name", numbers in hexadecimal. */
static bool by_number(struct fb_device *fb, const char *name, struct fb_target *target)
{
	unsigned long number, hwpart = 0, part;
	struct media *media;
	char *end;

	number = strtoul(name, &end, 16);
	if (end == name)
		return false;
	media = media_mmc(fb->media, (unsigned int)number);
	if (*end == '.')
		hwpart = strtoul(end + 1, &end, 16);
	if (!media || !whole(media, (unsigned int)hwpart, target))
		return false;
	if (*end == '#')
		return !hwpart && by_gpt(media, end + 1, 0, target);
	if (*end != ':')
		return !*end && (hwpart || !has_table(media) || by_gpt(media, NULL, 1, target));
	part = strtoul(end + 1, &end, 16);
	return !*end && (part == 0 || (!hwpart && by_gpt(media, NULL, part, target)));
}

static bool by_mtd(struct fb_device *fb, const char *name, struct fb_target *target)
{
	size_t i, k;

	for (i = 0; i < fb->media->count; i++) {
		struct media *media = &fb->media->list[i];

		for (k = 0; k < media->part_count; k++)
			if (text_equal(media->parts[k].name, name)) {
				*target = (struct fb_target){FB_PART, media, &media->user,
							     media->parts[k].start,
							     media->parts[k].size};
				return true;
			}
	}
	return false;
}

bool fb_resolve(struct fb_device *fb, const char *name, struct fb_target *target)
{
	_cleanup_(freep) char *variable = xasprintf("fastboot_partition_alias_%s", name);
	struct media *media = media_mmc(fb->media, fb->mmc);
	const char *alias = env_get(fb->env, variable);

	if (by_fixed_name(fb, name, target))
		return true;
	if (alias)
		name = alias;
	return (media && by_gpt(media, name, 0, target)) || by_raw(fb, name, target) ||
	       by_number(fb, name, target) || by_mtd(fb, name, target);
}
