// SPDX-License-Identifier: MIT
/*
 * Which attached device is the board: pure. A device whose strings were not read yet may be it.
 */
#ifndef ABOARD_ENGINE_USB_MATCH_H
#define ABOARD_ENGINE_USB_MATCH_H

#include "base/buf.h"
#include "engine/job_usb.h"

enum usb_fit {
	USB_FIT_NO,
	USB_FIT_MAYBE, /* its strings or interfaces must be read first */
	USB_FIT_YES,
};

/* The row that a device fits best, the first of equals; NULL and USB_FIT_NO: none. */
const struct usb_mode *usb_mode_best(const struct usb_mode *modes, const struct usb_info *info,
				     enum usb_fit *fit);

/* The best that a device is to any row of the table. */
enum usb_fit usb_modes_fit(const struct usb_mode *modes, const struct usb_info *info);

enum usb_fit board_usb_fit(const struct board *board, const struct usb_info *info);

/* What a job knows of its board from the last time it had it open. */
struct usb_known {
	bool seen;
	struct usb_info now;   /* as it was opened last */
	bool leaving;          /* it was told to go: as it was it is not it any more */
	char serial[USB_TEXT]; /* the last one that it had */
	bool unique;           /* no other device had that serial number */
	/* What was attached beside it: on another port only what came since can be the board. */
	struct usb_info *beside; /* owned */
	size_t beside_count;
};

void usb_known_free(struct usb_known *known);

/* Whether both are one device that did not enumerate anew. */
bool usb_is_same(const struct usb_info *a, const struct usb_info *b);

/* The board was opened as `info` while `list` was attached; the list is taken over. */
void usb_known_set(struct usb_known *known, const struct usb_info *info, struct usb_info *list,
		   size_t count);

/* Whether a device is the board, in a mode of the table. */
enum usb_fit usb_known_fit(const struct usb_known *known, const struct board *board,
			   const struct usb_mode *modes, const struct usb_info *info);

/* The one device of a list that is the board. NULL and 0: none; ERR_CONFIG: several could be it,
   and nothing tells which. */
int usb_known_choose(const struct usb_known *known, const struct board *board,
		     const struct usb_mode *modes, const struct usb_info *list, size_t count,
		     const struct usb_info **chosen, struct err *err);

/* "usb:1-2 0483:df11 'DFU' serial 0039, ..." for people; hubs are left out. */
void usb_list_text(const struct usb_info *list, size_t count, struct buf *out);

/* "STM32MP boot ROM or STM32MP U-Boot" */
void usb_modes_text(const struct usb_mode *modes, struct buf *out);

#endif
