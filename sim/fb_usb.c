// SPDX-License-Identifier: MIT
#include "sim/fb_usb.h"

#include <string.h>

#define OUT_ENDPOINT 0x01
#define IN_ENDPOINT  0x81

void fb_usb_face(struct sim_face *face, const struct gadget_ids *ids)
{
	static const struct gadget_pipes pipes = {
		{0xff, 0x42, 0x03}, IN_ENDPOINT, OUT_ENDPOINT, "Android Fastboot"};

	face_gadget(face, ids, &pipes);
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
