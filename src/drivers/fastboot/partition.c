// SPDX-License-Identifier: MIT
/* What the device tells of its partitions, and whether an image may go there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/fastboot/board.h"

#define NAMES_MAX 256
#define SIZE_VAR  "partition-size:"

/* `getvar:all` of newer loaders: INFO lines like "partition-size:boot: 0x4000000". */
int fb_list_partitions(struct job *job, struct deadline deadline, struct err *err)
{
	struct fb *fb = fb_of(job);
	bool refused;
	int rc;

	buf_clear(&fb->partitions);
	fb->listing = true;
	rc = fastboot_try(&fb->device, NULL, &refused, deadline, err, "getvar:all");
	fb->listing = false;
	return rc;
}

/* The names of the list; the array ends with NULL, and its texts are in `text`. */
static void split_names(char *text, const char **names)
{
	char *line, *next, *end;
	size_t count = 0;

	for (line = text; *line && count < NAMES_MAX; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (!text_starts(line, SIZE_VAR))
			continue;
		end = strrchr(line + strlen(SIZE_VAR), ':');
		if (!end)
			continue;
		*end = '\0';
		names[count++] = line + strlen(SIZE_VAR);
	}
	names[count] = NULL;
}

static int unknown(const char *partition, const char *const *names, const char *words,
		   struct err *err)
{
	const char *nearest = text_nearest(partition, names);
	_cleanup_(buf_free) struct buf list = {.max = 300};
	size_t i;

	for (i = 0; names[i]; i++)
		buf_addf(&list, "%s%s", i ? ", " : "", names[i]);
	err_set(err, ERR_NOT_FOUND, "the device has no partition '%s'%s%s", partition,
		words[0] ? ": it says: " : "", words);
	if (nearest)
		return err_remedy(err, "did you mean '%s'?", nearest);
	if (list.size)
		return err_remedy(err, "it has: %s", buf_text(&list));
	return err_remedy(err, "its loader knows the names of the GPT, aliases of its environment, "
			       "and 0:1, 0#boot and the like");
}

static bool is_listed(const char *partition, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(*names, partition) == 0)
			return true;
	return false;
}

/* Words that mean that there is no such partition (U-Boot drivers/fastboot/fb_mmc.c, AOSP
   fastbootd). "invalid partition or device" does not: builds say it of everything they can write
   but not look up. */
static const char *const absent[] = {"no such partition", "cannot find partition",
				     "does not exist"};

static const char *absent_in(const char *words)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(absent); i++)
		if (strstr(words, absent[i]))
			return absent[i];
	return NULL;
}

/* Where the device does not tell the size: whether that means that there is no such partition. A
   name that is never a partition of a table proves nothing, nor does one of U-Boot's own form. */
static int judge_unknown(struct job *job, const struct fb_item *item, const char *words,
			 struct err *err)
{
	_cleanup_(freep) char *text = xstrdup(buf_text(&fb_of(job)->partitions));
	const char *names[NAMES_MAX + 1];

	split_names(text, names);
	if (item->form == FASTBOOT_FORM_RAW || strpbrk(item->partition, ":#.") ||
	    is_listed(item->partition, names))
		return 0;
	if (names[0] || absent_in(words))
		return unknown(item->partition, names, words, err);
	return 0;
}

int fb_judge_refusal(struct job *job, const struct fb_item *item, int rc, struct err *err)
{
	_cleanup_(freep) char *text = xstrdup(buf_text(&fb_of(job)->partitions));
	const char *names[NAMES_MAX + 1], *words;

	words = rc == -ERR_BOARD ? absent_in(err->text) : NULL;
	if (!words)
		return rc;
	split_names(text, names);
	return unknown(item->partition, names, words, err);
}

/* 0: the device does not tell; `words` has what it says then. */
static int size_of(struct job *job, const char *partition, uint64_t *size,
		   char words[FASTBOOT_ANSWER], struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *command = xasprintf("getvar:" SIZE_VAR "%s", partition);
	bool refused;
	int rc;

	*size = 0;
	words[0] = '\0';
	if (strlen(command) > FASTBOOT_COMMAND)
		return 0;
	rc = fastboot_try(&fb_of(job)->device, words, &refused, deadline, err, "%s", command);
	if (rc < 0)
		return rc;
	if (!refused && (text_u64(words, UINT64_MAX, size) || text_hex(words, size)))
		words[0] = '\0';
	return 0;
}

