// SPDX-License-Identifier: MIT
/* From a USB port to its disks, through sysfs:
   PORT / PORT:CONFIG.INTERFACE / host* / target* / H:C:T:LUN / block / NAME */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "io/block.h"

static const struct block_roots real_roots = {"/sys", "/proc", "/dev"};

static void list_freep(struct dirent ***list)
{
	size_t i;

	for (i = 0; *list && (*list)[i]; i++)
		free((*list)[i]);
	free(*list);
}

/* The names in a folder, sorted, ended by NULL; a folder that is not there has none. */
static struct dirent **names_in(const char *folder)
{
	struct dirent **list = NULL;
	int count = scandir(folder, &list, NULL, alphasort);

	if (count < 0)
		return xcalloc(1, sizeof(struct dirent *));
	list = xrealloc(list, (size_t)count + 1, sizeof(struct dirent *));
	list[count] = NULL;
	return list;
}

/* One line of a file in sysfs, without white space around it; empty when it cannot be read. */
static void read_line(const char *folder, const char *name, char *out, size_t size)
{
	_cleanup_(freep) char *path = path_join(folder, name);
	_cleanup_(buf_free) struct buf text = {0};
	struct err err;
	size_t i;

	out[0] = '\0';
	if (path_read(path, 4096, &text, &err) < 0 || !text.data)
		return;
	snprintf(out, size, "%s", text_trim(text.data));
	for (i = 0; out[i]; i++)
		if ((unsigned char)out[i] < 32 || (unsigned char)out[i] > 126)
			out[i] = '?';
}

static uint64_t read_number(const char *folder, const char *name)
{
	uint64_t number = 0;
	char text[32];

	read_line(folder, name, text, sizeof(text));
	return text_u64(text, UINT64_MAX, &number) ? number : 0;
}

static bool is_port(const char *port)
{
	return isdigit((unsigned char)port[0]) && strchr(port, '-') &&
	       strspn(port, "0123456789.-") == strlen(port) && strlen(port) < 64;
}

/* USB mass storage: SCSI, bulk-only or UAS. */
static bool is_storage(const char *interface)
{
	char class[8], subclass[8], protocol[8];

	read_line(interface, "bInterfaceClass", class, sizeof(class));
	read_line(interface, "bInterfaceSubClass", subclass, sizeof(subclass));
	read_line(interface, "bInterfaceProtocol", protocol, sizeof(protocol));
	return strcmp(class, "08") == 0 && strcmp(subclass, "06") == 0 &&
	       (strcmp(protocol, "50") == 0 || strcmp(protocol, "62") == 0);
}

static bool read_dev(const char *folder, unsigned int *major, unsigned int *minor)
{
	char text[32], *colon;
	uint64_t high, low;

	read_line(folder, "dev", text, sizeof(text));
	colon = strchr(text, ':');
	if (!colon)
		return false;
	*colon = '\0';
	if (!text_u64(text, UINT32_MAX, &high) || !text_u64(colon + 1, UINT32_MAX, &low))
		return false;
	*major = (unsigned int)high;
	*minor = (unsigned int)low;
	return true;
}

static bool read_disk(const struct block_roots *roots, const char *scsi, const char *name,
		      struct block_info *info)
{
	*info = (struct block_info){0};
	if (strlen(name) >= sizeof(info->name) ||
	    (size_t)snprintf(info->sysfs, sizeof(info->sysfs), "%s/block/%s", scsi, name) >=
		    sizeof(info->sysfs) ||
	    (size_t)snprintf(info->node, sizeof(info->node), "%s/%s", roots->dev, name) >=
		    sizeof(info->node))
		return false;
	snprintf(info->name, sizeof(info->name), "%s", name);
	read_line(scsi, "vendor", info->vendor, sizeof(info->vendor));
	read_line(scsi, "model", info->model, sizeof(info->model));
	info->size = read_number(info->sysfs, "size") * 512;
	info->sector = (uint32_t)read_number(info->sysfs, "queue/logical_block_size");
	info->read_only = read_number(info->sysfs, "ro") != 0;
	return read_dev(info->sysfs, &info->major, &info->minor);
}

