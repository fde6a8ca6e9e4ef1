// SPDX-License-Identifier: MIT
/*
 * USB from the host's side: buses that are looked at, devices that are opened, transfers. A bus is
 * this machine's own (libusb) or that of another machine that runs a USB/IP server; the transports
 * trace, fault and replay stack on any device. A device is named by the port it is plugged into, so
 * that a board is followed through every re-enumeration and equal boards stay apart.
 *
 * Errors of everything here that talks to a device: ERR_USB, it is gone or the transfer broke;
 * ERR_BOARD, it stalled the request, which is how a device says no; ERR_TIMEOUT; ERR_CANCELLED.
 */
#ifndef ABOARD_IO_USB_H
#define ABOARD_IO_USB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/err.h"

enum usb_speed {
	USB_SPEED_UNKNOWN,
	USB_SPEED_LOW,        /* 1.5 Mbit/s */
	USB_SPEED_FULL,       /* 12 Mbit/s */
	USB_SPEED_HIGH,       /* 480 Mbit/s */
	USB_SPEED_SUPER,      /* 5 Gbit/s */
	USB_SPEED_SUPER_PLUS, /* 10 Gbit/s */
};

/* "high", as people say it; "unknown". */
const char *usb_speed_name(enum usb_speed speed);

/* Class, subclass and protocol of a device or an interface. */
struct usb_class {
	uint8_t class, subclass, protocol;
};

#define USB_INTERFACES_MAX 8
#define USB_TEXT           128
#define USB_PATH           128

/* One device as it is attached now. */
struct usb_info {
	char path[USB_PATH];  /* its port: "usb:1-2.3", "usbip://HOST:3240/1-2" */
	unsigned int address; /* device number on the bus; another one after each enumeration */
	uint16_t vid, pid;
	uint16_t release; /* bcdDevice */
	enum usb_speed speed;
	struct usb_class device;
	struct usb_class interfaces[USB_INTERFACES_MAX]; /* of the active configuration, alternate
							    setting 0 of each; more are left out */
	size_t interface_count;
	/* Strings as UTF-8, made printable; empty: there is none, or it could not be read. */
	char manufacturer[USB_TEXT], product[USB_TEXT], serial[USB_TEXT];
	char node[64]; /* "/dev/bus/usb/001/004"; empty: not on this machine */
	bool denied;   /* this user may not open it */
	/* Strings and interfaces were asked for. A USB/IP server does not tell strings, and
	   interfaces only of a device that is configured. */
	bool described;
};

struct usb_bus;

/* NULL or "usb:": this machine. "usbip://HOST[:PORT]": the devices that a USB/IP server exports
   (port 3240 when none is given). ERR_CONFIG: neither; ERR_NETWORK: the server does not answer. */
int usb_bus_open(struct usb_bus **bus, const char *address, struct deadline deadline,
		 struct err *err);
void usb_bus_close(struct usb_bus *bus);
void usb_bus_closep(struct usb_bus **bus);

/* What is attached now, in the order of their paths; the array is the caller's to free(). A USB/IP
   server does not tell strings: with `strings` each device is attached for a moment to ask it, and
   one that another client has stays without. */
int usb_bus_list(struct usb_bus *bus, bool strings, struct usb_info **list, size_t *count,
		 struct deadline deadline, struct err *err);

/* Waits until something may have come or gone since the last usb_bus_list(). Events on this
   machine; USB/IP has none, so there it is a short pause. */
int usb_bus_wait(struct usb_bus *bus, struct deadline deadline, struct err *err);

/* Splits "usb:1-2.3" or "usbip://HOST[:PORT]/BUSID" into the address of the bus (owned by the
   caller) and checks its form; `own` receives the path as struct usb_info tells it, with the port
   of the server. Either may be NULL. ERR_CONFIG with a remedy that names the forms. */
int usb_path_check(const char *path, char **bus_address, char own[USB_PATH], struct err *err);

/* One transfer. `data` is borrowed until it has been reaped. */
enum usb_transfer_type {
	USB_CONTROL,
	USB_BULK,
	USB_INTERRUPT,
};

/* The 8 bytes of a setup packet in host order (USB 2.0 section 9.3); wLength is the transfer's
 * size. */
struct usb_setup {
	uint8_t request_type; /* bit 7: to the host */
	uint8_t request;
	uint16_t value, index;
};

#define USB_IN           0x80u
#define USB_CONTROL_SIZE 4096 /* bytes of data: usbfs takes no more */

struct usb_transfer {
	enum usb_transfer_type type;
	struct usb_setup setup; /* USB_CONTROL */
	uint8_t endpoint;       /* address with USB_IN; USB_CONTROL: 0 */
	void *data;
	size_t size; /* bytes to move at most */
	size_t got;  /* bytes moved; valid once reaped */
	int status;  /* 0, or -ERR_USB, -ERR_BOARD (stall), -ERR_CANCELLED; valid once reaped */
	void *own;   /* the transport's */
};

struct usb_device;

