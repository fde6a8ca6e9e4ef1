// SPDX-License-Identifier: MIT
/* The transport that misbehaves on purpose. */
#include <stdlib.h>
#include <sys/queue.h>

#include "base/mem.h"
#include "io/usb_log.h"

/* A transfer on its way: what is asked below need not be what was asked of us. */
struct flight {
	TAILQ_ENTRY(flight) next;
	struct usb_transfer below;
	struct usb_transfer *transfer; /* borrowed */
	bool halve;
};

TAILQ_HEAD(flights, flight);

struct faulty {
	struct usb_device usb;
	struct usb_device *below;
	struct usb_fault fault;
	uint64_t count; /* transfers so far */
	bool gone;
	struct flights flying, hanging, done;
};

static struct faulty *self_of(struct usb_device *usb)
{
	return container_of(usb, struct faulty, usb);
}

static int gone(struct err *err)
{
	return err_set(err, ERR_USB, "the device is gone");
}

static bool strikes(struct faulty *self)
{
	uint64_t number = self->count++;

	return self->fault.once ? number == self->fault.after : number >= self->fault.after;
}

static void finish(struct flights *from, struct flights *to, struct flight *flight, int status)
{
	flight->transfer->status = status;
	TAILQ_REMOVE(from, flight, next);
	TAILQ_INSERT_TAIL(to, flight, next);
}

static int pass_on(struct faulty *self, struct flight *flight, struct err *err)
{
	int rc = usb_submit(self->below, &flight->below, err);

	if (rc < 0)
		free(flight);
	else
		TAILQ_INSERT_TAIL(&self->flying, flight, next);
	return rc;
}

static int submit(struct usb_device *usb, struct usb_transfer *transfer, struct err *err)
{
	struct faulty *self = self_of(usb);
	struct flight *flight;
	bool struck = strikes(self);

	if (struck && self->fault.kind == USB_FAULT_GONE)
		self->gone = !self->fault.once;
	if (self->gone || (struck && self->fault.kind == USB_FAULT_GONE))
		return gone(err);
	flight = xcalloc(1, sizeof(*flight));
	flight->transfer = transfer;
	flight->below = *transfer;
	if (struck && self->fault.kind == USB_FAULT_SHORT) {
		flight->halve = usb_is_in(transfer);
		flight->below.size = flight->halve ? transfer->size : transfer->size / 2;
	} else if (struck) {
		TAILQ_INSERT_TAIL(&self->hanging, flight, next);
		if (self->fault.kind == USB_FAULT_STALL)
			finish(&self->hanging, &self->done, flight, -ERR_BOARD);
		return 0;
	}
	return pass_on(self, flight, err);
}

static int reap_below(struct faulty *self, struct deadline deadline, struct err *err)
{
	struct usb_transfer *below;
	struct flight *flight;
	int rc = usb_reap(self->below, &below, deadline, err);

	if (rc < 0)
		return rc;
	flight = container_of(below, struct flight, below);
	flight->transfer->got = flight->halve ? below->got / 2 : below->got;
	finish(&self->flying, &self->done, flight, below->status);
	return 0;
}

static int reap(struct usb_device *usb, struct usb_transfer **transfer, struct deadline deadline,
		struct err *err)
{
	struct faulty *self = self_of(usb);
	struct flight *flight;
	int rc = 0;

	if (TAILQ_EMPTY(&self->done) && TAILQ_EMPTY(&self->flying) && !TAILQ_EMPTY(&self->hanging))
		return deadline_poll(NULL, 0, deadline, err);
	if (TAILQ_EMPTY(&self->done))
		rc = reap_below(self, deadline, err);
	if (rc < 0)
		return rc;
	flight = TAILQ_FIRST(&self->done);
	TAILQ_REMOVE(&self->done, flight, next);
	*transfer = flight->transfer;
	free(flight);
	return 0;
}

static void cancel(struct usb_device *usb)
{
	struct faulty *self = self_of(usb);

	while (!TAILQ_EMPTY(&self->hanging))
		finish(&self->hanging, &self->done, TAILQ_FIRST(&self->hanging), -ERR_CANCELLED);
	usb_cancel(self->below);
}

static int claim(struct usb_device *usb, uint8_t interface, struct err *err)
{
	struct faulty *self = self_of(usb);

	return self->gone ? gone(err) : usb_claim(self->below, interface, err);
}

static void release(struct usb_device *usb, uint8_t interface)
{
	usb_release(self_of(usb)->below, interface);
}

static int set_alt(struct usb_device *usb, uint8_t interface, uint8_t alt, struct deadline deadline,
		   struct err *err)
{
	struct faulty *self = self_of(usb);

	return self->gone ? gone(err) : usb_set_alt(self->below, interface, alt, deadline, err);
}

static int clear_halt(struct usb_device *usb, uint8_t endpoint, struct deadline deadline,
		      struct err *err)
{
	struct faulty *self = self_of(usb);

	return self->gone ? gone(err) : usb_clear_halt(self->below, endpoint, deadline, err);
}

static int reset(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	struct faulty *self = self_of(usb);

	return self->gone ? gone(err) : usb_reset(self->below, deadline, err);
}

static int await_gone(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	struct faulty *self = self_of(usb);

	return self->gone ? 0 : usb_await_gone(self->below, deadline, err);
}

static void free_all(struct flights *flights)
{
	struct flight *flight;

	while ((flight = TAILQ_FIRST(flights))) {
		TAILQ_REMOVE(flights, flight, next);
		free(flight);
	}
}

static void close_fault(struct usb_device *usb)
{
	struct faulty *self = self_of(usb);

	usb_close(self->below);
	free_all(&self->flying);
	free_all(&self->hanging);
	free_all(&self->done);
	free(self);
}

static const struct usb_ops ops = {
	.submit = submit,
	.reap = reap,
	.cancel = cancel,
	.claim = claim,
	.release = release,
	.set_alt = set_alt,
	.clear_halt = clear_halt,
	.reset = reset,
	.await_gone = await_gone,
	.close = close_fault,
};

struct usb_device *usb_fault(struct usb_device *below, struct usb_fault fault)
{
	struct faulty *self = xcalloc(1, sizeof(*self));

	*self = (struct faulty){
		.usb = {.ops = &ops, .info = below->info},
		.below = below,
		.fault = fault,
	};
	TAILQ_INIT(&self->flying);
	TAILQ_INIT(&self->hanging);
	TAILQ_INIT(&self->done);
	return &self->usb;
}
