// SPDX-License-Identifier: MIT
/*
 * One client of the USB/IP server, as bytes in and bytes out: operations until it has imported a
 * device, then transfers of that device. Pure: no sockets, and the moment is a parameter. What
 * comes in is hostile.
 */
#ifndef ABOARD_SIM_SESSION_H
#define ABOARD_SIM_SESSION_H

#include "base/buf.h"
#include "sim/port.h"

struct session;

/* The ports that are exported; each may be one client's. */
struct sim_bus {
	struct sim_port *ports;
	struct session **users; /* of each port; NULL: free */
	size_t count;
	bool reset_on_detach; /* as Linux's usbip-host: a client that goes resets the device */
};

/* The device in the port is the bus's from now on. */
void sim_bus_add(struct sim_bus *bus, struct sim_device *device, int64_t now_us);
void sim_bus_free(struct sim_bus *bus);

struct urb;

struct session {
	struct sim_bus *bus;
	struct sim_port *port; /* imported; NULL: not yet */
	unsigned int address;  /* of the device when it was imported */
	struct buf in, out;
	struct urb *first, *last;
	size_t urb_bytes;
	bool closing;     /* to be closed once `out` is sent */
	int64_t leave_us; /* when the device leaves the bus; LOOP_NEVER: it stays */
	int64_t due_us;   /* when session_work() has something to do */
};

void session_begin(struct session *session, struct sim_bus *bus);
void session_end(struct session *session, int64_t now_us);

/* Takes what the client has sent. */
void session_take(struct session *session, const void *data, size_t size, int64_t now_us);

/* Carries out what can be, answers what is due. */
void session_work(struct session *session, int64_t now_us);

/* Whether so much waits already that the client is to be read no further. */
bool session_full(const struct session *session);

#endif
