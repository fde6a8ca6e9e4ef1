// SPDX-License-Identifier: MIT
/*
 * U-Boot's `ums`: media as USB disks (cmd/usb_mass_storage.c, drivers/usb/gadget/f_mass_storage.c;
 * USB Mass Storage Class, Bulk-Only Transport 1.0; SCSI-2 with commands of 10 bytes).
 */
#ifndef ABOARD_SIM_UMS_DEVICE_H
#define ABOARD_SIM_UMS_DEVICE_H

#include "base/buf.h"
#include "sim/face.h"
#include "sim/medium.h"

#define UMS_LUNS 8
#define UMS_CSW  13

struct ums_device {
	struct medium *luns[UMS_LUNS]; /* borrowed */
	size_t count;
	bool eject_ends; /* ejecting ends the command, as in recent U-Boot */

	struct buf answer;     /* data for the host, of commands that have little */
	struct medium *medium; /* READ and WRITE: what is moved, */
	uint64_t at, left;     /* from where, and how many bytes are still to come */
	bool writes;           /* `left` comes from the host */
	uint64_t skip;         /* bytes of the host that nobody wants */
	uint32_t expected;     /* bytes that the host said it moves */
	uint32_t moved;
	bool halts;      /* no data for a host that waits for some: a stall tells it */
	bool has_status; /* a CSW is to be read */
	uint8_t csw[UMS_CSW];
	uint8_t sense[UMS_LUNS][3]; /* key, ASC, ASCQ of the last error */
	bool ended;                 /* ejected */
};

void ums_face(struct sim_face *face, const struct gadget_ids *ids);
void ums_begin(struct ums_device *ums); /* also at a reset: a UNIT ATTENTION is pending */
void ums_free(struct ums_device *ums);
enum sim_status ums_control(struct ums_device *ums, struct usb_setup setup, uint8_t *data,
			    size_t *size);
enum sim_status ums_bulk(struct ums_device *ums, uint8_t endpoint, uint8_t *data, size_t *size,
			 bool *pending);

#endif
