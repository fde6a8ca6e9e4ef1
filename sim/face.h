// SPDX-License-Identifier: MIT
/*
 * Making descriptors (USB 2.0 section 9.6): a face is begun, interfaces are added in order, and it
 * is ended.
 */
#ifndef ABOARD_SIM_FACE_H
#define ABOARD_SIM_FACE_H

#include "sim/sim.h"

struct face_ids {
	uint16_t vid, pid, release;
	struct usb_class class;                                      /* of the device */
	const char *manufacturer, *product, *serial, *configuration; /* NULL: none */
	enum usb_speed speed;
	uint8_t attributes; /* of the configuration: 0xc0 self powered */
	uint8_t power;      /* in units of 2 mA */
};

/* Also empties a face that was used before. */
void face_begin(struct sim_face *face, const struct face_ids *ids);
/* Its index; 0 for NULL, or when there are too many. */
uint8_t face_string(struct sim_face *face, const char *text);
/* An interface descriptor; alternate settings of one follow each other. */
void face_interface(struct sim_face *face, uint8_t interface, uint8_t alt, struct usb_class class,
		    uint8_t endpoints, const char *name);
void face_endpoint(struct sim_face *face, uint8_t address, uint8_t attributes, uint16_t packet);
/* One interface with a bulk endpoint each way, as U-Boot's gadgets have it on ST's boards. */
struct gadget_ids {
	uint16_t vid, pid;
	const char *product, *serial;
};

struct gadget_pipes {
	struct usb_class class;
	uint8_t in, out; /* addresses of the endpoints */
	const char *name;
};

void face_gadget(struct sim_face *face, const struct gadget_ids *ids,
		 const struct gadget_pipes *pipes);
/* Any other descriptor. */
void face_add(struct sim_face *face, const uint8_t *bytes, size_t size);
/* Writes wTotalLength and the number of interfaces. */
void face_end(struct sim_face *face);
void face_free(struct sim_face *face);

#endif
