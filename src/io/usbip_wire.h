// SPDX-License-Identifier: MIT
/*
 * The messages of USB/IP, version 1.1.1 (Linux Documentation/usb/usbip_protocol.rst), both ways:
 * used by our client, by the server that exports device models, and by their tests. Pure; all
 * numbers on the wire are big endian but the 8 bytes of a setup packet, which are as on USB.
 */
#ifndef ABOARD_IO_USBIP_WIRE_H
#define ABOARD_IO_USBIP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/usb.h"

#define USBIP_PORT    3240
#define USBIP_VERSION 0x0111

/* Operations: before a device is attached. */
#define USBIP_OP_SIZE        8
#define USBIP_OP_REQ_DEVLIST 0x8005
#define USBIP_OP_REP_DEVLIST 0x0005
#define USBIP_OP_REQ_IMPORT  0x8003
#define USBIP_OP_REP_IMPORT  0x0003
#define USBIP_BUSID          32 /* bytes, NUL-padded: after OP_REQ_IMPORT */

struct usbip_op {
	uint16_t version, code;
	uint32_t status; /* 0: good; 1: an error; 2: another client has it; 3: the device has an
			    error; 4: there is none */
};

void usbip_put_op(uint8_t out[USBIP_OP_SIZE], const struct usbip_op *op);
void usbip_get_op(const uint8_t in[USBIP_OP_SIZE], struct usbip_op *op);

/* A device as both replies tell it; in OP_REP_DEVLIST (after the count, 4 bytes) its interfaces
   follow, 4 bytes each. */
#define USBIP_DEVICE_SIZE    312
#define USBIP_INTERFACE_SIZE 4

struct usbip_device {
	char path[256]; /* sysfs path on the server */
	char busid[USBIP_BUSID + 1];
	uint32_t bus, device;
	uint32_t speed; /* enum usb_device_speed of Linux: 1 low, 2 full, 3 high, 5 super, 6 super+
			 */
	uint16_t vid, pid, release;
	struct usb_class class;
	uint8_t configuration, configuration_count, interface_count;
};

void usbip_put_device(uint8_t out[USBIP_DEVICE_SIZE], const struct usbip_device *device);
/* Text that is not ended is cut; what is not printable becomes '?'. */
void usbip_get_device(const uint8_t in[USBIP_DEVICE_SIZE], struct usbip_device *device);

/* Requests and replies once a device is attached: a header, then data. */
#define USBIP_HEADER_SIZE 48
#define USBIP_DATA_MAX    ((uint32_t)4 << 20) /* a longer transfer is refused */

enum usbip_command {
	USBIP_CMD_SUBMIT = 1, /* data follows when it goes out */
	USBIP_CMD_UNLINK = 2,
	USBIP_RET_SUBMIT = 3, /* actual_length bytes follow when the request went in */
	USBIP_RET_UNLINK = 4,
};

struct usbip_header {
	uint32_t command, sequence;
	uint32_t devid; /* bus << 16 | device; replies: 0 */
	bool in;        /* direction; in replies it is 0 whatever the request's was */
	uint32_t endpoint;
	/* CMD_SUBMIT */
	uint32_t flags, length;
	uint32_t interval;
	uint8_t setup[8];
	/* CMD_UNLINK: the sequence number of what is to be taken back */
	uint32_t unlink;
	/* RET_SUBMIT, RET_UNLINK: 0 or a negative errno of Linux (-32: stall) */
	int32_t status;
	uint32_t actual;
};

void usbip_put_header(uint8_t out[USBIP_HEADER_SIZE], const struct usbip_header *header);
/* False: no such command, or a length over USBIP_DATA_MAX. */
bool usbip_get_header(const uint8_t in[USBIP_HEADER_SIZE], struct usbip_header *header);

enum usb_speed usbip_speed(uint32_t speed);
uint32_t usbip_speed_of(enum usb_speed speed);

/* A client asks for a reset of the device's port with the request that would go to its hub; Linux's
   server does it, and so tells the device's own requests apart (stub_rx.c). */
#define USBIP_RESET                                                  \
	((struct usb_setup){.request_type = 0x23 /* class, other */, \
			    .request = 3 /* SET_FEATURE */,          \
			    .value = 4 /* PORT_RESET */,             \
			    .index = 1})

/* Setup packets as on the wire (little endian). */
void usb_put_setup(uint8_t out[8], const struct usb_setup *setup, uint16_t length);
void usb_get_setup(const uint8_t in[8], struct usb_setup *setup, uint16_t *length);

#endif
