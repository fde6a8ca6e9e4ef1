// SPDX-License-Identifier: MIT
#include "engine/usb_match.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define HUB 9 /* class */

static bool is_class(const struct usb_class *a, const struct usb_class *b)
{
	return a->class == b->class && a->subclass == b->subclass && a->protocol == b->protocol;
}

static enum usb_fit interface_fit(const struct usb_mode *mode, const struct usb_info *info)
{
	size_t i;

	if (!mode->interface.class)
		return USB_FIT_YES;
	for (i = 0; i < info->interface_count; i++)
		if (is_class(&mode->interface, &info->interfaces[i]))
			return USB_FIT_YES;
	return info->described || info->interface_count ? USB_FIT_NO : USB_FIT_MAYBE;
}

/* A product string that is not there may be one that could not be read yet. */
static enum usb_fit product_fit(const struct usb_mode *mode, const struct usb_info *info)
{
	if (!mode->product || strstr(info->product, mode->product))
		return USB_FIT_YES;
	return info->product[0] ? USB_FIT_NO : USB_FIT_MAYBE;
}

static enum usb_fit mode_fit(const struct usb_mode *mode, const struct usb_info *info)
{
	enum usb_fit interface = interface_fit(mode, info), product = product_fit(mode, info);

	if ((mode->vid && mode->vid != info->vid) || (mode->pid && mode->pid != info->pid))
		return USB_FIT_NO;
	return interface < product ? interface : product;
}

bool usb_mode_match(const struct usb_mode *mode, const struct usb_info *info)
{
	return mode_fit(mode, info) == USB_FIT_YES;
}

const struct usb_mode *usb_mode_best(const struct usb_mode *modes, const struct usb_info *info,
				     enum usb_fit *fit)
{
	const struct usb_mode *best = NULL;
	enum usb_fit one;

	*fit = USB_FIT_NO;
	for (; modes->mode; modes++) {
		one = mode_fit(modes, info);
		if (one > *fit)
			best = modes;
		*fit = one > *fit ? one : *fit;
	}
	return best;
}

const struct usb_mode *usb_mode_find(const struct usb_mode *modes, const struct usb_info *info)
{
	enum usb_fit fit;
	const struct usb_mode *best = usb_mode_best(modes, info, &fit);

	return fit == USB_FIT_YES ? best : NULL;
}

enum usb_fit usb_modes_fit(const struct usb_mode *modes, const struct usb_info *info)
{
	enum usb_fit fit;

	usb_mode_best(modes, info, &fit);
	return fit;
}

void usb_known_free(struct usb_known *known)
{
	free(known->beside);
	*known = (struct usb_known){0};
}

bool usb_is_same(const struct usb_info *a, const struct usb_info *b)
{
	return strcmp(a->path, b->path) == 0 && a->address == b->address && a->vid == b->vid &&
	       a->pid == b->pid;
}

static bool was_beside(const struct usb_known *known, const struct usb_info *info)
{
	size_t i;

	for (i = 0; i < known->beside_count; i++)
		if (usb_is_same(&known->beside[i], info))
			return true;
	return false;
}

void usb_known_set(struct usb_known *known, const struct usb_info *info, struct usb_info *list,
		   size_t count)
{
	size_t i;

	free(known->beside);
	known->beside = list;
	known->beside_count = count;
	known->seen = true;
	known->leaving = false;
	known->now = *info;
	if (!info->serial[0])
		return; /* this stage has none: the one before still holds */
	memcpy(known->serial, info->serial, sizeof(known->serial));
	known->unique = true;
	for (i = 0; i < count; i++)
		if (strcmp(list[i].path, info->path) != 0 &&
		    strcmp(list[i].serial, info->serial) == 0)
			known->unique = false;
}

/* A board that was seen is what is on its port now. The same serial number on another port is the
   board when no other has that number, and when the device came since: a hub may show one plug on
   two buses, one for each speed. */
