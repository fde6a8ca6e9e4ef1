// SPDX-License-Identifier: MIT
/* What speaks to a USB device, against one that answers as the input says. The first byte chooses
   who speaks; then a length and the configuration descriptor; then an answer for each transfer:
   what becomes of it (of several in flight any may be the next to end), how long it is, its bytes.
   When the input is used up the device is gone. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz_memory.h"
#include "io/usb.h"
#include "power/usb_hub.h"
#include "proto/dfu.h"
#include "proto/fastboot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FLYING_MAX 8
#define LIMIT_MS   50
#define UPLOAD_MAX 9000

struct toy {
	struct usb_device usb;
	const uint8_t *data, *configuration;
	size_t size, configuration_size;
	struct usb_transfer *flying[FLYING_MAX];
	size_t count;
	bool cancelled;
};

static struct toy *toy_of(struct usb_device *usb)
{
	return container_of(usb, struct toy, usb);
}

static uint8_t next_byte(struct toy *toy)
{
	if (toy->size == 0)
		return 0;
	toy->size--;
	return *toy->data++;
}

static bool asks_configuration(const struct usb_transfer *transfer)
{
	return transfer->type == USB_CONTROL && transfer->setup.request_type == 0x80 &&
	       transfer->setup.request == 6 && transfer->setup.value >> 8 == 2;
}

static bool asks_dfu_status(const struct usb_transfer *transfer)
{
	return transfer->type == USB_CONTROL && transfer->setup.request_type == 0xa1 &&
	       transfer->setup.request == 3;
}

static bool is_in(const struct usb_transfer *transfer)
{
	return (transfer->type == USB_CONTROL ? transfer->setup.request_type : transfer->endpoint) &
	       USB_IN;
}

static void give(struct usb_transfer *transfer, const uint8_t *from, size_t size)
{
	transfer->got = size < transfer->size ? size : transfer->size;
	if (transfer->got > 0 && is_in(transfer))
		memcpy(transfer->data, from, transfer->got);
}

/* A length of 255 is all that was asked for, with zeros behind the input's end. */
static void answer(struct toy *toy, struct usb_transfer *transfer)
{
	size_t length = next_byte(toy), there = toy->size < length ? toy->size : length;

	if (is_in(transfer) && transfer->size > 0)
		memset(transfer->data, 0, transfer->size);
	if (!is_in(transfer)) {
		transfer->got = length < transfer->size / 2 ? length : transfer->size;
		return;
	}
	give(transfer, toy->data, there);
	toy->data += there;
	toy->size -= there;
	if (length == 255)
		transfer->got = transfer->size;
	/* Waiting is not what is tested. */
	if (asks_dfu_status(transfer) && transfer->size > 3)
		memset((char *)transfer->data + 1, 0, 3);
}

static int submit(struct usb_device *usb, struct usb_transfer *transfer, struct err *err)
{
	struct toy *toy = toy_of(usb);

	if (toy->count == FLYING_MAX)
		return err_set(err, ERR_USB, "too many");
	toy->flying[toy->count++] = transfer;
	return 0;
}

static void complete(struct toy *toy, struct usb_transfer *transfer, unsigned int what)
{
	static const int ends[] = {0, 0, 0, 0, 0, -ERR_BOARD, -ERR_USB, 0};

	transfer->status = toy->size ? ends[what] : -ERR_USB;
	if (toy->cancelled)
		transfer->status = -ERR_CANCELLED;
	else if (transfer->status < 0)
		transfer->got = 0;
	else if (asks_configuration(transfer))
		give(transfer, toy->configuration, toy->configuration_size);
	else
		answer(toy, transfer);
}

static int reap(struct usb_device *usb, struct usb_transfer **transfer, struct deadline deadline,
		struct err *err)
{
	struct toy *toy = toy_of(usb);
	unsigned int what;
	size_t which;

	(void)deadline;
	if (toy->count == 0)
		abort();
	what = next_byte(toy);
	if (what % 8 == 7 && !toy->cancelled)
		return err_set(err, ERR_TIMEOUT, "timed out");
	which = what / 8 % toy->count;
	*transfer = toy->flying[which];
	toy->count--;
	memmove(toy->flying + which, toy->flying + which + 1,
		(toy->count - which) * sizeof(struct usb_transfer *));
	complete(toy, *transfer, what % 8);
	toy->cancelled = toy->cancelled && toy->count > 0;
	return 0;
}

static void cancel(struct usb_device *usb)
{
	struct toy *toy = toy_of(usb);

	toy->cancelled = toy->count > 0;
}

