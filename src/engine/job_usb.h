// SPDX-License-Identifier: MIT
/*
 * The USB device of a board, through every re-enumeration. The board file says by which port or
 * serial number it is known; a driver says in which modes it wants it. Waiting, and telling equal
 * boards apart, is done here and nowhere else.
 */
#ifndef ABOARD_ENGINE_JOB_USB_H
#define ABOARD_ENGINE_JOB_USB_H

#include "engine/job.h"
#include "io/usb.h"

/* Whether a device is in the mode: every field that the mode gives is the device's. */
bool usb_mode_match(const struct usb_mode *mode, const struct usb_info *info);

/* The first row of a table (ended by a row without `mode`) that the device is in; NULL: none. */
const struct usb_mode *usb_mode_find(const struct usb_mode *modes, const struct usb_info *info);

/* Whether a device is the one a board file's `usb` tells of. A board without `usb` is any device
 * that is in a mode of its driver. */
bool board_usb_match(const struct board *board, const struct usb_info *info);

/* The board's device as it is attached now, without opening it: ERR_NOT_FOUND with the list of what
   is attached when it is not, ERR_CONFIG when several could be meant. For checks. */
int job_usb_look(struct job *job, const struct usb_mode *modes, struct usb_info *info,
		 struct deadline deadline, struct err *err);

/* Waits until the board is attached in one of the modes, and opens it as job->usb; an older one is
   closed first. From the first time on the board is known by both its port and its serial number:
   what comes back on that port, or with that serial number, is it. */
int job_usb_open(struct job *job, const struct usb_mode *modes, struct deadline deadline,
		 struct err *err);

/* The same for a device that is about to enumerate anew: waits until it is gone (or has another
   address, when it is not open any more), then as job_usb_open(). ERR_TIMEOUT names what was waited
   for and what is attached instead. */
int job_usb_reopen(struct job *job, const struct usb_mode *modes, struct deadline deadline,
		   struct err *err);

/* Closes job->usb; nothing when there is none. The board is still known. */
void job_usb_close(struct job *job);

/* The engine's: forgets all, at the end of the job. */
void job_usb_free(struct job *job);

#endif