static int slot_of(struct job *job, const struct fb_item *item, char slot[FASTBOOT_ANSWER],
		   bool *known, struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *variable = xasprintf("has-slot:%s", item->partition);
	const char *wanted = yaml_text(job->board->own, "set_active", NULL);
	struct fastboot *device = &fb_of(job)->device;
	int rc;

	*known = false;
	if (strlen(variable) + strlen("getvar:") > FASTBOOT_COMMAND)
		return 0;
	rc = fastboot_getvar(device, variable, slot, known, deadline, err);
	*known = *known && strcmp(slot, "yes") == 0;
	if (rc < 0 || !*known)
		return rc;
	if (!wanted)
		return fastboot_getvar(device, "current-slot", slot, known, deadline, err);
	snprintf(slot, FASTBOOT_ANSWER, "%s", wanted);
	return 0;
}

/* Of a partition that is there twice, the one of the slot that is meant is written. U-Boot before
   v2020 says so of "boot" and "system" in any case: then there is none of that name. */
static int choose_slot(struct job *job, struct fb_item *item, struct deadline deadline,
		       struct err *err)
{
	char slot[FASTBOOT_ANSWER], words[FASTBOOT_ANSWER];
	_cleanup_(freep) char *name = NULL;
	uint64_t size = 0;
	bool known;
	int rc = slot_of(job, item, slot, &known, deadline, err);

	if (rc < 0 || !known)
		return rc;
	name = xasprintf("%s_%s", item->partition, slot);
	rc = size_of(job, name, &size, words, deadline, err);
	if (rc < 0 || size == 0)
		return rc;
	free(item->partition);
	item->partition = steal(name);
	return 0;
}

static int ask_size(struct job *job, struct fb_item *item, struct deadline deadline,
		    struct err *err)
{
	char words[FASTBOOT_ANSWER];
	int rc = size_of(job, item->partition, &item->size, words, deadline, err);

	if (rc < 0 || item->size > 0)
		return rc;
	return judge_unknown(job, item, words, err);
}

/* A sparse image has whole blocks only, and so may be a little too large. */
static int check_fit(struct job *job, struct fb_item *item, struct err *err)
{
	uint64_t size = item->image.size, whole = (size + SPARSE_BLOCK - 1) / SPARSE_BLOCK;
	char wanted[TEXT_SIZE], there[TEXT_SIZE];
	struct fastboot_send how = {.form = item->form, .size = size, .buffer = fb_of(job)->buffer};

	if (item->size == 0 || size == IMAGE_SIZE_UNKNOWN)
		return 0;
	if (size <= item->size && (fastboot_is_raw(&how) || whole * SPARSE_BLOCK <= item->size))
		return 0;
	if (size <= item->size && size <= how.buffer && item->form == FASTBOOT_FORM_AUTO) {
		item->form = FASTBOOT_FORM_RAW;
		return 0;
	}
	err_set(err, ERR_TARGET,
		"the image does not fit: it has %s (%" PRIu64 " bytes), '%s' has %s (%" PRIu64 ")",
		text_of_size(size, wanted), size, item->partition, text_of_size(item->size, there),
		item->size);
	return err_remedy(err, "nothing was written; choose another partition or a smaller image");
}

/* What cannot be cut up has to fit the device's buffer. */
static int check_buffer(struct job *job, const struct fb_item *item, struct err *err)
{
	uint64_t buffer = fb_of(job)->buffer;
	char wanted[TEXT_SIZE], there[TEXT_SIZE];

	if (item->form != FASTBOOT_FORM_RAW || item->image.size <= buffer)
		return 0;
	if (item->image.size == IMAGE_SIZE_UNKNOWN) {
		err_set(err, ERR_IMAGE,
			"'%s' is written in one piece, and the size of %s is not known",
			item->partition, item->image.ref);
		return err_remedy(err, "give it as a file");
	}
	err_set(err, ERR_TARGET,
		"'%s' is written in one piece: the image (%s) does not fit the "
		"device's buffer (%s)",
		item->partition, text_of_size(item->image.size, wanted),
		text_of_size(buffer, there));
	return err_remedy(err, "nothing was written; give the loader a larger buffer");
}

int fb_look_at(struct job *job, struct fb_item *item, struct deadline deadline, struct err *err)
{
	int rc = choose_slot(job, item, deadline, err);

	if (rc == 0)
		rc = ask_size(job, item, deadline, err);
	if (rc == 0 && item->image.file)
		rc = check_fit(job, item, err);
	if (rc == 0 && item->image.file)
		rc = check_buffer(job, item, err);
	return rc;
}
