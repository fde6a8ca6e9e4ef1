// SPDX-License-Identifier: MIT
/* USB/IP 1.1.1: Linux Documentation/usb/usbip_protocol.rst; tools/usb/usbip and drivers/usb/usbip
   for what it leaves open. */
#include "sim/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/usb_descriptors.h"
#include "io/usbip_wire.h"
#include "sim/loop.h"

#define BUS  1
#define FULL ((size_t)8 << 20) /* bytes that may wait */

enum {
	OP_GOOD = 0,
	OP_ERROR = 1,
	OP_BUSY = 2,
	OP_NONE = 4
};

enum urb_state {
	URB_QUEUED,
	URB_ANSWERED, /* the answer is given when it is due */
	URB_HUNG,
};

struct urb {
	struct urb *next;
	struct usbip_header header;
	struct sim_transfer transfer;
	enum urb_state state;
	int64_t arrived_us; /* LOOP_NEVER: it was asked for before, and was pending */
	int32_t status;
	int64_t due_us;
	bool leaves;
};

void sim_bus_add(struct sim_bus *bus, struct sim_device *device, int64_t now_us)
{
	size_t number = bus->count + 1;

	bus->ports = xrealloc(bus->ports, number, sizeof(*bus->ports));
	bus->users = xrealloc(bus->users, number, sizeof(struct session *));
	bus->users[bus->count] = NULL;
	snprintf(device->busid, sizeof(device->busid), "%d-%zu", BUS, number);
	sim_port_begin(&bus->ports[bus->count++], device, (unsigned int)number, now_us);
}

void sim_bus_free(struct sim_bus *bus)
{
	size_t i;

	for (i = 0; i < bus->count; i++)
		sim_port_end(&bus->ports[i]);
	free(bus->ports);
	free(bus->users);
	*bus = (struct sim_bus){0};
}

/* Equal addresses of two devices would be told apart by nothing. */
static unsigned int device_number(const struct sim_bus *bus, const struct sim_port *port)
{
	return (unsigned int)((port->address * bus->count + port->number) % 0xffff) + 1;
}

static struct session **user_of(struct sim_bus *bus, const struct sim_port *port)
{
	return &bus->users[port - bus->ports];
}

void session_begin(struct session *session, struct sim_bus *bus)
{
	*session = (struct session){.bus = bus, .due_us = LOOP_NEVER, .leave_us = LOOP_NEVER};
	session->in.max = session->out.max = 4 * FULL;
}

static void urb_free(struct urb *urb)
{
	free(urb->transfer.data);
	free(urb);
}

static void drop_urbs(struct session *session)
{
	struct urb *urb, *next;

	for (urb = session->first; urb; urb = next) {
		next = urb->next;
		urb_free(urb);
	}
	session->first = session->last = NULL;
	session->urb_bytes = 0;
}

static void detach(struct session *session)
{
	if (!session->port)
		return;
	*user_of(session->bus, session->port) = NULL;
	session->port = NULL;
	drop_urbs(session);
}

/* The client does not wait for an answer after which the device leaves: it leaves all the same. */
static bool leaves_soon(const struct session *session)
{
	const struct urb *urb;

	for (urb = session->first; urb; urb = urb->next)
		if (urb->leaves)
			return true;
	return session->leave_us != LOOP_NEVER;
}

void session_end(struct session *session, int64_t now_us)
{
	struct sim_port *port = session->port;
	bool leaves = leaves_soon(session);

	detach(session);
	if (port && session->bus->reset_on_detach)
		sim_port_reset(port, now_us);
	if (port && leaves)
		sim_port_leave(port, now_us);
	buf_free(&session->in);
	buf_free(&session->out);
}

static void reply_op(struct session *session, uint16_t code, uint32_t status)
{
	uint8_t bytes[USBIP_OP_SIZE];

	usbip_put_op(bytes, &(struct usbip_op){USBIP_VERSION, code, status});
	buf_add(&session->out, bytes, sizeof(bytes));
}

