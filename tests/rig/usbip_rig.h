// SPDX-License-Identifier: MIT
/*
 * A small USB/IP server on loopback, in a thread of the test: what is plugged in is a table that
 * the test changes while clients look and talk. Its devices know the standard requests, and have
 * endpoints that behave as their number says.
 */
#ifndef ABOARD_TESTS_USBIP_RIG_H
#define ABOARD_TESTS_USBIP_RIG_H

#include "io/usb.h"

enum rig_endpoint {
	RIG_DATA = 1,     /* OUT: kept; IN: what was kept, as much as is asked for */
	RIG_SILENT = 2,   /* answers only when it is taken back */
	RIG_STALL = 3,    /* stalls */
	RIG_GONE = 4,     /* the device leaves */
	RIG_TOO_MUCH = 5, /* answers with more than was asked for */
	RIG_DEAF = 6,     /* is not even taken back */
	RIG_LATE = 7,     /* has just ended when it is taken back */
	RIG_UNKNOWN = 8,  /* answers what was not asked */
};

struct rig_device {
	const char *busid;
	unsigned int address;
	uint16_t vid, pid;
	const char *manufacturer, *product, *serial; /* NULL: none */
	struct usb_class interface;
	bool busy;                /* another client has it */
	bool unconfigured;        /* as Linux's server lists what it has bound */
	unsigned int bad_strings; /* so many requests for strings are stalled at first */
	enum usb_speed speed;     /* unknown: high */
	struct usb_class class;
	/* A model of its own, called in the server's thread, one at a time. A control request:
	   returns how many bytes of `out` (at least 4096), RIG_STALLED, or RIG_STANDARD to leave it
	   to the rig. A report on RIG_DATA, which is an interrupt endpoint then: is answered in
	   place. */
	int (*control)(void *context, struct usb_setup setup, uint8_t *out);
	void (*report)(void *context, uint8_t *data);
	void *context;
};

#define RIG_STALLED  (-32)
#define RIG_STANDARD (-1)

#define RIG_DEVICES 8

struct usbip_rig;

struct usbip_rig *usbip_rig_new(void);
void usbip_rig_free(struct usbip_rig *rig);
void usbip_rig_freep(struct usbip_rig **rig);

/* "usbip://127.0.0.1:PORT" */
const char *usbip_rig_address(const struct usbip_rig *rig);

/* What is plugged in from now on. Devices that are not in the table any more, or have another
   address, are gone for who has them. */
void usbip_rig_plug(struct usbip_rig *rig, const struct rig_device *devices, size_t count);

/* How often a device was imported. */
unsigned int usbip_rig_imports(struct usbip_rig *rig);

/* The last control request that was no GET_DESCRIPTOR. */
struct usb_setup usbip_rig_last(struct usbip_rig *rig);

#endif