static int claim(struct usb_device *usb, uint8_t interface, struct err *err)
{
	(void)interface;
	return next_byte(toy_of(usb)) % 8 ? 0 : err_set(err, ERR_BUSY, "claimed");
}

static void release(struct usb_device *usb, uint8_t interface)
{
	(void)usb;
	(void)interface;
}

static int set_alt(struct usb_device *usb, uint8_t interface, uint8_t alt, struct deadline deadline,
		   struct err *err)
{
	(void)deadline;
	(void)alt;
	return claim(usb, interface, err);
}

static int clear_halt(struct usb_device *usb, uint8_t endpoint, struct deadline deadline,
		      struct err *err)
{
	(void)deadline;
	return claim(usb, endpoint, err);
}

static int await_gone(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	(void)usb;
	(void)deadline;
	(void)err;
	return 0;
}

static int reset(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	(void)deadline;
	return claim(usb, 0, err);
}

static void close_nothing(struct usb_device *usb)
{
	(void)usb;
}

static int take(void *context, const void *data, size_t size, struct err *err)
{
	size_t *total = context;

	(void)data;
	(void)err;
	*total += size;
	return 0;
}

static void speak_dfu(struct usb_device *usb, struct deadline deadline)
{
	_cleanup_(freep) struct dfu *dfu = xcalloc(1, sizeof(*dfu));
	static const uint8_t image[10000];
	struct reader *reader = fuzz_memory(image, sizeof(image));
	struct dfu_sink sink;
	size_t total = 0, length;
	struct err err;
	enum dfu_end end;
	uint64_t got;
	uint8_t bytes[64];

	if (dfu_open(dfu, usb, deadline, &err) == 0) {
		dfu_select(dfu, &dfu->alts[0], deadline, &err);
		if (dfu_ask(dfu, bytes, sizeof(bytes), &length, deadline, &err) == 0 &&
		    length > sizeof(bytes))
			abort();
		dfu_download(dfu, reader, NULL, &end, deadline, &err);
		sink = (struct dfu_sink){take, &total};
		dfu_upload(dfu, UPLOAD_MAX, &sink, &got, deadline, &err);
		if (got != total || total > UPLOAD_MAX)
			abort();
		dfu_detach(dfu, deadline, &err);
		dfu_close(dfu);
	}
	reader->close(reader);
}

static void speak_fastboot(struct usb_device *usb, struct deadline deadline)
{
	static const uint8_t image[600000];
	struct fastboot fastboot = {0};
	char value[FASTBOOT_ANSWER];
	struct fastboot_sink sink;
	size_t total = 0;
	struct err err;
	bool known;

	if (fastboot_usb(&fastboot.link, usb, deadline, &err) < 0)
		return;
	fastboot_hello(&fastboot, deadline, &err);
	fastboot_getvar(&fastboot, "version", value, &known, deadline, &err);
	fastboot_download_bytes(&fastboot, image, sizeof(image), deadline, &err);
	sink = (struct fastboot_sink){take, &total};
	if (fastboot_fetch(&fastboot, "boot", 0, UPLOAD_MAX, &sink, deadline, &err) == 0 &&
	    total != UPLOAD_MAX)
		abort();
	fastboot_close(&fastboot);
}

static void speak_hub(struct usb_device *usb, struct deadline deadline)
{
	enum power_state state;
	uint8_t id[HUB_CONTAINER];
	struct err err;
	bool known;

	hub_check(usb, 3, deadline, &err);
	hub_get(usb, 3, &state, deadline, &err);
	hub_set(usb, 3, true, deadline, &err);
	hub_container(usb, id, &known, deadline, &err);
}

static void describe(struct usb_device *usb, struct deadline deadline)
{
	char text[USB_TEXT];
	struct err err;

	usb_describe(usb, deadline, &err);
	if (usb->info.interface_count > USB_INTERFACES_MAX)
		abort();
	usb_string(usb, 3, text, deadline, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
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
		.close = close_nothing,
	};
	static void (*const speakers[])(struct usb_device *, struct deadline) = {
		speak_dfu, speak_fastboot, speak_hub, describe};
	struct toy toy = {.usb = {.ops = &ops, .info = {.path = "usb:1-1"}}};

	if (size < 2 || size - 2 < data[1])
		return 0;
	toy.configuration = data + 2;
	toy.configuration_size = data[1];
	toy.data = data + 2 + data[1];
	toy.size = size - 2 - data[1];
	toy.usb.info.speed = data[0] & 4 ? USB_SPEED_SUPER : USB_SPEED_HIGH;
	speakers[data[0] % 4](&toy.usb, deadline_of_cancel(-1, LIMIT_MS));
	if (toy.count > 0)
		abort();
	return 0;
}
