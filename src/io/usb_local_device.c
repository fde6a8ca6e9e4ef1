// SPDX-License-Identifier: MIT
/* A device node, by libusb's asynchronous transfers. Each device has a libusb context of its own
   that looks for no other devices, so nothing is shared between them. */
#include <libusb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/mem.h"
#include "io/usb_local.h"

#define SETUP    LIBUSB_CONTROL_SETUP_SIZE
#define DRAIN_MS 5000 /* the kernel gives transfers back at once */

struct flight {
	TAILQ_ENTRY(flight) next;
	struct local *self;
	struct usb_transfer *transfer; /* borrowed */
	struct libusb_transfer *own;
	uint8_t *control; /* setup packet and data; NULL: not a control transfer */
};

TAILQ_HEAD(flights, flight);

struct local {
	struct usb_device usb;
	libusb_context *context;
	libusb_device_handle *handle;
	int fd;
	bool gone;
	struct flights flying, done;
};

static struct local *self_of(struct usb_device *usb)
{
	return container_of(usb, struct local, usb);
}

static int failed(int rc, const char *what, struct err *err)
{
	static const struct {
		int rc;
		enum err_kind kind;
		const char *text, *remedy;
	} rows[] = {
		{LIBUSB_ERROR_NO_DEVICE, ERR_USB, "the device is gone", NULL},
		{LIBUSB_ERROR_NOT_FOUND, ERR_USB, "the device does not have it, or is gone", NULL},
		{LIBUSB_ERROR_PIPE, ERR_BOARD, "the device stalled it", NULL},
		{LIBUSB_ERROR_BUSY, ERR_BUSY, "another program has it",
		 "end the other program; 'fuser -v' on the node of the device names it"},
		{LIBUSB_ERROR_NO_MEM, ERR_HOST, "the kernel has no memory for transfers left",
		 "raise /sys/module/usbcore/parameters/usbfs_memory_mb, or flash fewer boards at "
		 "once"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows) && rows[i].rc != rc; i++)
		continue;
	if (i == ARRAY_SIZE(rows))
		return err_set(err, ERR_USB, "%s: %s", what, libusb_error_name(rc));
	err_set(err, rows[i].kind, "%s: %s", what, rows[i].text);
	return rows[i].remedy ? err_remedy(err, "%s", rows[i].remedy) : -(int)rows[i].kind;
}

static int status_of(enum libusb_transfer_status status)
{
	switch (status) {
	case LIBUSB_TRANSFER_COMPLETED:
		return 0;
	case LIBUSB_TRANSFER_STALL:
		return -ERR_BOARD;
	case LIBUSB_TRANSFER_CANCELLED:
		return -ERR_CANCELLED;
	default:
		return -ERR_USB;
	}
}

static void completed(struct libusb_transfer *own)
{
	struct flight *flight = own->user_data;
	struct usb_transfer *transfer = flight->transfer;

	transfer->status = status_of(own->status);
	transfer->got = (size_t)own->actual_length;
	if (flight->control && transfer->setup.request_type & USB_IN && transfer->got > 0)
		memcpy(transfer->data, flight->control + SETUP, transfer->got);
	TAILQ_REMOVE(&flight->self->flying, flight, next);
	TAILQ_INSERT_TAIL(&flight->self->done, flight, next);
}

static void fill_control(struct flight *flight)
{
	const struct usb_transfer *transfer = flight->transfer;
	const struct usb_setup *setup = &transfer->setup;

	flight->control = xcalloc(1, SETUP + transfer->size);
	libusb_fill_control_setup(flight->control, setup->request_type, setup->request,
				  setup->value, setup->index, (uint16_t)transfer->size);
	if (!(setup->request_type & USB_IN) && transfer->size > 0)
		memcpy(flight->control + SETUP, transfer->data, transfer->size);
	libusb_fill_control_transfer(flight->own, flight->self->handle, flight->control, completed,
				     flight, 0);
}

static void fill(struct flight *flight)
{
	const struct usb_transfer *transfer = flight->transfer;

	if (transfer->type == USB_CONTROL)
		fill_control(flight);
	else if (transfer->type == USB_BULK)
		libusb_fill_bulk_transfer(flight->own, flight->self->handle, transfer->endpoint,
					  transfer->data, (int)transfer->size, completed, flight,
					  0);
	else
		libusb_fill_interrupt_transfer(flight->own, flight->self->handle,
					       transfer->endpoint, transfer->data,
					       (int)transfer->size, completed, flight, 0);
}

static void free_flight(struct flight *flight)
{
	libusb_free_transfer(flight->own);
	free(flight->control);
	free(flight);
}

static int submit(struct usb_device *usb, struct usb_transfer *transfer, struct err *err)
{
	struct local *self = self_of(usb);
	struct flight *flight;
	int rc;

	if (transfer->size > INT32_MAX)
		return err_set(err, ERR_INTERNAL, "a transfer of %zu bytes", transfer->size);
	flight = xcalloc(1, sizeof(*flight));
	*flight = (struct flight){
		.self = self,
		.transfer = transfer,
		.own = libusb_alloc_transfer(0),
	};
	if (!flight->own)
		abort();
	fill(flight);
	rc = libusb_submit_transfer(flight->own);
	if (rc == 0) {
		TAILQ_INSERT_TAIL(&self->flying, flight, next);
		return 0;
	}
	free_flight(flight);
	return failed(rc, "transfer", err);
}

static size_t poll_list(struct local *self, struct pollfd fds[DEADLINE_FDS])
{
	const struct libusb_pollfd **list = libusb_get_pollfds(self->context);
	size_t count = 0;

	for (; list && list[count] && count < DEADLINE_FDS; count++)
		fds[count] = (struct pollfd){.fd = list[count]->fd, .events = list[count]->events};
	libusb_free_pollfds(list);
	return count;
}

