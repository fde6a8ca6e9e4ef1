// SPDX-License-Identifier: MIT
#include "sim/standard.h"

#include <string.h>

#include "base/mem.h"
#include "io/usb_descriptors.h"
#include "sim/fault.h"

enum {
	GET_STATUS = 0,
	CLEAR_FEATURE = 1,
	SET_FEATURE = 3,
	SET_ADDRESS = 5,
	GET_DESCRIPTOR = 6,
	GET_CONFIGURATION = 8,
	SET_CONFIGURATION = 9,
	GET_INTERFACE = 10,
	SET_INTERFACE = 11,
};

#define ENDPOINT_HALT 0 /* features */
#define PORT_RESET    4

#define AT_PID    10 /* in the device descriptor */
#define AT_SERIAL 16

#define STRING_MAX 126 /* characters: 2 bytes each, and bLength is a byte */

static enum sim_status give(struct sim_transfer *transfer, const void *bytes, size_t size)
{
	transfer->got = size < transfer->size ? size : transfer->size;
	memcpy(transfer->data, bytes, transfer->got);
	return SIM_OK;
}

static const struct sim_face *face_of(const struct sim_port *port)
{
	return port->device->model->face(port->device);
}

void sim_port_device_descriptor(const struct sim_port *port, uint8_t out[18])
{
	memcpy(out, face_of(port)->device, 18);
	if (port->other_id)
		out[AT_PID]++;
}

/* A serial number that is another one: its last character is changed. */
static void change_last(char *text)
{
	size_t length = strlen(text);

	if (length)
		text[length - 1] = text[length - 1] == 'X' ? 'Y' : 'X';
}

static bool strings_missing(const struct sim_port *port)
{
	uint64_t ms =
		sim_fault_time(port->device->faults, SIM_FAULT_NO_STRINGS, port->device->stage);

	return port->device->now_us - port->since_us < (int64_t)ms * 1000;
}

static enum sim_status get_string(const struct sim_port *port, struct sim_transfer *transfer,
				  uint8_t index)
{
	static const uint8_t languages[] = {4, USB_DESCRIPTOR_STRING, 0x09, 0x04};
	const struct sim_face *face = face_of(port);
	uint8_t out[2 + 2 * STRING_MAX] = {0};
	_cleanup_(freep) char *text = NULL;
	size_t i;

	if (strings_missing(port) || index > face->string_count)
		return SIM_STALL;
	if (index == 0)
		return give(transfer, languages, sizeof(languages));
	text = xstrdup(face->strings[index - 1]);
	if (port->other_serial && index == face->device[AT_SERIAL])
		change_last(text);
	for (i = 0; text[i] && i < STRING_MAX; i++)
		out[2 + 2 * i] = (uint8_t)text[i] < 0x80 ? (uint8_t)text[i] : '?';
	out[0] = (uint8_t)(2 + 2 * i);
	out[1] = USB_DESCRIPTOR_STRING;
	return give(transfer, out, out[0]);
}

/* A class descriptor that is part of the configuration (DFU's), asked for by itself. */
static enum sim_status get_other(const struct sim_port *port, struct sim_transfer *transfer,
				 uint8_t type)
{
	const struct buf *configuration = &face_of(port)->configuration;
	struct usb_descriptor descriptor;
	size_t at = 0;

	if (type < USB_DESCRIPTOR_DFU)
		return SIM_STALL;
	while (usb_descriptor_next((const uint8_t *)configuration->data, configuration->size, &at,
				   &descriptor))
		if (descriptor.type == type)
			return give(transfer, descriptor.bytes, descriptor.size);
	return SIM_STALL;
}

/* Linux resets a device without telling a USB/IP server: it only reads the device descriptor anew
   with a wLength of 8 or 64 and sets the configuration. No one else asks so of a device in use. */
static bool smells_of_reset(const struct sim_port *port, const struct sim_transfer *transfer)
{
	return port->used && (transfer->size == 8 || transfer->size == 64);
}