struct finding {
	const struct block_roots *roots;
	struct block_info *list;
	size_t count;
};

/* H:C:T:LUN */
static void add_unit(struct finding *finding, const char *scsi)
{
	_cleanup_(freep) char *folder = path_join(scsi, "block");
	_cleanup_(list_freep) struct dirent **names = names_in(folder);
	const char *lun = strrchr(scsi, ':');
	uint64_t number;
	size_t i;

	if (!lun || !text_u64(lun + 1, UINT32_MAX, &number))
		return;
	for (i = 0; names[i] && finding->count < BLOCK_LUNS; i++) {
		struct block_info *info = &finding->list[finding->count];

		if (names[i]->d_name[0] == '.' ||
		    !read_disk(finding->roots, scsi, names[i]->d_name, info))
			continue;
		info->lun = (unsigned int)number;
		finding->count++;
	}
}

/* Goes down one level for each name that begins as the kernel names it there. */
static void go_down(struct finding *finding, const char *folder, const char *const *starts)
{
	_cleanup_(list_freep) struct dirent **names = names_in(folder);
	size_t i;

	for (i = 0; names[i]; i++) {
		_cleanup_(freep) char *below = path_join(folder, names[i]->d_name);

		if (!text_starts(names[i]->d_name, starts[0]) || names[i]->d_name[0] == '.')
			continue;
		if (starts[1])
			go_down(finding, below, starts + 1);
		else
			add_unit(finding, below);
	}
}

static int by_lun(const void *a, const void *b)
{
	const struct block_info *first = a, *second = b;

	return (first->lun > second->lun) - (first->lun < second->lun);
}

int block_find(const struct block_roots *roots, const char *port,
	       struct block_info list[BLOCK_LUNS], size_t *count, struct err *err)
{
	static const char *const levels[] = {"host", "target", "", NULL};
	struct finding finding = {.roots = roots ? roots : &real_roots, .list = list};
	_cleanup_(freep) char *folder = NULL;
	_cleanup_(freep) char *start = xasprintf("%s:", port);
	struct dirent **names;
	size_t i;

	*count = 0;
	if (!is_port(port))
		return err_set(err, ERR_CONFIG, "'%s' is no USB port of this machine", port);
	folder = xasprintf("%s/bus/usb/devices/%s", finding.roots->sys, port);
	names = names_in(folder);
	for (i = 0; names[i]; i++) {
		_cleanup_(freep) char *interface = path_join(folder, names[i]->d_name);

		if (text_starts(names[i]->d_name, start) && is_storage(interface))
			go_down(&finding, interface, levels);
	}
	list_freep(&names);
	qsort(list, finding.count, sizeof(*list), by_lun);
	*count = finding.count;
	return 0;
}

/* A disk, or a partition of one: its name and number. */
struct part {
	char name[32];
	unsigned int major, minor;
};

#define PARTS_MAX 257

static size_t list_parts(const struct block_info *info, struct part parts[PARTS_MAX])
{
	_cleanup_(list_freep) struct dirent **names = names_in(info->sysfs);
	size_t count = 1, i;

	parts[0] = (struct part){.major = info->major, .minor = info->minor};
	snprintf(parts[0].name, sizeof(parts[0].name), "%s", info->name);
	for (i = 0; names[i] && count < PARTS_MAX; i++) {
		_cleanup_(freep) char *folder = path_join(info->sysfs, names[i]->d_name);
		struct part *part = &parts[count];

		if (!text_starts(names[i]->d_name, info->name) ||
		    !read_dev(folder, &part->major, &part->minor))
			continue;
		snprintf(part->name, sizeof(part->name), "%.31s", names[i]->d_name);
		count++;
	}
	return count;
}

