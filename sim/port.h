// SPDX-License-Identifier: MIT
/*
 * A port with a device in it: enumeration, the standard requests of USB 2.0 chapter 9, the faults
 * that belong to the bus, and what transfers cost. Pure: the moment is a parameter.
 */
#ifndef ABOARD_SIM_PORT_H
#define ABOARD_SIM_PORT_H

#include "sim/sim.h"

struct sim_port {
	struct sim_device *device; /* owned */
	unsigned int number;       /* of the port, from 1 */
	unsigned int address;      /* another one after each enumeration */
	bool present;
	int64_t since_us; /* when it appeared */
	int64_t back_us;  /* not present: when it comes back; INT64_MAX: never */
	int64_t free_us;  /* until then the device is at work */
	uint8_t configuration;
	uint8_t alts[USB_INTERFACES_MAX];
	uint32_t halted; /* bit n: OUT endpoint n; 16 + n: IN */
	bool used;       /* asked for more than descriptors since it was enumerated */
	bool other_serial, other_id;
};

/* One transfer; `data` has room for `size` bytes in either direction. */
struct sim_transfer {
	uint8_t endpoint; /* with USB_IN; 0: control */
	struct usb_setup setup;
	uint8_t *data;
	size_t size; /* OUT: bytes there are; IN: bytes wanted */
	size_t got;  /* bytes moved */
};

enum sim_outcome {
	SIM_DONE,    /* answered at *answer_us */
	SIM_REFUSED, /* the same, stalled */
	SIM_PENDING, /* nothing to give yet: ask again when something has happened */
	SIM_NEVER,   /* never answered */
};

/* The device is put in at `now_us`, present at once. */
void sim_port_begin(struct sim_port *port, struct sim_device *device, unsigned int number,
		    int64_t now_us);
void sim_port_end(struct sim_port *port);

/* Carries a transfer out. *leaves: after the answer, or at once when there is none, the device
   leaves: sim_port_leave(). */
enum sim_outcome sim_port_transfer(struct sim_port *port, struct sim_transfer *transfer,
				   int64_t now_us, int64_t *answer_us, bool *leaves);

void sim_port_leave(struct sim_port *port, int64_t now_us);
/* Comes back, with a new address, when it is time. */
void sim_port_tick(struct sim_port *port, int64_t now_us);

/* A reset of the bus. */
void sim_port_reset(struct sim_port *port, int64_t now_us);

/* The descriptors as the host sees them, with the faults that belong to them. */
void sim_port_device_descriptor(const struct sim_port *port, uint8_t out[18]);

#endif