/* Class triples of the first alternate setting of each interface. */
static size_t interfaces(const struct sim_face *face, struct usb_class out[USB_INTERFACES_MAX])
{
	const struct buf *configuration = &face->configuration;
	struct usb_descriptor descriptor;
	size_t at = 0, count = 0;

	while (usb_descriptor_next((const uint8_t *)configuration->data, configuration->size, &at,
				   &descriptor))
		if (descriptor.type == USB_DESCRIPTOR_INTERFACE && descriptor.size >= 9 &&
		    descriptor.bytes[3] == 0 && count < USB_INTERFACES_MAX)
			out[count++] = (struct usb_class){descriptor.bytes[5], descriptor.bytes[6],
							  descriptor.bytes[7]};
	return count;
}

static size_t reply_device(struct session *session, struct sim_port *port,
			   struct usb_class classes[USB_INTERFACES_MAX])
{
	const struct sim_face *face = port->device->model->face(port->device);
	size_t count = interfaces(face, classes);
	uint8_t bytes[USBIP_DEVICE_SIZE], descriptor[18];
	struct usbip_device device = {
		.bus = BUS,
		.device = device_number(session->bus, port),
		.speed = usbip_speed_of(face->speed),
		.configuration = port->configuration ? port->configuration : 1,
		.configuration_count = 1,
		.interface_count = (uint8_t)count,
	};

	sim_port_device_descriptor(port, descriptor);
	device.class = (struct usb_class){descriptor[4], descriptor[5], descriptor[6]};
	device.vid = le16(descriptor + 8);
	device.pid = le16(descriptor + 10);
	device.release = le16(descriptor + 12);
	snprintf(device.path, sizeof(device.path), "/sys/devices/platform/aboard-sim/usb%d/%s", BUS,
		 port->device->busid);
	snprintf(device.busid, sizeof(device.busid), "%s", port->device->busid);
	usbip_put_device(bytes, &device);
	buf_add(&session->out, bytes, sizeof(bytes));
	return count;
}

static void reply_devlist(struct session *session)
{
	struct usb_class classes[USB_INTERFACES_MAX];
	struct sim_bus *bus = session->bus;
	uint8_t count[4];
	uint32_t present = 0;
	size_t i, k, n;

	for (i = 0; i < bus->count; i++)
		present += bus->ports[i].present;
	reply_op(session, USBIP_OP_REP_DEVLIST, OP_GOOD);
	put_be32(count, present);
	buf_add(&session->out, count, sizeof(count));
	for (i = 0; i < bus->count; i++) {
		if (!bus->ports[i].present)
			continue;
		n = reply_device(session, &bus->ports[i], classes);
		for (k = 0; k < n; k++)
			buf_add(&session->out,
				(const uint8_t[USBIP_INTERFACE_SIZE]){classes[k].class,
								      classes[k].subclass,
								      classes[k].protocol, 0},
				USBIP_INTERFACE_SIZE);
	}
}

static struct sim_port *find_port(struct sim_bus *bus, const char *busid)
{
	size_t i;

	for (i = 0; i < bus->count; i++)
		if (text_equal(bus->ports[i].device->busid, busid))
			return bus->ports[i].present ? &bus->ports[i] : NULL;
	return NULL;
}

static bool take_import(struct session *session, const uint8_t busid[USBIP_BUSID])
{
	struct usb_class classes[USB_INTERFACES_MAX];
	char name[USBIP_BUSID + 1] = "";
	struct sim_port *port;

	memcpy(name, busid, USBIP_BUSID);
	port = find_port(session->bus, name);
	if (!port || *user_of(session->bus, port)) {
		reply_op(session, USBIP_OP_REP_IMPORT, port ? OP_BUSY : OP_NONE);
		return false;
	}
	reply_op(session, USBIP_OP_REP_IMPORT, OP_GOOD);
	reply_device(session, port, classes);
	*user_of(session->bus, port) = session;
	session->port = port;
	session->address = device_number(session->bus, port);
	return true;
}

