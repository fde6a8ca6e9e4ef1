// SPDX-License-Identifier: MIT
/*
 * Behavioural models of USB devices, and the USB/IP server that exports them. A model answers
 * transfers; when the board it plays resets, it asks to be enumerated anew, and the server drops
 * the connection and exports it again as the device it has become. Models are pure in time: they
 * get the moment from the server and say how long things take.
 */
#ifndef ABOARD_SIM_SIM_H
#define ABOARD_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/usb.h"

/* How a transfer ended. */
enum sim_status {
	SIM_OK,
	SIM_STALL,
	SIM_HANG, /* never answered; with `leaves` set: the device is gone before it has answered */
};

#define SIM_STRINGS_MAX 255

/* What the device is now: descriptors as it gives them; face.h makes them. */
struct sim_face {
	uint8_t device[18];
	struct buf configuration;       /* whole, wTotalLength bytes */
	char *strings[SIM_STRINGS_MAX]; /* ASCII; strings[i] is index i + 1; owned */
	size_t string_count;
	enum usb_speed speed;
};

struct sim_device;
struct sim_faults;

struct sim_model {
	const char *name;
	const struct sim_face *(*face)(struct sim_device *device);
	/* A control transfer that is not a standard request the port answers itself (port.h).
	   SET_INTERFACE is told to the model as well. OUT: data holds *size bytes; IN: up to *size
	   bytes are filled in, and *size says how many. */
	enum sim_status (*control)(struct sim_device *device, struct usb_setup setup, uint8_t *data,
				   size_t *size);
	/* NULL: the model has no endpoints. An IN transfer that has nothing to give yet is answered
	   later: the model returns SIM_OK with *pending true, and is asked again. */
	enum sim_status (*bulk)(struct sim_device *device, uint8_t endpoint, uint8_t *data,
				size_t *size, bool *pending);
	void (*reset)(struct sim_device *device);   /* bus reset */
	void (*restart)(struct sim_device *device); /* power went off and on */
	void (*arrive)(struct sim_device *device);  /* NULL, or: it is back on the bus */
	void (*free)(struct sim_device *device);
};

struct sim_device {
	const struct sim_model *model;
	char busid[32];            /* "1-1": the port; stays */
	char serial[64];           /* what the model uses as its serial number */
	struct sim_faults *faults; /* owned; fault.h */
	const char *stage;         /* of the model, for faults that belong to one; NULL: none */
	int64_t now_us;            /* set before every call of the model */

	/* Set by the model during a call. */
	bool leaves;       /* it drops off the bus after this answer */
	int64_t linger_ms; /* but only so much later; until then it answers, and can be reset */
	int64_t absent_ms; /* and comes back after this time; negative: never */
	int64_t busy_us;   /* after this answer, no transfer is answered for so long */

	/* What transfers cost of the server's time. */
	uint64_t transfer_us; /* each control transfer */
	uint64_t bulk_rate;   /* bulk bytes a second; 0: nothing */
};

/* Frees the device with its faults. */
void sim_device_free(struct sim_device *device);

#endif
