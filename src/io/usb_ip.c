// SPDX-License-Identifier: MIT
/* usbip://HOST:PORT: the devices that a USB/IP server exports. What is listed, and importing one of
   them; each list and each import is a connection of its own. */
#include "io/usb_ip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/stream_kinds.h"
#include "io/usb_kinds.h"

#define DEVICES_MAX 1024
#define STRINGS_MS  3000 /* for all of one device */
#define PAUSE_MIN   20   /* ms between two looks */
#define PAUSE_MAX   250
#define HUB         9 /* class */

struct ip_bus {
	struct usb_bus bus;
	char *server;          /* HOST:PORT */
	struct usb_list known; /* as it was listed last */
	int64_t pause_ms;
};

static struct ip_bus *self_of(struct usb_bus *bus)
{
	return container_of(bus, struct ip_bus, bus);
}

/* For a server, a stream that broke is not a console. */
static int as_network(int rc, struct err *err)
{
	if (rc != -ERR_CONSOLE)
		return rc;
	if (err)
		err->kind = ERR_NETWORK;
	return -ERR_NETWORK;
}

static int read_all(int fd, void *data, size_t size, struct deadline deadline, struct err *err)
{
	size_t done, got;
	int rc;

	for (done = 0; done < size; done += got) {
		rc = fd_read(fd, (char *)data + done, size - done, &got, deadline, err);
		if (rc < 0)
			return as_network(rc, err);
		if (!got)
			return err_set(err, ERR_NETWORK, "the server has closed the connection");
	}
	return 0;
}

static int ask(const struct ip_bus *self, int *fd, uint16_t code, const uint8_t *body, size_t size,
	       struct deadline deadline, struct err *err)
{
	uint8_t message[USBIP_OP_SIZE + USBIP_BUSID];
	struct usbip_op op = {.version = USBIP_VERSION, .code = code};
	_cleanup_(closep) int connected = -1;
	size_t done;
	int rc = tcp_connect(&connected, self->server, deadline, err);

	if (rc == -ERR_NETWORK)
		return err_remedy(err, "is usbipd running there, and may its port be reached? "
				       "'usbip list -r HOST' asks it without aboard");
	if (rc < 0)
		return rc;
	usbip_put_op(message, &op);
	if (size > 0)
		memcpy(message + USBIP_OP_SIZE, body, size);
	rc = fd_write(connected, message, USBIP_OP_SIZE + size, &done, deadline, err);
	if (rc == 0)
		*fd = steal_fd(&connected);
	return as_network(rc, err);
}

static int refuse(uint32_t status, struct err *err)
{
	static const struct {
		enum err_kind kind;
		const char *text, *remedy;
	} rows[] = {
		[1] = {ERR_BUSY, "the server does not give the device away",
		       "another client may have it; the server's log tells"},
		[2] = {ERR_BUSY, "another client has the device", "wait until it is given back"},
		[3] = {ERR_USB, "the device has an error, says the server",
		       "plug it in again, and bind it again there"},
		[4] = {ERR_USB, "the server has no such device any more",
		       "bind it there again: usbip bind -b BUSID"},
	};

	if (status >= ARRAY_SIZE(rows))
		return err_set(err, ERR_NETWORK, "the server answers with error %u", status);
	err_set(err, rows[status].kind, "%s", rows[status].text);
	return err_remedy(err, "%s", rows[status].remedy);
}

static int read_reply(int fd, uint16_t code, struct deadline deadline, struct err *err)
{
	uint8_t bytes[USBIP_OP_SIZE];
	struct usbip_op op;
	int rc = read_all(fd, bytes, sizeof(bytes), deadline, err);

	if (rc < 0)
		return rc;
	usbip_get_op(bytes, &op);
	if (op.code != code)
		return err_set(err, ERR_NETWORK, "it is no USB/IP server");
	if (op.version != USBIP_VERSION)
		return err_set(err, ERR_NETWORK, "the server speaks version %x of USB/IP, not %x",
			       op.version, USBIP_VERSION);
	return op.status ? refuse(op.status, err) : 0;
}

