// SPDX-License-Identifier: MIT
#include "drivers/uboot/blockdev.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

/* The partition's name is the last field because it may hold blanks. */
const char blockdevs_command[] =
	"for b in /sys/class/block/*; do echo \"@ ${b##*/} $(readlink -f $b) $(cat $b/size)"
	" $(cat $b/partition 2>/dev/null || echo -) $(cat $b/ro)"
	" $(sed -n s/^PARTNAME=//p $b/uevent)\"; done";

static bool copy(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	if (length >= size)
		return false;
	memcpy(to, from, length + 1);
	return true;
}

#define FIELDS 6

/* Cuts FIELDS words off the front of a line; *rest is what follows the blank behind the last. */
static bool cut_fields(char *line, char *fields[FIELDS], char **rest)
{
	size_t i, length;

	for (i = 0; i < FIELDS; i++) {
		length = strcspn(line, " ");
		if (length == 0)
			return false;
		fields[i] = line;
		line += length;
		if (*line)
			*line++ = '\0';
	}
	*rest = line;
	return true;
}

/* Names go into shell lines: nothing but what the kernel uses for them. */
static bool is_name(const char *text)
{
	return *text &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "_-") == strlen(text);
}

static bool parse_line(char *line, struct blockdev *dev)
{
	char *fields[FIELDS], *label;
	uint64_t sectors, partition = 0;

	if (!cut_fields(line, fields, &label) || strcmp(fields[0], "@") != 0)
		return false;
	if (!is_name(fields[1]) || !copy(dev->name, sizeof(dev->name), fields[1]) ||
	    !copy(dev->path, sizeof(dev->path), fields[2]) ||
	    !copy(dev->label, sizeof(dev->label), text_trim(label)))
		return false;
	if (!text_u64(fields[3], UINT64_MAX / 512, &sectors))
		return false;
	if (strcmp(fields[4], "-") != 0 && !text_u64(fields[4], 4096, &partition))
		return false;
	dev->bytes = sectors * 512;
	dev->partition = (unsigned int)partition;
	dev->read_only = strcmp(fields[5], "0") != 0;
	return true;
}

void blockdevs_parse(struct blockdevs *devs, const char *output)
{
	_cleanup_(freep) char *text = xstrdup(output);
	char *line = text, *next;

	devs->count = 0;
	for (; line && devs->count < BLOCKDEVS_MAX; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (parse_line(line, &devs->items[devs->count]))
			devs->count++;
	}
}

static int list_err(const struct blockdevs *devs, struct err *err)
{
	_cleanup_(buf_free) struct buf list = {.max = 400};
	const struct blockdev *dev;
	char size[TEXT_SIZE];
	size_t i;

	for (i = 0; i < devs->count; i++) {
		dev = &devs->items[i];
		if (dev->partition || dev->bytes == 0)
			continue;
		buf_addf(&list, "%s%s (%s, %s)", list.size ? "; " : "", dev->name,
			 text_of_size(dev->bytes, size), dev->path);
	}
	return err_remedy(err, "the board has: %s",
			  list.size ? buf_text(&list) : "no block device");
}

/* Names that a text in a path must not pick: areas of another kind on the same chip, and memory. */
static bool is_special(const char *name)
{
	static const char *const starts[] = {"loop", "ram", "zram",     "dm-",
					     "md",   "nbd", "mtdblock", NULL};
	size_t i;

	if (strstr(name, "boot") || strstr(name, "rpmb"))
		return true;
	for (i = 0; starts[i]; i++)
		if (text_starts(name, starts[i]))
			return true;
	return false;
}

static int select_by_text(const struct blockdevs *devs, const char *text,
			  const struct blockdev **found, struct err *err)
{
	const struct blockdev *dev;
	size_t i;

	*found = NULL;
	for (i = 0; i < devs->count; i++) {
		dev = &devs->items[i];
		if (dev->partition || is_special(dev->name) || !strstr(dev->path, text))
			continue;
		if (*found) {
			err_set(err, ERR_TARGET, "'%s' is in the path of both %s and %s", text,
				(*found)->name, dev->name);
			return list_err(devs, err);
		}
		*found = dev;
	}
	if (*found)
		return 0;
	err_set(err, ERR_TARGET, "no block device hangs under '%s'", text);
	return list_err(devs, err);
}

static int select_by_name(const struct blockdevs *devs, const char *name,
			  const struct blockdev **found, struct err *err)
{
	size_t i;

	for (i = 0; i < devs->count; i++) {
		if (strcmp(devs->items[i].name, name) == 0) {
			*found = &devs->items[i];
			return 0;
		}
	}
	err_set(err, ERR_TARGET, "the board has no /dev/%s", name);
	return list_err(devs, err);
}

int blockdevs_select(const struct blockdevs *devs, const char *selector,
		     const struct blockdev **dev, struct err *err)
{
	static const char by_text[] = "/sys/class/block#", by_name[] = "/dev/";

	if (text_starts(selector, by_text) && selector[sizeof(by_text) - 1])
		return select_by_text(devs, selector + sizeof(by_text) - 1, dev, err);
	if (text_starts(selector, by_name) && selector[sizeof(by_name) - 1])
		return select_by_name(devs, selector + sizeof(by_name) - 1, dev, err);
	err_set(err, ERR_CONFIG, "'%s' does not select a block device", selector);
	return err_remedy(err,
			  "write /dev/NAME, or /sys/class/block#TEXT with a text from the path of "
			  "its controller");
}

static bool is_part_of(const struct blockdev *part, const struct blockdev *whole)
{
	size_t length = strlen(whole->path);

	return part->partition && strncmp(part->path, whole->path, length) == 0 &&
	       part->path[length] == '/';
}

int blockdevs_partition(const struct blockdevs *devs, const struct blockdev *whole,
			const char *label, const struct blockdev **dev, struct err *err)
{
	_cleanup_(buf_free) struct buf list = {.max = 300};
	const struct blockdev *item, *found = NULL;
	size_t i;

	for (i = 0; i < devs->count; i++) {
		item = &devs->items[i];
		if (!is_part_of(item, whole))
			continue;
		buf_addf(&list, "%s%s '%s'", list.size ? ", " : "", item->name, item->label);
		if (strcmp(item->label, label) != 0)
			continue;
		if (found)
			return err_set(err, ERR_TARGET, "both %s and %s are called '%s'",
				       found->name, item->name, label);
		found = item;
	}
	*dev = found;
	if (found)
		return 0;
	err_set(err, ERR_TARGET, "%s has no partition '%s'", whole->name, label);
	return err_remedy(err, "it has: %s", list.size ? buf_text(&list) : "no partitions");
}
