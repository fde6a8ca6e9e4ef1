// SPDX-License-Identifier: MIT
/*
 * A look-alike of libusb-1.0.so.0 for tests, as far as Debian's dfu-util and uuu call it: what they
 * ask of USB goes to the USB/IP server that ABOARD_TEST_USBIP names (HOST:PORT), with no help of
 * the kernel. Loaded instead of the real one by LD_LIBRARY_PATH. Behaviour as the documentation of
 * the public API says (libusb.h, libusb 1.0.26), made on our own client.
 */
#ifndef ABOARD_PEER_LOOKALIKE_H
#define ABOARD_PEER_LOOKALIKE_H

#include <libusb-1.0/libusb.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/buf.h"
#include "io/usb.h"

#define DEVICES_MAX        32
#define CONFIGURATIONS_MAX 4
#define PORTS_MAX          7
#define ANSWER_MS          10000 /* for what has no time limit of the caller's */

struct libusb_context {
	pthread_mutex_t lock; /* of everything here */
	unsigned int users;
	struct usb_bus *bus;
	/* Attached when last looked; a device keeps its address in memory while it is attached,
	   callers compare these. */
	struct libusb_device *known[DEVICES_MAX];
	size_t count;
};

struct libusb_device {
	struct libusb_context *context;
	unsigned int references; /* under the lock of the context */
	unsigned int open;       /* handles; the same */
	bool gone;               /* a transfer found it gone; the same */
	struct usb_info info;
	uint8_t bus, ports[PORTS_MAX], port_count;
	uint8_t descriptor[LIBUSB_DT_DEVICE_SIZE];
	struct buf configurations[CONFIGURATIONS_MAX];
};

struct libusb_device_handle {
	pthread_mutex_t lock; /* one transfer at a time */
	struct libusb_device *device;
	struct usb_device *usb;
};

/* The error of the API for one of ours (0 or negative). */
int lookalike_error(int error);

/* A whole configuration descriptor as the API shows it. The caller frees it with
   libusb_free_config_descriptor(). */
struct libusb_config_descriptor *lookalike_configuration(const uint8_t *bytes, size_t size);

#endif
