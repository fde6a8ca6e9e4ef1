// SPDX-License-Identifier: MIT
/*
 * Fastboot's transports: the USB interface ff/42/03, and U-Boot's servers for TCP and UDP
 * (net/fastboot_tcp.c, net/fastboot_udp.c; AOSP fastboot/README.md).
 */
#ifndef ABOARD_SIM_FB_USB_H
#define ABOARD_SIM_FB_USB_H

#include "base/err.h"
#include "sim/face.h"
#include "sim/fb_device.h"
#include "sim/loop.h"

void fb_usb_face(struct sim_face *face, const struct gadget_ids *ids);

/* A bulk transfer. */
enum sim_status fb_usb_bulk(struct fb_device *fb, uint8_t endpoint, uint8_t *data, size_t *size,
			    bool *pending);

/* What is to be done now that the host has read all answers; FB_STAYS: nothing. */
enum fb_end fb_ended(struct fb_device *fb);

struct fb_net; /* a server on TCP or UDP */

struct fb_net_settings {
	const char *address; /* "HOST:PORT" */
	bool commands_only;  /* TCP: no data phase, as in U-Boot of 2024 to 2026 */
	uint16_t sequence;   /* UDP: the first one expected */
	uint64_t lose;       /* UDP: each so manyth packet is lost, both ways; 0: none */
};

/* The device is borrowed. `bound` receives the address that was taken. */
int fb_tcp_new(struct fb_net **net, struct fb_device *fb, struct loop *loop,
	       const struct fb_net_settings *settings, char bound[80], struct err *err);
int fb_udp_new(struct fb_net **net, struct fb_device *fb, struct loop *loop,
	       const struct fb_net_settings *settings, char bound[80], struct err *err);
void fb_net_free(struct fb_net *net);

struct fb_net {
	void (*free)(struct fb_net *net);
};

#endif
