// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "sim/fb_device.h"

#define ARGUMENT_MAX 31 /* U-Boot's buffer: longer ones are cut */

static void format(struct fb_device *fb, const char *argument)
{
	const char *partitions = env_get(fb->env, "partitions");
	struct media *media = media_mmc(fb->media, fb->mmc);

	(void)argument;
	if (!partitions || !media) {
		fb_answer(fb, "FAIL", "partitions not set");
		return;
	}
	if (gpt_write_text(&media->user, partitions))
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
