// SPDX-License-Identifier: MIT
/*
 * Behavioural models of USB devices, and the USB/IP server that exports them. A model answers
 * transfers; when the board it plays resets, it asks to be enumerated anew, and the server drops
 * the connection and exports it again as the device it has become. Time comes from the server's
 * clock.
 */
#ifndef ABOARD_SIM_SIM_H
#define ABOARD_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/usb.h"

/* How a transfer ended. */
enum sim_status {
	SIM_OK,
	SIM_STALL,
	SIM_HANG, /* never answered */
};

/* What the device is now: descriptors as it gives them. */
struct sim_face {
	const uint8_t *device;        /* 18 bytes */
	const uint8_t *configuration; /* whole, wTotalLength bytes */
	const char *const *strings;   /* strings[i] is index i + 1; ended by NULL */
	enum usb_speed speed;
};

struct sim_device;

struct sim_model {
	const char *name;
	const struct sim_face *(*face)(struct sim_device *device);
	/* A control transfer that is not a standard request the server answers itself (it does
	   GET_DESCRIPTOR for device, configuration and strings, and SET_CONFIGURATION;
	   SET_INTERFACE is told to the model as well). OUT: data holds *size bytes; IN: up to *size
	   bytes are filled in, and *size says how many. */
	enum sim_status (*control)(struct sim_device *device, struct usb_setup setup, uint8_t *data,
				   size_t *size);
	/* NULL: the model has no endpoints. An IN transfer that has nothing to give yet is answered
	   later: the model returns SIM_OK with *pending true, and is asked again. */
	enum sim_status (*bulk)(struct sim_device *device, uint8_t endpoint, uint8_t *data,
				size_t *size, bool *pending);
	void (*reset)(struct sim_device *device); /* bus reset */
	void (*free)(struct sim_device *device);
};

struct sim_device {
	const struct sim_model *model;
	char busid[32];       /* "1-1": the port; stays */
	bool leaves;          /* set by the model: it drops off the bus after this answer */
	int64_t absent_ms;    /* and comes back after this time; negative: never */
	uint64_t transfer_us; /* every transfer costs this much of the server's time */
};

#endif