/* Bytes taken of an operation; 0: more are needed. One is answered, then the client is left. */
static size_t take_op(struct session *session, const uint8_t *data, size_t size)
{
	struct usbip_op op;

	if (size < USBIP_OP_SIZE)
		return 0;
	usbip_get_op(data, &op);
	if (op.code == USBIP_OP_REQ_IMPORT && size < USBIP_OP_SIZE + USBIP_BUSID)
		return 0;
	session->closing = true;
	if (op.code == USBIP_OP_REQ_DEVLIST) {
		reply_devlist(session);
		return USBIP_OP_SIZE;
	}
	if (op.code != USBIP_OP_REQ_IMPORT)
		return USBIP_OP_SIZE;
	session->closing = !take_import(session, data + USBIP_OP_SIZE);
	return USBIP_OP_SIZE + USBIP_BUSID;
}

static void append_urb(struct session *session, const struct usbip_header *header,
		       const uint8_t *data, int64_t now_us)
{
	struct urb *urb = xcalloc(1, sizeof(*urb));
	uint16_t length;

	urb->header = *header;
	urb->arrived_us = now_us;
	urb->transfer.endpoint = (uint8_t)(header->endpoint & 0x0f);
	if (urb->transfer.endpoint && header->in)
		urb->transfer.endpoint |= USB_IN;
	urb->transfer.size = header->length;
	urb->transfer.data = xcalloc(1, (size_t)header->length + 1);
	if (!header->in && header->length)
		memcpy(urb->transfer.data, data, header->length);
	if (!urb->transfer.endpoint) {
		usb_get_setup(header->setup, &urb->transfer.setup, &length);
		if (length < urb->transfer.size)
			urb->transfer.size = length;
	}
	if (session->last)
		session->last->next = urb;
	else
		session->first = urb;
	session->last = urb;
	session->urb_bytes += sizeof(*urb) + header->length;
}

static struct urb *unlink_urb(struct session *session, uint32_t sequence)
{
	struct urb **at, *urb, *before = NULL;

	for (at = &session->first; (urb = *at); at = &urb->next, before = urb) {
		if (urb->header.sequence != sequence)
			continue;
		*at = urb->next;
		if (session->last == urb)
			session->last = before;
		session->urb_bytes -= sizeof(*urb) + urb->header.length;
		return urb;
	}
	return NULL;
}

static void take_unlink(struct session *session, const struct usbip_header *header)
{
	struct usbip_header reply = {.command = USBIP_RET_UNLINK, .sequence = header->sequence};
	struct urb *urb = unlink_urb(session, header->unlink);
	uint8_t bytes[USBIP_HEADER_SIZE];

	if (urb) {
		reply.status = -ECONNRESET;
		urb_free(urb);
	}
	usbip_put_header(bytes, &reply);
	buf_add(&session->out, bytes, sizeof(bytes));
}

/* Bytes taken of a request; 0: more are needed. What is not as agreed ends the connection, as
   Linux's server does. */
static size_t take_request(struct session *session, const uint8_t *data, size_t size,
			   int64_t now_us)
{
	struct usbip_header header;
	size_t whole = USBIP_HEADER_SIZE;

	if (size < USBIP_HEADER_SIZE)
		return 0;
	if (!usbip_get_header(data, &header) ||
	    (header.command != USBIP_CMD_SUBMIT && header.command != USBIP_CMD_UNLINK) ||
	    header.devid != ((uint32_t)BUS << 16 | session->address) || header.endpoint > 15) {
		session->closing = true;
		return size;
	}
	if (header.command == USBIP_CMD_UNLINK) {
		take_unlink(session, &header);
		return whole;
	}
	if (!header.in)
		whole += header.length;
	if (size < whole)
		return 0;
	append_urb(session, &header, data + USBIP_HEADER_SIZE, now_us);
	return whole;
}

