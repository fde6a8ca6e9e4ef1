// SPDX-License-Identifier: MIT
#include "sim/fb_device.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define COMMAND_MAX 4096 /* U-Boot's buffer on USB; the protocol says 64 */

void fb_begin(struct fb_device *fb)
{
	fb->buffer.max = (size_t)fb->buffer_size + 1;
	buf_clear(&fb->buffer);
	fb->receiving = 0;
	fb->first = fb->count = 0;
	fb->end = FB_STAYS;
	fb->after[0] = '\0';
}

void fb_free(struct fb_device *fb)
{
	buf_free(&fb->buffer);
}

void fb_answer(struct fb_device *fb, const char *word, const char *format, ...)
{
	struct fb_answer *answer = &fb->answers[(fb->first + fb->count) % FB_ANSWERS];
	size_t length;
	va_list args;

	if (fb->count == FB_ANSWERS)
		return;
	fb->count++;
	length = (size_t)snprintf(answer->text, sizeof(answer->text), "%s", word);
	va_start(args, format);
	vsnprintf(answer->text + length, sizeof(answer->text) - length, format, args);
	va_end(args);
}

bool fb_give(struct fb_device *fb, struct fb_answer *answer)
{
	if (!fb->count)
		return false;
	*answer = fb->answers[fb->first];
	fb->first = (fb->first + 1) % FB_ANSWERS;
	fb->count--;
	return true;
}

static void download(struct fb_device *fb, const char *argument)
{
	uint64_t size;

	if (!text_hex(argument, &size) || size == 0) {
		fb_answer(fb, "FAIL", "Expected nonzero image size");
		return;
	}
	if (size > fb->buffer_size) {
		fb_answer(fb, "FAIL", "%s", argument);
		return;
	}
	buf_clear(&fb->buffer);
	fb->receiving = (uint32_t)size;
	fb_answer(fb, "DATA", "%s", argument);
}

static void take_data(struct fb_device *fb, const uint8_t *data, size_t size)
{
	char text[16];

	if (size > fb->receiving)
		size = fb->receiving;
	buf_add(&fb->buffer, data, size);
	fb->receiving -= (uint32_t)size;
	if (fb->receiving)
		return;
	if (fb->memory)
		memcpy(fb->memory, fb->buffer.data, fb->buffer.size);
	snprintf(text, sizeof(text), "%zx", fb->buffer.size);
	env_set(fb->env, "filesize", text);
	fb_answer(fb, "OKAY", "%s", "");
}

static void end(struct fb_device *fb, enum fb_end how)
{
	fb->end = how;
	fb_answer(fb, "OKAY", "%s", "");
}

static void boot(struct fb_device *fb, const char *argument)
{
	(void)argument;
	end(fb, FB_BOOT);
}

static void go_on(struct fb_device *fb, const char *argument)
{
	(void)argument;
	end(fb, FB_CONTINUE);
}

static void reboot(struct fb_device *fb, const char *argument)
{
	(void)argument;
	end(fb, FB_REBOOT);
}

/* Needs a partition "misc" for the flag. */
static void reboot_into(struct fb_device *fb, const char *argument)
{
	(void)argument;
	fb_answer(fb, "FAIL", "Cannot set reboot flag");
}

static void set_active(struct fb_device *fb, const char *argument)
{
	(void)argument;
	fb_answer(fb, "OKAY", "%s", "");
}

static void run_now(struct fb_device *fb, const char *argument)
{
	if (!fb->run)
		fb_answer(fb, "FAIL", "unsupported command");
	else if (fb->run(fb->context, argument))
		fb_answer(fb, "OKAY", "%s", "");
	else
		fb_answer(fb, "FAIL", "%s", "");
}

static void run_later(struct fb_device *fb, const char *argument)
{
	if (!fb->run || strlen(argument) >= sizeof(fb->after)) {
		fb_answer(fb, "FAIL", fb->run ? "too long" : "unsupported command");
		return;
	}
	snprintf(fb->after, sizeof(fb->after), "%s", argument);
	fb_answer(fb, "OKAY", "%s", "");
}

static const struct {
	const char *name;
	void (*run)(struct fb_device *fb, const char *argument);
} commands[] = {
	{"getvar", fb_getvar},
	{"download", download},
	{"flash", fb_flash},
	{"erase", fb_erase},
	{"boot", boot},
	{"continue", go_on},
	{"reboot", reboot},
	{"reboot-bootloader", reboot_into},
	{"reboot-fastboot", reboot_into},
	{"reboot-recovery", reboot_into},
	{"set_active", set_active},
	{"UCmd", run_now},
	{"ACmd", run_later},
	{"oem run", run_now},
};

static void take_command(struct fb_device *fb, char *text)
{
	char *colon = strchr(text, ':');
	const char *argument = colon ? colon + 1 : "";
	size_t i;

	if (colon)
		*colon = '\0';
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (text_equal(text, commands[i].name)) {
			commands[i].run(fb, argument);
			return;
		}
	if (!text_starts(text, "oem ") || !fb_oem(fb, text + 4, argument))
		fb_answer(fb, "FAIL", "unrecognized command");
}

void fb_take(struct fb_device *fb, const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = NULL;

	if (fb->receiving) {
		take_data(fb, data, size);
		return;
	}
	if (!size)
		return;
	text = xstrndup((const char *)data, size < COMMAND_MAX ? size : COMMAND_MAX);
	take_command(fb, text);
}
