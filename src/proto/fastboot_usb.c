// SPDX-License-Identifier: MIT
/* Fastboot over bulk endpoints: a packet is a transfer, data is transfers without any framing. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/usb_descriptors.h"
#include "proto/fastboot.h"

/* A multiple of every packet size. Two are in flight: usbfs has 16 MiB for all devices of a
   host. */
#define TRANSFER_SIZE ((size_t)256 << 10)
#define IN_FLIGHT     2

/* What comes in is asked for in whole packets of any speed (64, 512, 1024 bytes). */
#define PACKET_MAX ((size_t)1024)

#define ALTS_MAX     32
#define TAKE_BACK_MS 5000

struct usb_link {
	struct fastboot_link link;
	struct usb_device *usb; /* borrowed */
	struct usb_alt place;
	uint8_t packet[PACKET_MAX];
};

static struct usb_link *usb_link_of(struct fastboot_link *link)
{
	return container_of(link, struct usb_link, link);
}

static int usb_send(struct fastboot_link *link, const void *data, size_t size,
		    struct deadline deadline, struct err *err)
{
	struct usb_link *self = usb_link_of(link);

	return usb_bulk(self->usb, self->place.bulk_out, (void *)(uintptr_t)data, size, NULL,
			deadline, err);
}

static int usb_receive(struct fastboot_link *link, void *data, size_t size, size_t *got,
		       struct deadline deadline, struct err *err)
{
	struct usb_link *self = usb_link_of(link);
	int rc = usb_bulk(self->usb, self->place.bulk_in, self->packet, sizeof(self->packet), got,
			  deadline, err);

	if (rc < 0)
		return rc;
	if (*got > size)
		return err_set(err, ERR_BOARD, "an answer of %zu bytes is too long", *got);
	memcpy(data, self->packet, *got);
	return 0;
}

static int transfer_result(const struct usb_transfer *transfer, struct err *err)
{
	if (transfer->status == 0 && transfer->got == transfer->size)
		return 0;
	if (transfer->status == 0)
		return err_set(err, ERR_USB, "the device took only %zu of %zu bytes", transfer->got,
			       transfer->size);
	if (transfer->status == -ERR_BOARD)
		return err_set(err, ERR_BOARD, "the device stalled the transfer");
	return err_set(err, (enum err_kind) - transfer->status, "the transfer broke");
}

/* After an error nothing may stay in flight: the transfers are the caller's. */
static void take_back(struct usb_device *usb, size_t in_flight)
{
	struct deadline deadline = deadline_of_cancel(-1, TAKE_BACK_MS);
	struct usb_transfer *transfer;

	usb_cancel(usb);
	for (; in_flight > 0; in_flight--)
		if (usb_reap(usb, &transfer, deadline, NULL) < 0)
			return;
}

static int usb_send_data(struct fastboot_link *link, const void *data, size_t size,
			 struct deadline deadline, struct err *err)
{
	struct usb_link *self = usb_link_of(link);
	struct usb_transfer pool[IN_FLIGHT] = {0}, *done;
	size_t sent = 0, count = 0, in_flight = 0, part;
	int rc = 0;

	while (rc == 0 && (sent < size || in_flight > 0)) {
		if (sent < size && in_flight < IN_FLIGHT) {
			part = size - sent < TRANSFER_SIZE ? size - sent : TRANSFER_SIZE;
			done = &pool[count++ % IN_FLIGHT];
			*done = (struct usb_transfer){
				.type = USB_BULK,
				.endpoint = self->place.bulk_out,
				.data = (char *)(uintptr_t)data + sent,
				.size = part,
			};
			rc = usb_submit(self->usb, done, err);
			in_flight += rc == 0;
			sent += part;
			continue;
		}
		rc = usb_reap(self->usb, &done, deadline, err);
		if (rc == 0) {
			in_flight--;
			rc = transfer_result(done, err);
		}
	}
	take_back(self->usb, in_flight);
	return rc;
}

/* Whole packets go straight to their place; the end of the data may be less than one. */
static int usb_receive_data(struct fastboot_link *link, void *data, size_t size, size_t *got,
			    struct deadline deadline, struct err *err)
{
	struct usb_link *self = usb_link_of(link);
	size_t whole = size - size % PACKET_MAX;

	if (whole == 0)
		return usb_receive(link, data, size, got, deadline, err);
	if (whole > TRANSFER_SIZE)
		whole = TRANSFER_SIZE;
	return usb_bulk(self->usb, self->place.bulk_in, data, whole, got, deadline, err);
}

/* A device that waits for the rest of a download takes whatever comes for it; a bus reset makes it
   wait for a command again (U-Boot's gadget sets its endpoints up anew). Then what it still had to
   say is gone, too. A device that comes back as another one has to be opened anew. */
static int usb_recover(struct fastboot_link *link, struct deadline deadline, struct err *err)
{
	return usb_reset(usb_link_of(link)->usb, deadline, err);
}

static void usb_link_close(struct fastboot_link *link)
{
	struct usb_link *self = usb_link_of(link);

	usb_release(self->usb, self->place.interface);
	free(self);
}

static bool is_fastboot(const struct usb_alt *alt)
{
	return alt->class.class == 0xff && alt->class.subclass == 0x42 &&
	       alt->class.protocol == 0x03 && alt->bulk_in && alt->bulk_out;
}

static int find_place(struct usb_device *usb, struct usb_alt *place, struct deadline deadline,
		      struct err *err)
{
	_cleanup_(buf_free) struct buf configuration = {0};
	struct usb_alt alts[ALTS_MAX];
	size_t count, i;
	int rc = usb_configuration(usb, 0, &configuration, deadline, err);

	if (rc < 0)
		return rc;
	count = usb_alts((const uint8_t *)buf_text(&configuration), configuration.size, alts,
			 ALTS_MAX);
	for (i = 0; i < count; i++) {
		*place = alts[i];
		if (is_fastboot(place))
			return 0;
	}
	return err_set(err, ERR_BOARD, "%s has no fastboot interface (class ff/42/03)",
		       usb->info.path);
}

int fastboot_usb(struct fastboot_link **link, struct usb_device *usb, struct deadline deadline,
		 struct err *err)
{
	static const struct fastboot_link_ops ops = {
		.send = usb_send,
		.receive = usb_receive,
		.send_data = usb_send_data,
		.receive_data = usb_receive_data,
		.recover = usb_recover,
		.close = usb_link_close,
	};
	struct usb_alt place;
	struct usb_link *self;
	int rc = find_place(usb, &place, deadline, err);

	if (rc == 0)
		rc = usb_claim(usb, place.interface, err);
	if (rc < 0)
		return rc;
	self = xcalloc(1, sizeof(*self));
	self->link = (struct fastboot_link){&ops, FASTBOOT_COMMAND};
	self->usb = usb;
	self->place = place;
	*link = &self->link;
	return 0;
}