/* False: it cannot be named. */
static bool fill_info(const struct ip_bus *self, const struct usbip_device *device,
		      struct usb_info *info)
{
	*info = (struct usb_info){
		.address = device->device,
		.vid = device->vid,
		.pid = device->pid,
		.release = device->release,
		.speed = usbip_speed(device->speed),
		.device = device->class,
	};
	return device->busid[0] && snprintf(info->path, USB_PATH, "usbip://%s/%s", self->server,
					    device->busid) < USB_PATH;
}

static int read_device(const struct ip_bus *self, int fd, struct usb_list *list,
		       struct deadline deadline, struct err *err)
{
	uint8_t bytes[USBIP_DEVICE_SIZE], class[USBIP_INTERFACE_SIZE];
	struct usbip_device device;
	struct usb_info info;
	bool named;
	size_t i;
	int rc = read_all(fd, bytes, sizeof(bytes), deadline, err);

	if (rc < 0)
		return rc;
	usbip_get_device(bytes, &device);
	named = fill_info(self, &device, &info);
	for (i = 0; rc == 0 && i < device.interface_count; i++) {
		rc = read_all(fd, class, sizeof(class), deadline, err);
		if (rc == 0 && info.interface_count < USB_INTERFACES_MAX)
			info.interfaces[info.interface_count++] =
				(struct usb_class){class[0], class[1], class[2]};
	}
	if (rc == 0 && named)
		*usb_list_add(list) = info;
	return rc;
}

static int list_devices(const struct ip_bus *self, struct usb_list *list, struct deadline deadline,
			struct err *err)
{
	_cleanup_(closep) int fd = -1;
	uint8_t bytes[4];
	uint32_t count = 0, i;
	int rc = ask(self, &fd, USBIP_OP_REQ_DEVLIST, NULL, 0, deadline, err);

	if (rc == 0)
		rc = read_reply(fd, USBIP_OP_REP_DEVLIST, deadline, err);
	if (rc == 0)
		rc = read_all(fd, bytes, sizeof(bytes), deadline, err);
	if (rc == 0)
		count = be32(bytes);
	if (count > DEVICES_MAX)
		return err_set(err, ERR_NETWORK, "the server tells of %u devices", count);
	for (i = 0; rc == 0 && i < count; i++)
		rc = read_device(self, fd, list, deadline, err);
	return rc;
}

static bool is_same(const struct usb_info *a, const struct usb_info *b)
{
	return text_equal(a->path, b->path) && a->address == b->address && a->vid == b->vid &&
	       a->pid == b->pid && a->release == b->release;
}

/* What was learnt about a device holds until it enumerates anew. */
static bool recall(const struct ip_bus *self, struct usb_info *info)
{
	const struct usb_info *known;
	size_t i;

	for (i = 0; i < self->known.count; i++) {
		known = &self->known.items[i];
		if (!is_same(known, info))
			continue;
		*info = *known;
		return true;
	}
	return false;
}

/* One that another client has, or that does not answer, stays without strings. */
static int ask_strings(struct usb_bus *bus, struct usb_info *info, struct deadline deadline,
		       struct err *err)
{
	_cleanup_(usb_closep) struct usb_device *usb = NULL;
	int rc;

	if (info->described || info->device.class == HUB)
		return 0;
	rc = usb_open(&usb, bus, info, deadline_in(deadline, STRINGS_MS), err);
	if (rc == 0)
		*info = usb->info;
	/* Who keeps silent is not asked again and again. */
	info->described = rc != -ERR_BUSY;
	return rc == -ERR_CANCELLED ? rc : deadline_check(deadline, err);
}

static int list_ip(struct usb_bus *bus, bool strings, struct usb_list *list,
		   struct deadline deadline, struct err *err)
{
	struct ip_bus *self = self_of(bus);
	size_t fresh = 0, i;
	int rc = list_devices(self, list, deadline, err);