/* The word number `index` (from 0) of a line; owned by the caller. */
static char *word_of(const char *line, size_t index)
{
	line += strspn(line, " \t");
	for (; index > 0; index--) {
		line += strcspn(line, " \t\n");
		line += strspn(line, " \t");
	}
	return xstrndup(line, strcspn(line, " \t\n"));
}

/* What uses this part according to a table of the kernel, in which column `key` is `value`; the
 * answer is column `answer`. NULL: nothing. Owned by the caller. */
static char *look_up(const char *proc, const char *table, size_t key, const char *value,
		     size_t answer)
{
	_cleanup_(freep) char *path = path_join(proc, table);
	_cleanup_(buf_free) struct buf text = {0};
	const char *line, *end;
	struct err err;

	if (path_read(path, (size_t)4 << 20, &text, &err) < 0)
		return NULL;
	for (line = buf_text(&text); *line; line = end + (*end == '\n')) {
		_cleanup_(freep) char *word = word_of(line, key);

		end = line + strcspn(line, "\n");
		if (strcmp(word, value) == 0)
			return word_of(line, answer);
	}
	return NULL;
}

static int in_use(const struct part *part, const char *how, const char *by, struct err *err)
{
	err_set(err, ERR_TARGET, "%s is %s%s%s", part->name, how, *by ? " " : "", by);
	return err_remedy(err, "nothing was written; let go of it first, and keep the desktop from "
			       "mounting it again (udev: ENV{UDISKS_IGNORE}=\"1\")");
}

static int check_part(const struct block_roots *roots, const struct block_info *info,
		      const struct part *part, struct err *err)
{
	bool whole = strcmp(part->name, info->name) == 0;
	_cleanup_(freep) char *number = xasprintf("%u:%u", part->major, part->minor);
	_cleanup_(freep) char *node = path_join(roots->dev, part->name);
	_cleanup_(freep) char *folder =
		xasprintf("%s%s%s/holders", info->sysfs, whole ? "" : "/", whole ? "" : part->name);
	_cleanup_(list_freep) struct dirent **holders = names_in(folder);
	_cleanup_(freep) char *mounted = look_up(roots->proc, "self/mountinfo", 2, number, 4);
	_cleanup_(freep) char *swap = look_up(roots->proc, "swaps", 0, node, 0);
	size_t i;

	if (mounted)
		return in_use(part, "mounted at", mounted, err);
	if (swap)
		return in_use(part, "used for swap", "", err);
	for (i = 0; holders[i]; i++)
		if (holders[i]->d_name[0] != '.')
			return in_use(part, "held by", holders[i]->d_name, err);
	return 0;
}

static int check_room(const struct block_info *info, uint64_t size, struct err *err)
{
	char wanted[TEXT_SIZE], there[TEXT_SIZE];

	if (info->size == 0)
		return err_set(err, ERR_TARGET, "%s has no medium", info->node);
	if (info->read_only)
		return err_set(err, ERR_TARGET, "%s is write-protected", info->node);
	if (size <= info->size)
		return 0;
	err_set(err, ERR_TARGET,
		"the image does not fit: it has %s (%" PRIu64 " bytes), %s has %s (%" PRIu64 ")",
		text_of_size(size, wanted), size, info->node, text_of_size(info->size, there),
		info->size);
	return err_remedy(err, "nothing was written; choose another target or a smaller image");
}

int block_check(const struct block_roots *roots, const struct block_info *info, uint64_t size,
		struct err *err)
{
	_cleanup_(freep) struct part *parts = xcalloc(PARTS_MAX, sizeof(*parts));
	size_t count = list_parts(info, parts), i;
	int rc = check_room(info, size, err);

	for (i = 0; rc == 0 && i < count; i++)
		rc = check_part(roots ? roots : &real_roots, info, &parts[i], err);
	return rc;
}
