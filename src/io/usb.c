// SPDX-License-Identifier: MIT
/* A device's operations by name, and single transfers that are waited for. */
#include "io/usb.h"

#include <stdio.h>

#include "base/mem.h"
#include "io/usb_descriptors.h"
#include "io/usb_kinds.h"

const char *usb_speed_name(enum usb_speed speed)
{
	static const char *const names[] = {
		[USB_SPEED_UNKNOWN] = "unknown", [USB_SPEED_LOW] = "low",
		[USB_SPEED_FULL] = "full",       [USB_SPEED_HIGH] = "high",
		[USB_SPEED_SUPER] = "super",     [USB_SPEED_SUPER_PLUS] = "super+",
	};

	return (size_t)speed < ARRAY_SIZE(names) ? names[speed] : "unknown";
}

int usb_open(struct usb_device **usb, struct usb_bus *bus, const struct usb_info *info,
	     struct deadline deadline, struct err *err)
{
	_cleanup_(usb_closep) struct usb_device *opened = NULL;
	int rc;

	*usb = NULL;
	rc = bus->ops->open(&opened, bus, info, deadline, err);
	if (rc == 0)
		rc = usb_describe(opened, deadline, err);
	if (rc < 0)
		return err_prefix(err, "%s", info->path);
	*usb = steal(opened);
	return 0;
}

void usb_close(struct usb_device *usb)
{
	if (usb)
		usb->ops->close(usb);
}

void usb_closep(struct usb_device **usb)
{
	usb_close(*usb);
	*usb = NULL;
}

int usb_submit(struct usb_device *usb, struct usb_transfer *transfer, struct err *err)
{
	if (transfer->type == USB_CONTROL && transfer->size > USB_CONTROL_SIZE)
		return err_set(err, ERR_INTERNAL, "a control transfer of %zu bytes",
			       transfer->size);
	transfer->got = 0;
	transfer->status = 0;
	return usb->ops->submit(usb, transfer, err);
}

int usb_reap(struct usb_device *usb, struct usb_transfer **transfer, struct deadline deadline,
	     struct err *err)
{
	return usb->ops->reap(usb, transfer, deadline, err);
}

void usb_cancel(struct usb_device *usb)
{
	usb->ops->cancel(usb);
}

int usb_claim(struct usb_device *usb, uint8_t interface, struct err *err)
{
	return usb->ops->claim(usb, interface, err);
}

void usb_release(struct usb_device *usb, uint8_t interface)
{
	usb->ops->release(usb, interface);
}

int usb_set_alt(struct usb_device *usb, uint8_t interface, uint8_t alt, struct deadline deadline,
		struct err *err)
{
	return usb->ops->set_alt(usb, interface, alt, deadline, err);
}

int usb_clear_halt(struct usb_device *usb, uint8_t endpoint, struct deadline deadline,
		   struct err *err)
{
	return usb->ops->clear_halt(usb, endpoint, deadline, err);
}

int usb_reset(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	return usb->ops->reset(usb, deadline, err);
}

int usb_await_gone(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	return usb->ops->await_gone(usb, deadline, err);
}

/* "control request 80/06, value 0100, index 0000" */
static void describe(const struct usb_transfer *transfer, char out[96])
{
	const struct usb_setup *setup = &transfer->setup;

	if (transfer->type == USB_CONTROL)
		snprintf(out, 96, "control request %02x/%02x, value %04x, index %04x",
			 setup->request_type, setup->request, setup->value, setup->index);
	else
		snprintf(out, 96, "%s endpoint %02x",
			 transfer->type == USB_BULK ? "bulk" : "interrupt", transfer->endpoint);
}

static int status_error(int status, struct err *err)
{
	switch (-status) {
	case ERR_NONE:
		return 0;
	case ERR_BOARD:
		return err_set(err, ERR_BOARD, "the device stalled it");
	case ERR_CANCELLED:
		return err_set(err, ERR_CANCELLED, "cancelled");
	default:
		return err_set(err, ERR_USB, "the device is gone, or the transfer broke");
	}
}

/* Submits one and waits. When time is up it is taken back; should it have come to its end just
   then, that is what counts. */
static int transfer_whole(struct usb_device *usb, struct usb_transfer *transfer,
			  struct deadline deadline, struct err *err)
{
	struct usb_transfer *reaped;
	struct err late;
	int rc = deadline_check(deadline, err);

	if (rc == 0)
		rc = usb_submit(usb, transfer, err);
	if (rc < 0)
		return rc;
	rc = usb_reap(usb, &reaped, deadline, err);
	if (rc == 0)
		return status_error(transfer->status, err);
	usb_cancel(usb);
	if (usb_reap(usb, &reaped, DEADLINE_NEVER, &late) < 0)
		return rc;
	if (transfer->status == -ERR_CANCELLED)
		return rc;
	return status_error(transfer->status, err);
}

static int run(struct usb_device *usb, struct usb_transfer *transfer, size_t *got,
	       struct deadline deadline, struct err *err)
{
	bool in = transfer->type == USB_CONTROL ? transfer->setup.request_type & USB_IN
						: transfer->endpoint & USB_IN;
	char what[96];
	int rc = transfer_whole(usb, transfer, deadline, err);

	if (got)
		*got = transfer->got;
	if (rc == 0 && (got || transfer->got == transfer->size))
		return 0;
	if (rc == 0)
		err_set(err, in ? ERR_BOARD : ERR_USB, "%zu bytes instead of %zu", transfer->got,
			transfer->size);
	describe(transfer, what);
	return err_prefix(err, "%s", what);
}

int usb_control(struct usb_device *usb, struct usb_setup setup, void *data, size_t size,
		size_t *got, struct deadline deadline, struct err *err)
{
	struct usb_transfer transfer = {
		.type = USB_CONTROL,
		.setup = setup,
		.data = data,
		.size = size,
	};

	return run(usb, &transfer, got, deadline, err);
}

int usb_bulk(struct usb_device *usb, uint8_t endpoint, void *data, size_t size, size_t *got,
	     struct deadline deadline, struct err *err)
{
	struct usb_transfer transfer = {
		.type = USB_BULK,
		.endpoint = endpoint,
		.data = data,
		.size = size,
	};

	return run(usb, &transfer, got, deadline, err);
}

int usb_interrupt(struct usb_device *usb, uint8_t endpoint, void *data, size_t size, size_t *got,
		  struct deadline deadline, struct err *err)
{
	struct usb_transfer transfer = {
		.type = USB_INTERRUPT,
		.endpoint = endpoint,
		.data = data,
		.size = size,
	};

	return run(usb, &transfer, got, deadline, err);
}