static enum usb_fit follow_fit(const struct usb_known *known, const struct usb_info *info)
{
	if (known->leaving && usb_is_same(&known->now, info))
		return USB_FIT_NO;
	if (strcmp(known->now.path, info->path) == 0)
		return USB_FIT_YES;
	if (known->unique && known->serial[0] && strcmp(known->serial, info->serial) == 0 &&
	    !was_beside(known, info))
		return USB_FIT_YES;
	return USB_FIT_NO;
}

enum usb_fit usb_known_fit(const struct usb_known *known, const struct board *board,
			   const struct usb_mode *modes, const struct usb_info *info)
{
	enum usb_fit own = known->seen ? follow_fit(known, info) : board_usb_fit(board, info);
	enum usb_fit mode = usb_modes_fit(modes, info);

	return own < mode ? own : mode;
}

static int several(const struct board *board, const struct usb_info *const *candidates,
		   size_t count, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {.max = 700};
	size_t i;

	for (i = 0; i < count; i++) {
		if (i)
			buf_add_text(&text, ", ");
		usb_list_text(candidates[i], 1, &text);
	}
	err_set(err, ERR_CONFIG, "several devices could be board '%s': %s", board->name,
		buf_text(&text));
	return err_remedy(err,
			  "say in its board file which one it is: 'usb: {path: %s}', or its "
			  "serial number",
			  candidates[0]->path);
}

#define CANDIDATES_MAX 16

int usb_known_choose(const struct usb_known *known, const struct board *board,
		     const struct usb_mode *modes, const struct usb_info *list, size_t count,
		     const struct usb_info **chosen, struct err *err)
{
	const struct usb_info *candidates[CANDIDATES_MAX];
	size_t found = 0, i;

	*chosen = NULL;
	for (i = 0; i < count && found < CANDIDATES_MAX; i++) {
		if (usb_known_fit(known, board, modes, &list[i]) == USB_FIT_NO)
			continue;
		candidates[found++] = &list[i];
		/* What is on its own port comes before what has its number. */
		if (known->seen && strcmp(known->now.path, list[i].path) == 0) {
			*chosen = &list[i];
			return 0;
		}
	}
	if (found > 1)
		return several(board, candidates, found, err);
	if (found == 1)
		*chosen = candidates[0];
	return 0;
}

void usb_list_text(const struct usb_info *list, size_t count, struct buf *out)
{
	size_t start = out->size, i;

	for (i = 0; i < count; i++) {
		if (list[i].device.class == HUB)
			continue;
		buf_addf(out, "%s%s %04x:%04x", out->size > start ? ", " : "", list[i].path,
			 list[i].vid, list[i].pid);
		if (list[i].product[0])
			buf_addf(out, " '%s'", list[i].product);
		if (list[i].serial[0])
			buf_addf(out, " serial %s", list[i].serial);
	}
	if (out->size == start)
		buf_add_text(out, "nothing");
}

static bool is_called_the_same(const struct usb_mode *one, const struct usb_mode *other)
{
	return text_equal(one->family, other->family) && text_equal(one->mode, other->mode);
}

/* Ids that are called the same are told once. */
static const struct usb_mode *next_called(const struct usb_mode *modes, const struct usb_mode *from)
{
	const struct usb_mode *mode, *before;

	for (mode = from; mode->mode; mode++) {
		for (before = modes; before < mode && !is_called_the_same(before, mode); before++)
			;
		if (before == mode)
			return mode;
	}
	return mode;
}

void usb_modes_text(const struct usb_mode *modes, struct buf *out)
{
	const struct usb_mode *mode, *next;

	for (mode = modes; mode->mode; mode = next) {
		next = next_called(modes, mode + 1);
		buf_addf(out, "%s%s%s%s",
			 mode == modes ? ""
			 : next->mode  ? ", "
				       : " or ",
			 mode->family ? mode->family : "", mode->family ? " " : "", mode->mode);
	}
}