static enum sim_status get_descriptor(struct sim_port *port, struct sim_transfer *transfer)
{
	uint8_t type = (uint8_t)(transfer->setup.value >> 8);
	uint8_t index = (uint8_t)(transfer->setup.value & 0xff), device[18];
	const struct buf *configuration;

	if (type == USB_DESCRIPTOR_STRING)
		return get_string(port, transfer, index);
	if (type == USB_DESCRIPTOR_DEVICE) {
		if (smells_of_reset(port, transfer))
			sim_port_reset(port, port->device->now_us);
		sim_port_device_descriptor(port, device);
		return give(transfer, device, sizeof(device));
	}
	if (type != USB_DESCRIPTOR_CONFIGURATION)
		return get_other(port, transfer, type);
	configuration = &face_of(port)->configuration;
	return index ? SIM_STALL : give(transfer, configuration->data, configuration->size);
}

static bool has_alt(const struct sim_port *port, uint16_t interface, uint16_t alt)
{
	const struct buf *configuration = &face_of(port)->configuration;
	struct usb_descriptor descriptor;
	size_t at = 0;

	while (usb_descriptor_next((const uint8_t *)configuration->data, configuration->size, &at,
				   &descriptor))
		if (descriptor.type == USB_DESCRIPTOR_INTERFACE && descriptor.size >= 4 &&
		    descriptor.bytes[2] == interface && descriptor.bytes[3] == alt)
			return true;
	return false;
}

static enum sim_status set_interface(struct sim_port *port, struct sim_transfer *transfer)
{
	struct usb_setup setup = transfer->setup;
	size_t none = 0;

	if (setup.index >= USB_INTERFACES_MAX || !has_alt(port, setup.index, setup.value))
		return SIM_STALL;
	port->alts[setup.index] = (uint8_t)setup.value;
	return port->device->model->control(port->device, setup, transfer->data, &none);
}

static enum sim_status feature(struct sim_port *port, const struct sim_transfer *transfer, bool on)
{
	unsigned int endpoint = transfer->setup.index;
	uint32_t bit = (uint32_t)1 << ((endpoint & 0x0f) + (endpoint & USB_IN ? 16 : 0));

	if ((transfer->setup.request_type & 0x1f) != 2 || transfer->setup.value != ENDPOINT_HALT)
		return SIM_OK;
	port->halted = on ? port->halted | bit : port->halted & ~bit;
	return SIM_OK;
}

static enum sim_status answer(struct sim_port *port, struct sim_transfer *transfer)
{
	static const uint8_t zero[2] = {0};
	const struct usb_setup *setup = &transfer->setup;

	switch (setup->request) {
	case GET_STATUS:
		return give(transfer, zero, 2);
	case CLEAR_FEATURE:
	case SET_FEATURE:
		return feature(port, transfer, setup->request == SET_FEATURE);
	case SET_ADDRESS:
		return SIM_OK;
	case GET_DESCRIPTOR:
		return get_descriptor(port, transfer);
	case GET_CONFIGURATION:
		return give(transfer, &port->configuration, 1);
	case SET_CONFIGURATION:
		if (setup->value > 1)
			return SIM_STALL;
		port->configuration = (uint8_t)setup->value;
		return SIM_OK;
	case GET_INTERFACE:
		if (setup->index >= USB_INTERFACES_MAX)
			return SIM_STALL;
		return give(transfer, &port->alts[setup->index], 1);
	case SET_INTERFACE:
		return set_interface(port, transfer);
	default:
		return SIM_STALL;
	}
}

bool standard_request(struct sim_port *port, struct sim_transfer *transfer, enum sim_status *status)
{
	const struct usb_setup *setup = &transfer->setup;

	if (setup->request_type == 0x23 && setup->request == SET_FEATURE &&
	    setup->value == PORT_RESET) {
		sim_port_reset(port, port->device->now_us);
		*status = SIM_OK;
		return true;
	}
	if (setup->request_type & 0x60)
		return false;
	*status = answer(port, transfer);
	return true;
}