/* Waits until there is something to do, and does it. */
static int pump(struct local *self, struct deadline deadline, struct err *err)
{
	struct pollfd fds[DEADLINE_FDS];
	struct timeval at_once = {0};
	size_t count = poll_list(self, fds), i;
	int rc = deadline_poll(fds, count, deadline, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < count; i++)
		if (fds[i].fd == self->fd && fds[i].revents & (POLLERR | POLLHUP))
			self->gone = true;
	rc = libusb_handle_events_timeout_completed(self->context, &at_once, NULL);
	return rc < 0 && rc != LIBUSB_ERROR_INTERRUPTED ? failed(rc, "waiting for transfers", err)
							: 0;
}

static int reap(struct usb_device *usb, struct usb_transfer **transfer, struct deadline deadline,
		struct err *err)
{
	struct local *self = self_of(usb);
	struct flight *flight;
	int rc;

	while (TAILQ_EMPTY(&self->done)) {
		if (TAILQ_EMPTY(&self->flying))
			return err_set(err, ERR_INTERNAL, "no transfer is in flight");
		rc = pump(self, deadline, err);
		if (rc < 0)
			return rc;
	}
	flight = TAILQ_FIRST(&self->done);
	TAILQ_REMOVE(&self->done, flight, next);
	*transfer = flight->transfer;
	free_flight(flight);
	return 0;
}

static void cancel(struct usb_device *usb)
{
	struct flight *flight;

	TAILQ_FOREACH(flight, &self_of(usb)->flying, next)
	libusb_cancel_transfer(flight->own);
}

static int claim(struct usb_device *usb, uint8_t interface, struct err *err)
{
	int rc = libusb_claim_interface(self_of(usb)->handle, interface);

	return rc < 0 ? failed(rc, "claiming the interface", err) : 0;
}

static void release(struct usb_device *usb, uint8_t interface)
{
	libusb_release_interface(self_of(usb)->handle, interface);
}

/* The kernel itself limits these three to some seconds. */

static int set_alt(struct usb_device *usb, uint8_t interface, uint8_t alt, struct deadline deadline,
		   struct err *err)
{
	int rc = deadline_check(deadline, err);

	if (rc < 0)
		return rc;
	rc = libusb_set_interface_alt_setting(self_of(usb)->handle, interface, alt);
	return rc < 0 ? failed(rc, "choosing the alternate setting", err) : 0;
}

static int clear_halt(struct usb_device *usb, uint8_t endpoint, struct deadline deadline,
		      struct err *err)
{
	int rc = deadline_check(deadline, err);

	if (rc < 0)
		return rc;
	rc = libusb_clear_halt(self_of(usb)->handle, endpoint);
	return rc < 0 ? failed(rc, "clearing the halt of an endpoint", err) : 0;
}

static int reset(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	int rc = deadline_check(deadline, err);

	if (rc < 0)
		return rc;
	rc = libusb_reset_device(self_of(usb)->handle);
	return rc < 0 ? failed(rc, "resetting the port", err) : 0;
}

static int await_gone(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	struct local *self = self_of(usb);
	int rc = 0;

	while (rc == 0 && !self->gone)
		rc = pump(self, deadline, err);
	return rc;
}

/* False: the kernel still has our memory; then it must stay. */
static bool drain(struct local *self)
{
	struct deadline deadline = deadline_in(DEADLINE_NEVER, DRAIN_MS);
	struct flight *flight;
	struct err ignored;

	cancel(&self->usb);
	while (!TAILQ_EMPTY(&self->flying))
		if (pump(self, deadline, &ignored) < 0)
			return false;
	while ((flight = TAILQ_FIRST(&self->done))) {
		TAILQ_REMOVE(&self->done, flight, next);
		free_flight(flight);
	}
	return true;
}

static void close_device(struct usb_device *usb)
{
	struct local *self = self_of(usb);

	if (!drain(self))
		return;
	if (self->handle)
		libusb_close(self->handle);
	if (self->context)
		libusb_exit(self->context);
	closep(&self->fd);
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
	.close = close_device,
};

/* The address may be another device's by now. */
static int check_same(struct local *self, struct err *err)
{
	struct libusb_device_descriptor device;
	int rc = libusb_get_device_descriptor(libusb_get_device(self->handle), &device);

	if (rc < 0)
		return failed(rc, "reading the device descriptor", err);
	if (device.idVendor == self->usb.info.vid && device.idProduct == self->usb.info.pid)
		return 0;
	return err_set(err, ERR_USB, "another device is there by now");
}

int usb_local_new(struct usb_device **usb, int fd, const struct usb_info *info, struct err *err)
{
	struct local *self = xcalloc(1, sizeof(*self));
	_cleanup_(usb_closep) struct usb_device *made = &self->usb;
	int rc;

	*self = (struct local){.usb = {.ops = &ops, .info = *info}, .fd = fd};
	self->usb.info.denied = false; /* not any more */
	TAILQ_INIT(&self->flying);
	TAILQ_INIT(&self->done);
	libusb_set_option(NULL, LIBUSB_OPTION_NO_DEVICE_DISCOVERY);
	rc = libusb_init(&self->context);
	if (rc == 0)
		rc = libusb_wrap_sys_device(self->context, fd, &self->handle);
	if (rc < 0)
		return failed(rc, "opening", err);
	libusb_set_auto_detach_kernel_driver(self->handle, 1);
	rc = check_same(self, err);
	if (rc < 0)
		return rc;
	*usb = steal(made);
	return 0;
}
