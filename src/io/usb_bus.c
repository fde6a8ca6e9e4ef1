// SPDX-License-Identifier: MIT
/* Buses by their address, and lists of what is attached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/resolve.h"
#include "io/usb_kinds.h"
#include "io/usbip_wire.h"

void usb_list_free(struct usb_list *list)
{
	free(list->items);
	*list = (struct usb_list){0};
}

struct usb_info *usb_list_add(struct usb_list *list)
{
	if (list->count == list->space) {
		list->space = list->space ? 2 * list->space : 16;
		list->items = xrealloc(list->items, list->space, sizeof(*list->items));
	}
	list->items[list->count] = (struct usb_info){0};
	return &list->items[list->count++];
}

/* "1-2.3": a bus, and at most 7 ports on the way (USB 2.0 section 4.1.1). */
#define TIERS 7

static bool is_number(const char **at)
{
	unsigned int value = 0;
	const char *start = *at;

	for (; **at >= '0' && **at <= '9' && value < 1000; (*at)++)
		value = value * 10 + (unsigned int)(**at - '0');
	return *at > start && *start != '0' && value < 256;
}

static bool is_port(const char *port)
{
	size_t tiers = 0;

	if (!is_number(&port) || *port != '-')
		return false;
	while (*port == (tiers ? '.' : '-') && tiers < TIERS) {
		port++;
		if (!is_number(&port))
			return false;
		tiers++;
	}
	return tiers > 0 && !*port;
}

static int local_split(const char *rest, char **address, char own[USB_PATH], struct err *err)
{
	if (!is_port(rest))
		return err_set(err, ERR_CONFIG, "'%s' is no USB port", rest);
	*address = xstrdup("usb:");
	snprintf(own, USB_PATH, "usb:%s", rest);
	return 0;
}

/* Whether a port follows the host. */
static bool has_port(const char *authority)
{
	const char *bracket = strrchr(authority, ']');

	return strchr(bracket ? bracket : authority, ':') != NULL;
}

/* "HOST[:PORT]" with the port there. */
static int whole_authority(const char *authority, char **whole, struct err *err)
{
	_cleanup_(freep) char *host = NULL, *port = NULL, *made = NULL;
	int rc;

	made = has_port(authority) ? xstrdup(authority) : xasprintf("%s:%d", authority, USBIP_PORT);
	rc = resolve_split(made, &host, &port, err);
	if (rc == 0)
		*whole = steal(made);
	return rc;
}

/* Linux's are ports; other servers have other names. */
static bool is_busid(const char *busid)
{
	size_t length = strlen(busid);

	return length > 0 && length < USBIP_BUSID &&
	       strspn(busid,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-") ==
		       length;
}

static int ip_split(const char *rest, char **address, char own[USB_PATH], struct err *err)
{
	_cleanup_(freep) char *authority = NULL, *whole = NULL;
	const char *slash = strchr(rest, '/');
	int rc;

	if (!slash || !is_busid(slash + 1))
		return err_set(err, ERR_CONFIG, "'%s' names no device of the server", rest);
	authority = xstrndup(rest, (size_t)(slash - rest));
	rc = whole_authority(authority, &whole, err);
	if (rc < 0)
		return rc;
	if (snprintf(own, USB_PATH, "usbip://%s/%s", whole, slash + 1) >= USB_PATH)
		return err_set(err, ERR_CONFIG, "the name of the server is too long");
	*address = xasprintf("usbip://%s", whole);
	return 0;
}

struct scheme {
	const char *prefix;
	int (*split)(const char *rest, char **address, char own[USB_PATH], struct err *err);
	int (*open)(struct usb_bus **bus, const char *rest, struct deadline deadline,
		    struct err *err);
};

static int open_ip(struct usb_bus **bus, const char *rest, struct deadline deadline,
		   struct err *err)
{
	_cleanup_(freep) char *whole = NULL;
	int rc = whole_authority(rest, &whole, err);

	return rc < 0 ? rc : usb_bus_open_ip(bus, whole, deadline, err);
}

static const struct scheme schemes[] = {
	{"usb:", local_split, usb_bus_open_local},
	{"usbip://", ip_split, open_ip},
};

static const struct scheme *scheme_of(const char *address, const char **rest)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(schemes); i++) {
		*rest = address + strlen(schemes[i].prefix);
		if (text_starts(address, schemes[i].prefix))
			return &schemes[i];
	}
	return NULL;
}

int usb_path_check(const char *path, char **bus_address, char own[USB_PATH], struct err *err)
{
	_cleanup_(freep) char *address = NULL;
	char made[USB_PATH];
	const char *rest;
	const struct scheme *scheme = scheme_of(path, &rest);
	int rc = scheme ? scheme->split(rest, &address, made, err)
			: err_set(err, ERR_CONFIG, "it begins with no known way");

	if (rc < 0) {
		err_prefix(err, "'%s' is not the path of a USB device", path);
		return err_remedy(err, "use usb:BUS-PORT[.PORT...] (as 'lsusb -t' or the names in "
				       "/sys/bus/usb/devices tell), or usbip://HOST[:PORT]/BUSID");
	}
	if (bus_address)
		*bus_address = steal(address);
	if (own)
		memcpy(own, made, sizeof(made));
	return 0;
}

int usb_bus_open(struct usb_bus **bus, const char *address, struct deadline deadline,
		 struct err *err)
{
	const char *rest;
	const struct scheme *scheme;

	*bus = NULL;
	if (!address)
		address = "usb:";
	scheme = scheme_of(address, &rest);
	if (scheme)
		return scheme->open(bus, rest, deadline, err);
	err_set(err, ERR_CONFIG, "'%s' is no USB bus", address);
	return err_remedy(err, "use 'usb:' for this machine, or usbip://HOST[:PORT]");
}

void usb_bus_close(struct usb_bus *bus)
{
	if (bus)
		bus->ops->close(bus);
}

void usb_bus_closep(struct usb_bus **bus)
{
	usb_bus_close(*bus);
	*bus = NULL;
}

/* Port 10 comes after port 9. */
static int by_path(const void *a, const void *b)
{
	const struct usb_info *one = a, *two = b;

	return strverscmp(one->path, two->path);
}

int usb_bus_list(struct usb_bus *bus, bool strings, struct usb_info **list, size_t *count,
		 struct deadline deadline, struct err *err)
{
	_cleanup_(usb_list_free) struct usb_list found = {0};
	int rc = bus->ops->list(bus, strings, &found, deadline, err);

	*list = NULL;
	*count = 0;
	if (rc < 0)
		return rc;
	if (found.count > 0)
		qsort(found.items, found.count, sizeof(*found.items), by_path);
	*list = steal(found.items);
	*count = found.count;
	return 0;
}

int usb_bus_wait(struct usb_bus *bus, struct deadline deadline, struct err *err)
{
	return bus->ops->wait(bus, deadline, err);
}
