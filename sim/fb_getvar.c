// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"
#include "sim/fb_device.h"

#define VALUE 64

/* Each fills in the value of a variable; false: it is not set. */
typedef bool get_variable(struct fb_device *fb, const char *argument, char out[VALUE]);

static bool put(char out[VALUE], const char *text)
{
	snprintf(out, VALUE, "%s", text);
	return true;
}

static bool get_version(struct fb_device *fb, const char *argument, char out[VALUE])
{
	(void)fb;
	(void)argument;
	return put(out, "0.4");
}

static bool get_bootloader(struct fb_device *fb, const char *argument, char out[VALUE])
{
	(void)fb;
	(void)argument;
	return put(out, "U-Boot 2023.10");
}

static bool get_baseband(struct fb_device *fb, const char *argument, char out[VALUE])
{
	(void)fb;
	(void)argument;
	return put(out, "N/A");
}

static bool get_size(struct fb_device *fb, const char *argument, char out[VALUE])
{
	(void)argument;
	snprintf(out, VALUE, "0x%08x", fb->buffer_size);
	return true;
}

static bool get_serial(struct fb_device *fb, const char *argument, char out[VALUE])
{
	(void)argument;
	return put(out, fb->device->serial);
}

static bool get_product(struct fb_device *fb, const char *argument, char out[VALUE])
{
	const char *board = env_get(fb->env, "board");

	(void)argument;
	return put(out, board ? board : fb->product);
}

static bool get_platform(struct fb_device *fb, const char *argument, char out[VALUE])
{
	const char *platform = env_get(fb->env, "platform");

	(void)argument;
	return platform && put(out, platform);
}

static bool get_slot(struct fb_device *fb, const char *argument, char out[VALUE])
{
	(void)fb;
	(void)argument;
	return put(out, "a");
}

static bool has_slot(struct fb_device *fb, const char *argument, char out[VALUE])
{
	(void)fb;
	return put(out,
		   text_equal(argument, "boot") || text_equal(argument, "system") ? "yes" : "no");
}

static bool get_type(struct fb_device *fb, const char *argument, char out[VALUE])
{
	struct fb_target target;
	uint8_t bytes[2];

	if (!fb_resolve(fb, argument, &target) ||
	    !medium_read(target.medium, target.start + 0x438, bytes, sizeof(bytes)))
		return false;
	if (le16(bytes) == 0xef53)
		return put(out, "ext4");
	if (!medium_read(target.medium, target.start + 510, bytes, sizeof(bytes)))
		return false;
	return le16(bytes) == 0xaa55 && put(out, "fat");
}

static bool get_part_size(struct fb_device *fb, const char *argument, char out[VALUE])
{
	struct fb_target target;

	if (!fb_resolve(fb, argument, &target))
		return false;
	snprintf(out, VALUE, "0x%016" PRIx64, target.size);
	return true;
}

static bool is_userspace(struct fb_device *fb, const char *argument, char out[VALUE])
{
	(void)fb;
	(void)argument;
	return put(out, "no");
}

static const struct variable {
	const char *name;
	get_variable *get;
	bool of_part;
} variables[] = {
	{"version", get_version, false},       {"version-bootloader", get_bootloader, false},
	{"downloadsize", get_size, false},     {"max-download-size", get_size, false},
	{"serialno", get_serial, false},       {"version-baseband", get_baseband, false},
	{"product", get_product, false},       {"platform", get_platform, false},
	{"current-slot", get_slot, false},     {"has-slot", has_slot, true},
	{"partition-type", get_type, true},    {"partition-size", get_part_size, true},
	{"is-userspace", is_userspace, false},
};

static void get_all(struct fb_device *fb)
{
	char value[VALUE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(variables); i++)
		if (!variables[i].of_part && variables[i].get(fb, "", value))
			fb_answer(fb, "INFO", "%s:%s", variables[i].name, value);
	fb_answer(fb, "OKAY", "%s", "");
}

/* The environment goes before all: fastboot.NAME. */
static const char * override(struct fb_device *fb, const char *name)
{
	_cleanup_(freep) char *full = xasprintf("fastboot.%s", name);

	return env_get(fb->env, full);
}

void fb_getvar(struct fb_device *fb, const char *name)
{
	const char *value = override(fb, name), *colon = strchr(name, ':');
	size_t length = colon ? (size_t)(colon - name) : strlen(name), i;
	char out[VALUE];

	if (value) {
		fb_answer(fb, "OKAY", "%s", value);
		return;
	}
	if (text_equal(name, "all") && !fb->old) {
		get_all(fb);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(variables); i++)
		if (strlen(variables[i].name) == length &&
		    strncmp(variables[i].name, name, length) == 0)
			break;
	if (i == ARRAY_SIZE(variables))
		fb_answer(fb, "FAIL", "Variable not implemented");
	else if (variables[i].get(fb, colon ? colon + 1 : "", out))
		fb_answer(fb, "OKAY", "%s", out);
	else
		fb_answer(fb, "FAIL", "Value not set");
}