/* What a transport is. Every transport has every operation. */
struct usb_ops {
	int (*submit)(struct usb_device *usb, struct usb_transfer *transfer, struct err *err);
	/* Waits for any transfer that was submitted; the order on one endpoint is that of
	   submission. ERR_TIMEOUT and ERR_CANCELLED leave them in flight. */
	int (*reap)(struct usb_device *usb, struct usb_transfer **transfer,
		    struct deadline deadline, struct err *err);
	/* Takes all back that is in flight; they are reaped with status -ERR_CANCELLED, or what
	   they came to, within seconds whatever the device does: then reap() needs no deadline. */
	void (*cancel)(struct usb_device *usb);
	/* Claims an interface (a kernel driver on it is detached, and comes back on release). */
	int (*claim)(struct usb_device *usb, uint8_t interface, struct err *err);
	void (*release)(struct usb_device *usb, uint8_t interface);
	int (*set_alt)(struct usb_device *usb, uint8_t interface, uint8_t alt,
		       struct deadline deadline, struct err *err);
	int (*clear_halt)(struct usb_device *usb, uint8_t endpoint, struct deadline deadline,
			  struct err *err);
	/* Port reset. The device may come back as another one: then it is ERR_USB. */
	int (*reset)(struct usb_device *usb, struct deadline deadline, struct err *err);
	/* Waits until the device has left the bus; nothing is in flight. */
	int (*await_gone)(struct usb_device *usb, struct deadline deadline, struct err *err);
	void (*close)(struct usb_device *usb); /* cancels, releases, frees */
};

struct usb_device {
	const struct usb_ops *ops;
	struct usb_info info; /* with strings, read when it was opened */
};

/* Opens the device that `info` tells of; ERR_USB: it is gone by now; ERR_HOST: no permission, with
   the udev rule as the remedy; ERR_BUSY: another program has it. */
int usb_open(struct usb_device **usb, struct usb_bus *bus, const struct usb_info *info,
	     struct deadline deadline, struct err *err);
void usb_close(struct usb_device *usb);
void usb_closep(struct usb_device **usb);

/* The operations by name. */
int usb_submit(struct usb_device *usb, struct usb_transfer *transfer, struct err *err);
int usb_reap(struct usb_device *usb, struct usb_transfer **transfer, struct deadline deadline,
	     struct err *err);
void usb_cancel(struct usb_device *usb);
int usb_claim(struct usb_device *usb, uint8_t interface, struct err *err);
void usb_release(struct usb_device *usb, uint8_t interface);
int usb_set_alt(struct usb_device *usb, uint8_t interface, uint8_t alt, struct deadline deadline,
		struct err *err);
int usb_clear_halt(struct usb_device *usb, uint8_t endpoint, struct deadline deadline,
		   struct err *err);
int usb_reset(struct usb_device *usb, struct deadline deadline, struct err *err);
int usb_await_gone(struct usb_device *usb, struct deadline deadline, struct err *err);

/* One transfer, waited for; nothing else may be in flight. When the deadline passes the transfer is
   taken back before this returns. *got may be NULL: then less than `size` is an error (ERR_BOARD)
   for what comes in. */
int usb_control(struct usb_device *usb, struct usb_setup setup, void *data, size_t size,
		size_t *got, struct deadline deadline, struct err *err);
int usb_bulk(struct usb_device *usb, uint8_t endpoint, void *data, size_t size, size_t *got,
	     struct deadline deadline, struct err *err);
int usb_interrupt(struct usb_device *usb, uint8_t endpoint, void *data, size_t size, size_t *got,
		  struct deadline deadline, struct err *err);

/* Whole configuration descriptor, number `index`, as the device gives it (USB 2.0 section 9.4.3).
 */
int usb_configuration(struct usb_device *usb, uint8_t index, struct buf *out,
		      struct deadline deadline, struct err *err);
/* String descriptor `index` in its first language as printable UTF-8; index 0 gives an empty one.
 */
int usb_string(struct usb_device *usb, uint8_t index, char out[USB_TEXT], struct deadline deadline,
	       struct err *err);

/* Fills what is missing in usb->info (strings, interfaces) by asking the device, as usb_open() has
   done once. What it does not answer stays empty; ERR_USB and ERR_CANCELLED are errors. */
int usb_describe(struct usb_device *usb, struct deadline deadline, struct err *err);

/* The transport that writes what passes to a readable log, one line a transfer, and the one that
   answers from such a log as the device did: any other request is ERR_USB. A device that is opened
   again is added to the log as another session; `session` counts from 0. After an error `below` is
   still the caller's. */
int usb_trace(struct usb_device **usb, struct usb_device *below, const char *log_path,
	      struct err *err);
int usb_replay(struct usb_device **usb, const char *log_path, size_t session, struct err *err);

/* The transport that misbehaves on purpose; it owns `below`. */
enum usb_fault_kind {
	USB_FAULT_GONE,  /* the device is unplugged */
	USB_FAULT_STALL, /* the transfer is stalled */
	USB_FAULT_SHORT, /* the transfer moves half of its bytes */
	USB_FAULT_HANG,  /* the transfer never ends */
};

struct usb_fault {
	enum usb_fault_kind kind;
	uint64_t after; /* happens to the transfer after this many */
	bool once;      /* only to that one; else to all that follow */
};

struct usb_device *usb_fault(struct usb_device *below, struct usb_fault fault);

#endif
