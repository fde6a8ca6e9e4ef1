// SPDX-License-Identifier: MIT
#include "sim/face.h"

#include <stdlib.h>

#include "base/mem.h"
#include "io/usb_descriptors.h"

#define AT_TOTAL      2 /* in the configuration descriptor */
#define AT_INTERFACES 4

#define BULK   2   /* bmAttributes of an endpoint */
#define PACKET 512 /* bytes at high speed */

static uint8_t low(unsigned int value)
{
	return (uint8_t)(value & 0xff);
}

static uint8_t high(unsigned int value)
{
	return (uint8_t)(value >> 8 & 0xff);
}

void face_free(struct sim_face *face)
{
	size_t i;

	for (i = 0; i < face->string_count; i++)
		free(face->strings[i]);
	buf_free(&face->configuration);
	*face = (struct sim_face){0};
}

uint8_t face_string(struct sim_face *face, const char *text)
{
	if (!text || face->string_count == SIM_STRINGS_MAX)
		return 0;
	face->strings[face->string_count++] = xstrdup(text);
	return (uint8_t)face->string_count;
}

void face_begin(struct sim_face *face, const struct face_ids *ids)
{
	uint8_t manufacturer, product, serial, configuration;

	face_free(face);
	face->speed = ids->speed;
	manufacturer = face_string(face, ids->manufacturer);
	product = face_string(face, ids->product);
	serial = face_string(face, ids->serial);
	configuration = face_string(face, ids->configuration);
	const uint8_t device[18] = {18,
				    USB_DESCRIPTOR_DEVICE,
				    0x00,
				    0x02,
				    ids->class.class,
				    ids->class.subclass,
				    ids->class.protocol,
				    64,
				    low(ids->vid),
				    high(ids->vid),
				    low(ids->pid),
				    high(ids->pid),
				    low(ids->release),
				    high(ids->release),
				    manufacturer,
				    product,
				    serial,
				    1};
	const uint8_t head[9] = {
		9,         USB_DESCRIPTOR_CONFIGURATION, 0, 0, 0, 1, configuration, ids->attributes,
		ids->power};
	for (size_t i = 0; i < sizeof(device); i++)
		face->device[i] = device[i];
	buf_add(&face->configuration, head, sizeof(head));
}

void face_add(struct sim_face *face, const uint8_t *bytes, size_t size)
{
	buf_add(&face->configuration, bytes, size);
}

void face_interface(struct sim_face *face, uint8_t interface, uint8_t alt, struct usb_class class,
		    uint8_t endpoints, const char *name)
{
	const uint8_t descriptor[9] = {9,
				       USB_DESCRIPTOR_INTERFACE,
				       interface,
				       alt,
				       endpoints,
				       class.class,
				       class.subclass,
				       class.protocol,
				       face_string(face, name)};

	face_add(face, descriptor, sizeof(descriptor));
	face->configuration.data[AT_INTERFACES] = (char)(interface + 1);
}

void face_endpoint(struct sim_face *face, uint8_t address, uint8_t attributes, uint16_t packet)
{
	const uint8_t descriptor[7] = {
		7, USB_DESCRIPTOR_ENDPOINT, address, attributes, low(packet), high(packet), 0};

	face_add(face, descriptor, sizeof(descriptor));
}

void face_end(struct sim_face *face)
{
	size_t total = face->configuration.size;

	face->configuration.data[AT_TOTAL] = (char)low((unsigned int)total);
	face->configuration.data[AT_TOTAL + 1] = (char)high((unsigned int)total);
}

void face_gadget(struct sim_face *face, const struct gadget_ids *ids,
		 const struct gadget_pipes *pipes)
{
	const struct face_ids own = {
		.vid = ids->vid,
		.pid = ids->pid,
		.release = 0x0223,
		.manufacturer = "STMicroelectronics",
		.product = ids->product,
		.serial = ids->serial,
		.speed = USB_SPEED_HIGH,
		.attributes = 0xc0,
		.power = 1,
	};

	face_begin(face, &own);
	face_interface(face, 0, 0, pipes->class, 2, pipes->name);
	face_endpoint(face, pipes->in, BULK, PACKET);
	face_endpoint(face, pipes->out, BULK, PACKET);
	face_end(face);
}
