// SPDX-License-Identifier: MIT
#include "io/usbip_wire.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

void usbip_put_op(uint8_t out[USBIP_OP_SIZE], const struct usbip_op *op)
{
	put_be16(out, op->version);
	put_be16(out + 2, op->code);
	put_be32(out + 4, op->status);
}

void usbip_get_op(const uint8_t in[USBIP_OP_SIZE], struct usbip_op *op)
{
	*op = (struct usbip_op){
		.version = be16(in),
		.code = be16(in + 2),
		.status = be32(in + 4),
	};
}

/* Offsets in a device. */
enum {
	AT_BUSID = 256,
	AT_NUMBERS = AT_BUSID + USBIP_BUSID,
	AT_IDS = AT_NUMBERS + 12,
	AT_CLASS = AT_IDS + 6,
};

static void put_text(uint8_t *out, size_t size, const char *text)
{
	memset(out, 0, size);
	memcpy(out, text, strnlen(text, size - 1));
}

/* `size` bytes from the wire; out has room for one more. */
static void get_text(const uint8_t *in, size_t size, char *out)
{
	size_t i;

	for (i = 0; i < size && in[i]; i++)
		out[i] = in[i] >= 0x20 && in[i] < 0x7f ? (char)in[i] : '?';
	out[i] = '\0';
}

void usbip_put_device(uint8_t out[USBIP_DEVICE_SIZE], const struct usbip_device *device)
{
	const uint8_t rest[] = {
		device->class.class,   device->class.subclass,      device->class.protocol,
		device->configuration, device->configuration_count, device->interface_count,
	};

	put_text(out, AT_BUSID, device->path);
	put_text(out + AT_BUSID, USBIP_BUSID, device->busid);
	put_be32(out + AT_NUMBERS, device->bus);
	put_be32(out + AT_NUMBERS + 4, device->device);
	put_be32(out + AT_NUMBERS + 8, device->speed);
	put_be16(out + AT_IDS, device->vid);
	put_be16(out + AT_IDS + 2, device->pid);
	put_be16(out + AT_IDS + 4, device->release);
	memcpy(out + AT_CLASS, rest, sizeof(rest));
}

void usbip_get_device(const uint8_t in[USBIP_DEVICE_SIZE], struct usbip_device *device)
{
	const uint8_t *rest = in + AT_CLASS;

	*device = (struct usbip_device){
		.bus = be32(in + AT_NUMBERS),
		.device = be32(in + AT_NUMBERS + 4),
		.speed = be32(in + AT_NUMBERS + 8),
		.vid = be16(in + AT_IDS),
		.pid = be16(in + AT_IDS + 2),
		.release = be16(in + AT_IDS + 4),
		.class = {rest[0], rest[1], rest[2]},
		.configuration = rest[3],
		.configuration_count = rest[4],
		.interface_count = rest[5],
	};
	get_text(in, AT_BUSID - 1, device->path);
	get_text(in + AT_BUSID, USBIP_BUSID, device->busid);
}

/* Offsets in a header; what the four commands have in the same place. */
enum {
	AT_COMMAND = 0,
	AT_SEQUENCE = 4,
	AT_DEVID = 8,
	AT_DIRECTION = 12,
	AT_ENDPOINT = 16,
	AT_BODY = 20, /* flags, status, or the sequence number to unlink */
	AT_LENGTH = 24,
	AT_PACKETS = 32,
	AT_INTERVAL = 36,
	AT_SETUP = 40,
};

/* Only isochronous transfers have packets. "0xffffffff if not ISO transfer", says the protocol's
   text; both ends of Linux write 0, so that is what is written here. */
#define NO_PACKETS 0xffffffffU

static void put_submit(uint8_t *out, const struct usbip_header *header)
{
	put_be32(out + AT_BODY, header->flags);
	put_be32(out + AT_LENGTH, header->length);
	put_be32(out + AT_INTERVAL, header->interval);
	memcpy(out + AT_SETUP, header->setup, sizeof(header->setup));
}

static void put_submitted(uint8_t *out, const struct usbip_header *header)
{
	put_be32(out + AT_BODY, (uint32_t)header->status);
	put_be32(out + AT_LENGTH, header->actual);
}

static void put_unlink(uint8_t *out, const struct usbip_header *header)
{
	put_be32(out + AT_BODY, header->unlink);
}

static void put_unlinked(uint8_t *out, const struct usbip_header *header)
{
	put_be32(out + AT_BODY, (uint32_t)header->status);
}