void session_take(struct session *session, const void *data, size_t size, int64_t now_us)
{
	size_t at = 0, step;

	buf_add(&session->in, data, size);
	while (!session->closing && at < session->in.size) {
		const uint8_t *rest = (const uint8_t *)session->in.data + at;

		if (session->port)
			step = take_request(session, rest, session->in.size - at, now_us);
		else
			step = take_op(session, rest, session->in.size - at);
		if (!step)
			break;
		at += step;
		/* Before the next one, which may take this one back. */
		session_work(session, now_us);
	}
	if (at)
		buf_drop(&session->in, at);
}

static void answer(struct session *session, struct urb *urb)
{
	struct usbip_header reply = {
		.command = USBIP_RET_SUBMIT,
		.sequence = urb->header.sequence,
		.status = urb->status,
		.actual = (uint32_t)urb->transfer.got,
	};
	uint8_t bytes[USBIP_HEADER_SIZE];

	usbip_put_header(bytes, &reply);
	buf_add(&session->out, bytes, sizeof(bytes));
	if (urb->header.in)
		buf_add(&session->out, urb->transfer.data, urb->transfer.got);
}

static void leave(struct session *session, int64_t now_us)
{
	struct sim_port *port = session->port;

	session->leave_us = LOOP_NEVER;
	detach(session);
	session->closing = true;
	sim_port_leave(port, now_us);
}

/* Carries a transfer out; true when it came to something. */
static bool start(struct session *session, struct urb *urb, int64_t now_us)
{
	/* What came while the device was at work begins when that ends, not when it is looked at.
	 */
	int64_t begin_us = urb->arrived_us < now_us ? urb->arrived_us : now_us;
	enum sim_outcome outcome = sim_port_transfer(session->port, &urb->transfer, begin_us,
						     &urb->due_us, &urb->leaves);

	urb->arrived_us = LOOP_NEVER;
	if (outcome == SIM_PENDING)
		return false;
	urb->state = outcome == SIM_NEVER ? URB_HUNG : URB_ANSWERED;
	urb->status = outcome == SIM_REFUSED ? -EPIPE : 0;
	return true;
}

static uint32_t endpoint_bit(const struct urb *urb)
{
	uint8_t endpoint = urb->transfer.endpoint;

	return (uint32_t)1 << ((endpoint & 0x0f) + (endpoint & USB_IN ? 16 : 0));
}

/* One round over what waits, in order; the order on each endpoint is kept. True: something was
   carried out, and others may now have what they wait for. */
static bool round_once(struct session *session, int64_t now_us)
{
	struct urb *urb, *next;
	uint32_t blocked = 0;
	bool moved = false;

	for (urb = session->first; urb && session->port; urb = next) {
		next = urb->next;
		if (urb->state == URB_QUEUED && !(blocked & endpoint_bit(urb)) &&
		    session->port->free_us <= now_us)
			moved |= start(session, urb, now_us);
		blocked |= endpoint_bit(urb);
		if (urb->state == URB_HUNG && urb->leaves) {
			leave(session, now_us);
			return false;
		}
		if (urb->state != URB_ANSWERED || urb->due_us > now_us)
			continue;
		answer(session, urb);
		unlink_urb(session, urb->header.sequence);
		if (urb->leaves)
			session->leave_us = now_us + session->port->device->linger_ms * 1000;
		urb_free(urb);
		return true;
	}
	return moved;
}

/* The first moment at which something is to be answered or carried out. */
static int64_t next_due(const struct session *session, int64_t now_us)
{
	int64_t due = session->leave_us;
	const struct urb *urb;

	for (urb = session->first; urb; urb = urb->next) {
		if (urb->state == URB_ANSWERED && urb->due_us < due)
			due = urb->due_us;
		if (urb->state == URB_QUEUED && session->port->free_us > now_us &&
		    session->port->free_us < due)
			due = session->port->free_us;
	}
	return due;
}

void session_work(struct session *session, int64_t now_us)
{
	do {
		if (session->port && session->leave_us <= now_us)
			leave(session, now_us);
	} while (session->port && round_once(session, now_us));
	session->due_us = session->port ? next_due(session, now_us) : LOOP_NEVER;
}

bool session_full(const struct session *session)
{
	return session->out.size > FULL || session->urb_bytes > FULL;
}
