// SPDX-License-Identifier: MIT
#include "sim/fb_usb.h"

#include <string.h>

#define OUT_ENDPOINT 0x01
#define IN_ENDPOINT  0x81
#define BULK         2
#define PACKET       512

void fb_usb_face(struct sim_face *face, const struct fb_ids *ids)
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
	face_interface(face, 0, 0, (struct usb_class){0xff, 0x42, 0x03}, 2, "Android Fastboot");
	face_endpoint(face, IN_ENDPOINT, BULK, PACKET);
	face_endpoint(face, OUT_ENDPOINT, BULK, PACKET);
	face_end(face);
}

enum sim_status fb_usb_bulk(struct fb_device *fb, uint8_t endpoint, uint8_t *data, size_t *size,
			    bool *pending)
{
	struct fb_answer answer;
	size_t length;

	if (endpoint == OUT_ENDPOINT) {
		fb_take(fb, data, *size);
		return SIM_OK;
	}
	if (endpoint != IN_ENDPOINT)
		return SIM_STALL;
	if (!fb_give(fb, &answer)) {
		*pending = true;
		return SIM_OK;
	}
	length = strlen(answer.text);
	*size = length < *size ? length : *size;
	memcpy(data, answer.text, *size);
	return SIM_OK;
}

enum fb_end fb_ended(struct fb_device *fb)
{
	if (fb->count)
		return FB_STAYS;
	if (fb->after[0] && fb->run)
		fb->run(fb->context, fb->after);
	fb->after[0] = '\0';
	return fb->end;
}

void fb_net_free(struct fb_net *net)
{
	if (net)
		net->free(net);
}