static bool get_submit(const uint8_t *in, struct usbip_header *header)
{
	header->flags = be32(in + AT_BODY);
	header->length = be32(in + AT_LENGTH);
	header->interval = be32(in + AT_INTERVAL);
	memcpy(header->setup, in + AT_SETUP, sizeof(header->setup));
	return header->length <= USBIP_DATA_MAX;
}

static bool get_submitted(const uint8_t *in, struct usbip_header *header)
{
	header->status = (int32_t)be32(in + AT_BODY);
	header->actual = be32(in + AT_LENGTH);
	return header->actual <= USBIP_DATA_MAX;
}

static bool get_unlink(const uint8_t *in, struct usbip_header *header)
{
	header->unlink = be32(in + AT_BODY);
	return true;
}

static bool get_unlinked(const uint8_t *in, struct usbip_header *header)
{
	header->status = (int32_t)be32(in + AT_BODY);
	return true;
}

static const struct form {
	void (*put)(uint8_t *out, const struct usbip_header *header);
	bool (*get)(const uint8_t *in, struct usbip_header *header);
	bool packets; /* has a number of packets */
} forms[] = {
	[USBIP_CMD_SUBMIT] = {put_submit, get_submit, true},
	[USBIP_CMD_UNLINK] = {put_unlink, get_unlink, false},
	[USBIP_RET_SUBMIT] = {put_submitted, get_submitted, true},
	[USBIP_RET_UNLINK] = {put_unlinked, get_unlinked, false},
};

static const struct form *form_of(uint32_t command)
{
	return command < ARRAY_SIZE(forms) && forms[command].put ? &forms[command] : NULL;
}

void usbip_put_header(uint8_t out[USBIP_HEADER_SIZE], const struct usbip_header *header)
{
	const struct form *form = form_of(header->command);

	memset(out, 0, USBIP_HEADER_SIZE);
	put_be32(out + AT_COMMAND, header->command);
	put_be32(out + AT_SEQUENCE, header->sequence);
	put_be32(out + AT_DEVID, header->devid);
	put_be32(out + AT_DIRECTION, header->in);
	put_be32(out + AT_ENDPOINT, header->endpoint);
	if (form)
		form->put(out, header);
}

bool usbip_get_header(const uint8_t in[USBIP_HEADER_SIZE], struct usbip_header *header)
{
	const struct form *form = form_of(be32(in + AT_COMMAND));
	uint32_t packets = be32(in + AT_PACKETS);

	*header = (struct usbip_header){
		.command = be32(in + AT_COMMAND),
		.sequence = be32(in + AT_SEQUENCE),
		.devid = be32(in + AT_DEVID),
		.in = be32(in + AT_DIRECTION) != 0,
		.endpoint = be32(in + AT_ENDPOINT),
	};
	if (!form || header->endpoint > 15)
		return false;
	if (form->packets && packets != 0 && packets != NO_PACKETS)
		return false;
	return form->get(in, header);
}

/* Indexed by Linux's enum usb_device_speed; 4 is wireless USB. */
static const enum usb_speed speeds[] = {
	[1] = USB_SPEED_LOW,   [2] = USB_SPEED_FULL,       [3] = USB_SPEED_HIGH,
	[5] = USB_SPEED_SUPER, [6] = USB_SPEED_SUPER_PLUS,
};

enum usb_speed usbip_speed(uint32_t speed)
{
	return speed < ARRAY_SIZE(speeds) ? speeds[speed] : USB_SPEED_UNKNOWN;
}

uint32_t usbip_speed_of(enum usb_speed speed)
{
	uint32_t i;

	for (i = 1; i < ARRAY_SIZE(speeds); i++)
		if (speeds[i] == speed && speed != USB_SPEED_UNKNOWN)
			return i;
	return 0;
}

void usb_put_setup(uint8_t out[8], const struct usb_setup *setup, uint16_t length)
{
	out[0] = setup->request_type;
	out[1] = setup->request;
	put_le16(out + 2, setup->value);
	put_le16(out + 4, setup->index);
	put_le16(out + 6, length);
}

void usb_get_setup(const uint8_t in[8], struct usb_setup *setup, uint16_t *length)
{
	*setup = (struct usb_setup){
		.request_type = in[0],
		.request = in[1],
		.value = le16(in + 2),
		.index = le16(in + 4),
	};
	*length = le16(in + 6);
}
