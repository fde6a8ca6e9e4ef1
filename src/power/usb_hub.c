// SPDX-License-Identifier: MIT
/* Power by a port of a USB hub that switches its ports one by one. */
#include "power/usb_hub.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "power/usb_find.h"
#include "power/ways.h"

#define DEVICES     "/sys/bus/usb/devices"
#define PORTS_MAX   31
#define OFF_TRIES   4 /* some hubs must be told more than once */
#define OFF_WAIT_MS 100

static const struct key usb_hub_keys[] = {
	{"hub", KEY_TEXT, true, NULL,
	 "the hub, by the port it is plugged into: 1-2; usb1: a root hub", NULL},
	{"port", KEY_UINT, true, NULL, "which of its ports, from 1 on", NULL},
	{0},
};

struct hub_port {
	char *path;       /* owned; "usb:1-2", or of a USB/IP server; NULL: a root hub */
	const char *name; /* "1-2", "usb1" for sysfs; NULL: of another machine */
	unsigned int port;
};

static bool is_root(const char *hub)
{
	uint64_t bus;

	return text_starts(hub, "usb") && text_u64(hub + 3, 255, &bus) && bus > 0;
}

static int read_hub(struct hub_port *self, const struct yaml *hub, struct err *err)
{
	const char *text = hub->text;
	struct err why;

	if (is_root(text)) {
		self->name = text;
		return 0;
	}
	self->path = strchr(text, ':') ? xstrdup(text) : xasprintf("usb:%s", text);
	if (text_starts(self->path, "usb:"))
		self->name = self->path + strlen("usb:");
	if (usb_path_check(self->path, NULL, NULL, &why) == 0)
		return 0;
	yaml_err(hub, err, "%s", why.text);
	return err_remedy(err, "name a hub as 'lsusb -t' does: 1-2, or usb1 for a root hub");
}

static int hub_open(struct power *power, struct err *err)
{
	struct hub_port *self = power->own = xcalloc(1, sizeof(*self));
	uint64_t port = yaml_uint(power->settings, "port", 0);

	if (!port || port > PORTS_MAX)
		return yaml_err(yaml_get(power->settings, "port"), err, "'port' must be 1 to %d",
				PORTS_MAX);
	self->port = (unsigned int)port;
	return read_hub(self, yaml_get(power->settings, "hub"), err);
}

static void hub_close(struct power *power)
{
	struct hub_port *self = power->own;

	if (self)
		free(self->path);
	free(self);
}

/* What the hub, and its twin, is switched by: files, or requests. */
struct hold {
	char *files[HUB_TWINS]; /* owned */
	struct usb_found found;
	struct usb_device *hubs[HUB_TWINS];
};

static void let_go(struct hold *hold)
{
	size_t i;

	for (i = 0; i < HUB_TWINS; i++) {
		free(hold->files[i]);
		usb_close(hold->hubs[i]);
	}
	usb_found_free(&hold->found);
}

static bool is_hub(const struct usb_info *info)
{
	return info->device.class == USB_HUB_CLASS;
}

/* The hub of the other speed has the same container id. Hubs that cannot be asked are not it. */
static int find_twin(struct hold *hold, struct deadline deadline, struct err *err)
{
	const struct usb_info *own = &hold->hubs[0]->info, *other;
	uint8_t id[HUB_CONTAINER], its[HUB_CONTAINER];
	bool known, same;
	size_t i;
	int rc = hub_container(hold->hubs[0], id, &known, deadline, err);

	for (i = 0; rc == 0 && known && i < hold->found.count; i++) {
		_cleanup_(usb_closep) struct usb_device *usb = NULL;

		other = &hold->found.list[i];
		if (!is_hub(other) || strcmp(other->path, own->path) == 0 ||
		    (other->speed >= USB_SPEED_SUPER) == (own->speed >= USB_SPEED_SUPER))
			continue;
		if (usb_open(&usb, hold->found.bus, other, deadline, err) < 0 ||
		    hub_container(usb, its, &same, deadline, err) < 0)
			continue;
		if (!same || memcmp(id, its, sizeof(id)) != 0)
			continue;
		hold->hubs[1] = steal(usb);
		return 0;
	}
	return rc;
}

