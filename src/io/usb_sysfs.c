// SPDX-License-Identifier: MIT
/* What is attached to this machine, from sysfs (Linux Documentation/ABI/stable/sysfs-bus-usb): a
   folder a device, named by its port; strings as the kernel has read them. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "io/usb_descriptors.h"
#include "io/usb_local.h"

#define ATTRIBUTE_MAX   512
#define DESCRIPTORS_MAX 65536
#define DEVICE_SIZE     18
#define ALTERNATES_MAX  64

static void attribute(const char *device, const char *name, struct buf *out)
{
	_cleanup_(freep) char *path = path_join(device, name);
	struct err ignored;

	buf_clear(out);
	if (path_read(path, ATTRIBUTE_MAX, out, &ignored) < 0)
		buf_clear(out);
}

static uint64_t number(const char *device, const char *name)
{
	_cleanup_(buf_free) struct buf text = {.max = ATTRIBUTE_MAX};
	_cleanup_(freep) char *word = NULL;
	uint64_t value = 0;

	attribute(device, name, &text);
	word = xstrdup(buf_text(&text));
	return text_u64(text_trim(word), UINT32_MAX, &value) ? value : 0;
}

/* The kernel gives UTF-8; control characters are left as the device has them. */
static void string(const char *device, const char *name, char out[USB_TEXT])
{
	_cleanup_(buf_free) struct buf text = {.max = ATTRIBUTE_MAX};
	const char *end, *at;
	size_t used = 0;

	attribute(device, name, &text);
	at = buf_text(&text);
	end = at + strcspn(at, "\n");
	for (; at < end && used < USB_TEXT - 1; at++)
		out[used++] = (unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at;
	/* Not half a character at the end. */
	if (at < end)
		while (used > 0 && ((unsigned char)*at & 0xc0) == 0x80)
			at--, used--;
	out[used] = '\0';
}

static const struct {
	const char *text; /* Mbit/s */
	enum usb_speed speed;
} speeds[] = {
	{"1.5", USB_SPEED_LOW},    {"12", USB_SPEED_FULL},          {"480", USB_SPEED_HIGH},
	{"5000", USB_SPEED_SUPER}, {"10000", USB_SPEED_SUPER_PLUS}, {"20000", USB_SPEED_SUPER_PLUS},
};

static enum usb_speed speed_of(const char *device)
{
	_cleanup_(buf_free) struct buf text = {.max = ATTRIBUTE_MAX};
	size_t i;

	attribute(device, "speed", &text);
	for (i = 0; i < ARRAY_SIZE(speeds); i++)
		if (text.size == strlen(speeds[i].text) + 1 &&
		    text_starts(buf_text(&text), speeds[i].text))
			return speeds[i].speed;
	return USB_SPEED_UNKNOWN;
}

/* The interfaces of the configuration whose value is `active`. */
static void take_configuration(struct usb_info *info, const uint8_t *bytes, size_t size,
			       uint8_t active)
{
	struct usb_alt alts[ALTERNATES_MAX];
	size_t total, count, i;

	for (; size >= 9; bytes += total, size -= total) {
		total = le16(bytes + 2);
		if (total < 9 || total > size)
			return;
		if (bytes[5] == active)
			break;
	}
	if (size < 9)
		return;
	count = usb_alts(bytes, total, alts, ALTERNATES_MAX);
	for (i = 0; i < count && i < ALTERNATES_MAX; i++)
		if (alts[i].alt == 0 && info->interface_count < USB_INTERFACES_MAX)
			info->interfaces[info->interface_count++] = alts[i].class;
}

static bool take_descriptors(struct usb_info *info, const char *device)
{
	_cleanup_(buf_free) struct buf bytes = {.max = DESCRIPTORS_MAX};
	_cleanup_(freep) char *path = path_join(device, "descriptors");
	const uint8_t *at;
	struct err ignored;

	if (path_read(path, DESCRIPTORS_MAX, &bytes, &ignored) < 0 || bytes.size < DEVICE_SIZE)
		return false;
	at = (const uint8_t *)bytes.data;
	info->device = (struct usb_class){at[4], at[5], at[6]};
	info->vid = le16(at + 8);
	info->pid = le16(at + 10);
	info->release = le16(at + 12);
	take_configuration(info, at + DEVICE_SIZE, bytes.size - DEVICE_SIZE,
			   (uint8_t)number(device, "bConfigurationValue"));
	return true;
}

/* False: it is gone while we look. */
static bool fill_info(struct usb_info *info, const char *folder, const char *name)
{
	_cleanup_(freep) char *device = path_join(folder, name);
	unsigned int bus = (unsigned int)number(device, "busnum");

	*info = (struct usb_info){.address = (unsigned int)number(device, "devnum")};
	if (!bus || !info->address || !take_descriptors(info, device))
		return false;
	snprintf(info->path, sizeof(info->path), "usb:%.63s", name);
	snprintf(info->node, sizeof(info->node), "/dev/bus/usb/%03u/%03u", bus, info->address);
	info->speed = speed_of(device);
	string(device, "manufacturer", info->manufacturer);
	string(device, "product", info->product);
	string(device, "serial", info->serial);
	info->denied = access(info->node, R_OK | W_OK) < 0 && errno == EACCES;
	info->described = true;
	return true;
}

/* "1-2.3", not an interface ("1-2.3:1.0") and not a root hub ("usb1"). */
static int is_device(const struct dirent *entry)
{
	const char *name = entry->d_name;

	return name[0] >= '1' && name[0] <= '9' && !strchr(name, ':') && strlen(name) < 64;
}

int usb_sysfs_list(const char *folder, struct usb_list *list, struct err *err)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_device, alphasort), i;
	struct usb_info info;

	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", folder);
	for (i = 0; i < count; i++) {
		if (fill_info(&info, folder, entries[i]->d_name))
			*usb_list_add(list) = info;
		free(entries[i]);
	}
	free(entries);
	return 0;
}
