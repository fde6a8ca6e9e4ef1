// SPDX-License-Identifier: MIT
#include "power/usb_hub.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "io/usb_descriptors.h"

/* "1-2:1.0/1-2-port3"; of a root hub "1-0:1.0/usb1-port3". Hubs have one configuration. */
static char *port_folder(const char *folder, const char *hub, unsigned int port)
{
	if (text_starts(hub, "usb"))
		return xasprintf("%s/%s-0:1.0/%s-port%u", folder, hub + 3, hub, port);
	return xasprintf("%s/%s:1.0/%s-port%u", folder, hub, hub, port);
}

static char *file_in(const char *port)
{
	_cleanup_(freep) char *file = path_join(port, "disable");

	return access(file, F_OK) == 0 ? steal(file) : NULL;
}

char *hub_port_file(const char *folder, const char *hub, unsigned int port)
{
	_cleanup_(freep) char *one = port_folder(folder, hub, port);

	return file_in(one);
}

char *hub_twin_file(const char *folder, const char *hub, unsigned int port)
{
	_cleanup_(freep) char *one = port_folder(folder, hub, port), *peer = path_join(one, "peer");

	return file_in(peer);
}

int hub_file_set(const char *file, bool on, struct err *err)
{
	_cleanup_(closep) int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, on ? "0" : "1", 1) == 1)
		return 0;
	err_errno(err, ERR_POWER, "cannot write %s", file);
	if (errno != EACCES && errno != EPERM)
		return -ERR_POWER;
	return err_remedy(err, "let this user write it, for example with a udev rule: "
			       "SUBSYSTEM==\"usb\", DRIVER==\"hub\", RUN+=\"/bin/sh -c 'chmod -f "
			       "a+w $sys$devpath/*-port*/disable || true'\"");
}

int hub_file_get(const char *file, enum power_state *state, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {.max = 16};
	int rc = path_read(file, text.max, &text, err);

	if (rc < 0)
		return rc;
	if (text_starts(buf_text(&text), "0"))
		*state = POWER_ON;
	else if (text_starts(buf_text(&text), "1"))
		*state = POWER_OFF;
	else
		return err_set(err, ERR_POWER, "%s tells no state", file);
	return 0;
}

enum {
	GET_STATUS = 0,
	CLEAR_FEATURE = 1,
	SET_FEATURE = 3,
	GET_DESCRIPTOR = 6,
	PORT_POWER = 8,
	HUB_DESCRIPTOR = 0x29,
	SUPER_HUB_DESCRIPTOR = 0x2a,
	BOS_DESCRIPTOR = 0x0f,
	CAPABILITY = 0x10,
	CONTAINER_ID = 4,
};

#define BOS_MAX 1024

static bool is_super(const struct usb_device *hub)
{
	return hub->info.speed >= USB_SPEED_SUPER;
}

int hub_check(struct usb_device *hub, unsigned int port, struct deadline deadline, struct err *err)
{
	unsigned int type = is_super(hub) ? SUPER_HUB_DESCRIPTOR : HUB_DESCRIPTOR;
	struct usb_setup setup = {0xa0, GET_DESCRIPTOR, (uint16_t)(type << 8), 0};
	uint8_t bytes[32];
	size_t got;
	int rc = usb_control(hub, setup, bytes, sizeof(bytes), &got, deadline, err);

	if (rc == 0 && got < 7)
		rc = err_set(err, ERR_POWER, "it tells too little of itself");
	if (rc < 0)
		return err_prefix(err, "hub %s", hub->info.path);
	if (port > bytes[2])
		return err_set(err, ERR_CONFIG, "hub %s has %u ports", hub->info.path, bytes[2]);
	if ((le16(bytes + 3) & 3) == 1)
		return 0;
	err_set(err, ERR_POWER, "hub %s cannot switch the power of single ports", hub->info.path);
	return err_remedy(err, "few hubs can; uhubctl's README has a list");
}

int hub_set(struct usb_device *hub, unsigned int port, bool on, struct deadline deadline,
	    struct err *err)
{
	struct usb_setup setup = {0x23, on ? SET_FEATURE : CLEAR_FEATURE, PORT_POWER,
				  (uint16_t)port};

	return usb_control(hub, setup, NULL, 0, NULL, deadline, err);
}

int hub_get(struct usb_device *hub, unsigned int port, enum power_state *state,
	    struct deadline deadline, struct err *err)
{
	struct usb_setup setup = {0xa3, GET_STATUS, 0, (uint16_t)port};
	uint8_t bytes[4];
	int rc = usb_control(hub, setup, bytes, sizeof(bytes), NULL, deadline, err);

	if (rc < 0)
		return rc;
	*state = le16(bytes) & (is_super(hub) ? 0x0200 : 0x0100) ? POWER_ON : POWER_OFF;
	return 0;
}

/* Behind the 5 bytes of the BOS descriptor its capabilities follow (USB 3.1 section 9.6.2). */
int hub_container(struct usb_device *hub, uint8_t id[HUB_CONTAINER], bool *known,
		  struct deadline deadline, struct err *err)
{
	struct usb_setup setup = {0x80, GET_DESCRIPTOR, BOS_DESCRIPTOR << 8, 0};
	struct usb_descriptor one;
	uint8_t bytes[BOS_MAX];
	size_t got, at = 0;
	int rc = usb_control(hub, setup, bytes, sizeof(bytes), &got, deadline, err);

	*known = false;
	if (rc == -ERR_BOARD)
		return 0;
	while (rc == 0 && usb_descriptor_next(bytes, got, &at, &one)) {
		if (one.type != CAPABILITY || one.size < 4 + HUB_CONTAINER ||
		    one.bytes[2] != CONTAINER_ID)
			continue;
		memcpy(id, one.bytes + 4, HUB_CONTAINER);
		*known = true;
	}
	return rc;
}