static int hold_by_request(struct hub_port *self, struct hold *hold, struct deadline deadline,
			   struct err *err)
{
	struct usb_find find = {.path = self->path, .what = "hub", .is_kind = is_hub};
	int rc;

	if (!self->path) {
		err_set(err, ERR_POWER, "the root hub %s has no port %u that can be switched",
			self->name, self->port);
		return err_remedy(err, "Linux 6.0 or newer is needed for root hubs");
	}
	rc = usb_find(&find, &hold->found, deadline, err);
	if (rc == 0)
		rc = usb_open(&hold->hubs[0], hold->found.bus, hold->found.info, deadline, err);
	if (rc == 0)
		rc = hub_check(hold->hubs[0], self->port, deadline, err);
	return rc < 0 ? rc : find_twin(hold, deadline, err);
}

/* The kernel's own way first: then it knows what has become of its devices. */
static int take_hold(struct hub_port *self, struct hold *hold, struct deadline deadline,
		     struct err *err)
{
	if (self->name)
		hold->files[0] = hub_port_file(DEVICES, self->name, self->port);
	if (!hold->files[0])
		return hold_by_request(self, hold, deadline, err);
	hold->files[1] = hub_twin_file(DEVICES, self->name, self->port);
	return 0;
}

static int switch_by_request(struct usb_device *hub, unsigned int port, bool on,
			     struct deadline deadline, struct err *err)
{
	enum power_state state = POWER_UNKNOWN;
	unsigned int tries;
	int rc = 0;

	for (tries = 0; rc == 0 && tries < (on ? 1 : OFF_TRIES); tries++) {
		if (tries)
			rc = deadline_pause(OFF_WAIT_MS, deadline, err);
		if (rc == 0)
			rc = hub_set(hub, port, on, deadline, err);
		if (rc == 0)
			rc = hub_get(hub, port, &state, deadline, err);
		if (state == (on ? POWER_ON : POWER_OFF))
			break;
	}
	return rc;
}

static int usb_hub_set(struct power *power, bool on, struct deadline deadline, struct err *err)
{
	struct hub_port *self = power->own;
	_cleanup_(let_go) struct hold hold = {0};
	size_t i;
	int rc = take_hold(self, &hold, deadline, err);

	for (i = 0; rc == 0 && i < HUB_TWINS; i++) {
		if (hold.files[i])
			rc = hub_file_set(hold.files[i], on, err);
		else if (hold.hubs[i])
			rc = switch_by_request(hold.hubs[i], self->port, on, deadline, err);
	}
	return rc;
}

/* A plug has power as long as one of its ports has. */
static int usb_hub_get(struct power *power, enum power_state *state, struct deadline deadline,
		       struct err *err)
{
	struct hub_port *self = power->own;
	_cleanup_(let_go) struct hold hold = {0};
	enum power_state one = POWER_OFF;
	size_t i;
	int rc = take_hold(self, &hold, deadline, err);

	*state = POWER_OFF;
	for (i = 0; rc == 0 && i < HUB_TWINS; i++) {
		if (hold.files[i])
			rc = hub_file_get(hold.files[i], &one, err);
		else if (hold.hubs[i])
			rc = hub_get(hold.hubs[i], self->port, &one, deadline, err);
		if (one == POWER_ON)
			*state = POWER_ON;
	}
	return rc;
}

const struct power_way power_usb_hub = {
	.name = "usb-hub",
	.summary = "a port of a USB hub that switches its ports one by one",
	.keys = usb_hub_keys,
	.open = hub_open,
	.set = usb_hub_set,
	.get = usb_hub_get,
	.close = hub_close,
};