	for (i = 0; rc == 0 && i < list->count; i++) {
		fresh += !recall(self, &list->items[i]);
		if (strings)
			rc = ask_strings(bus, &list->items[i], deadline, err);
	}
	if (rc < 0)
		return err_prefix(err, "usbip://%s", self->server);
	if (fresh > 0 || list->count != self->known.count)
		self->pause_ms = PAUSE_MIN;
	usb_list_free(&self->known);
	for (i = 0; i < list->count; i++)
		*usb_list_add(&self->known) = list->items[i];
	return 0;
}

/* The protocol has no word for what comes and goes. */
static int wait_ip(struct usb_bus *bus, struct deadline deadline, struct err *err)
{
	struct ip_bus *self = self_of(bus);
	int64_t pause = self->pause_ms;

	self->pause_ms = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
	return deadline_pause(pause, deadline, err);
}

static int import(const struct ip_bus *self, const struct usb_info *info, int *fd,
		  struct usbip_device *device, struct deadline deadline, struct err *err)
{
	uint8_t busid[USBIP_BUSID] = {0}, bytes[USBIP_DEVICE_SIZE];
	const char *name = strrchr(info->path, '/');
	int rc;

	if (!name || strlen(name + 1) >= USBIP_BUSID)
		return err_set(err, ERR_INTERNAL, "it is not of this server");
	memcpy(busid, name + 1, strlen(name + 1));
	rc = ask(self, fd, USBIP_OP_REQ_IMPORT, busid, sizeof(busid), deadline, err);
	if (rc == 0)
		rc = read_reply(*fd, USBIP_OP_REP_IMPORT, deadline, err);
	if (rc == 0)
		rc = read_all(*fd, bytes, sizeof(bytes), deadline, err);
	if (rc < 0)
		return rc;
	usbip_get_device(bytes, device);
	if (device->vid == info->vid && device->pid == info->pid && device->device == info->address)
		return 0;
	return err_set(err, ERR_USB, "another device is there by now");
}

/* The server's kernel has let go of the device, and with it of its configuration. */
static int configure(struct usb_device *usb, uint8_t value, struct deadline deadline,
		     struct err *err)
{
	struct usb_setup set_configuration = {0x00, 9, value, 0};
	_cleanup_(buf_free) struct buf bytes = {0};
	int rc = 0;

	if (!value) {
		rc = usb_configuration(usb, 0, &bytes, deadline, err);
		if (rc == 0)
			set_configuration.value = (uint8_t)bytes.data[5];
	}
	if (rc == 0)
		rc = usb_control(usb, set_configuration, NULL, 0, NULL, deadline, err);
	return rc < 0 ? err_prefix(err, "choosing its configuration") : 0;
}

static int open_ip(struct usb_device **usb, struct usb_bus *bus, const struct usb_info *info,
		   struct deadline deadline, struct err *err)
{
	_cleanup_(usb_closep) struct usb_device *made = NULL;
	_cleanup_(closep) int fd = -1;
	struct usbip_device device;
	int rc = import(self_of(bus), info, &fd, &device, deadline, err);

	if (rc < 0)
		return rc;
	made = usb_ip_link_new(steal_fd(&fd), &device, info);
	rc = configure(made, device.configuration, deadline, err);
	if (rc == 0)
		*usb = steal(made);
	return rc;
}

static void close_ip(struct usb_bus *bus)
{
	struct ip_bus *self = self_of(bus);

	usb_list_free(&self->known);
	free(self->server);
	free(self);
}

static const struct usb_bus_ops ops = {
	.list = list_ip,
	.wait = wait_ip,
	.open = open_ip,
	.close = close_ip,
};

/* A first list shows that the server is one. */
int usb_bus_open_ip(struct usb_bus **bus, const char *rest, struct deadline deadline,
		    struct err *err)
{
	_cleanup_(usb_bus_closep) struct usb_bus *made = NULL;
	_cleanup_(usb_list_free) struct usb_list list = {0};
	struct ip_bus *self = xcalloc(1, sizeof(*self));
	int rc;

	*self = (struct ip_bus){
		.bus.ops = &ops,
		.server = xstrdup(rest),
		.pause_ms = PAUSE_MIN,
	};
	made = &self->bus;
	rc = list_ip(made, false, &list, deadline, err);
	if (rc < 0)
		return rc;
	*bus = steal(made);
	return 0;
}
