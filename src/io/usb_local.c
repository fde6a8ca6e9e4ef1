// SPDX-License-Identifier: MIT
/* usb: this machine's own devices. sysfs tells what is attached, the kernel's uevents tell when to
   look again; neither needs udev to run, which it does not in a container or an initramfs. */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "io/usb_local.h"
#include "io/usb_udev.h"

#define DEVICES       "/sys/bus/usb/devices"
#define LOOK_AGAIN_MS 1000 /* where uevents do not reach: another network namespace */
#define PERMISSION_MS 2000 /* udev's time to set the permissions of a node that is new */

struct local_bus {
	struct usb_bus bus;
	int events; /* -1: none to be had */
};

static struct local_bus *self_of(struct usb_bus *bus)
{
	return container_of(bus, struct local_bus, bus);
}

/* Groups 1 and 2: what the kernel says at once, and what udev says when it is through. */
static int open_events(void)
{
	const struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_groups = 3};
	_cleanup_(closep) int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof(name)) < 0)
		return -1;
	return steal_fd(&fd);
}

/* Also when some were lost (ENOBUFS): that there were any is all that counts. */
static void drain(int fd)
{
	char event[8192];

	while (fd >= 0 &&
	       (recv(fd, event, sizeof(event), 0) >= 0 || errno == ENOBUFS || errno == EINTR))
		continue;
}

/* What comes after the draining is either in this list, or wakes the wait that follows. */
static int list_local(struct usb_bus *bus, bool strings, struct usb_list *list,
		      struct deadline deadline, struct err *err)
{
	int rc = deadline_check(deadline, err);

	(void)strings;
	if (rc < 0)
		return rc;
	drain(self_of(bus)->events);
	return usb_sysfs_list(DEVICES, list, err);
}

static int wait_local(struct usb_bus *bus, struct deadline deadline, struct err *err)
{
	struct pollfd ready = {.fd = self_of(bus)->events, .events = POLLIN};
	struct deadline soon = deadline_in(deadline, LOOK_AGAIN_MS);
	int rc = deadline_poll(&ready, 1, soon, err);

	if (rc == -ERR_TIMEOUT)
		return deadline_check(deadline, err);
	return rc < 0 ? rc : 0;
}

static int no_permission(const struct usb_info *info, struct err *err)
{
	_cleanup_(buf_free) struct buf rule = {0};

	usb_udev_rule(&rule, info->vid, info->pid, (struct usb_class){0});
	err_set(err, ERR_HOST, "no permission to open %s", info->node);
	return err_remedy(err,
			  "put this line into " USB_UDEV_FILE ", run 'udevadm "
			  "control --reload', and plug it in again: %s",
			  buf_text(&rule));
}

static int open_failed(const struct usb_info *info, struct err *err)
{
	if (errno == EACCES || errno == EPERM)
		return no_permission(info, err);
	if (errno == ENOENT || errno == ENODEV)
		return err_set(err, ERR_USB, "the device is gone");
	return err_errno(err, ERR_HOST, "cannot open %s", info->node);
}

/* How long the permissions of a node may still change. */
static int64_t settling_ms(const char *node)
{
	struct timespec now;
	struct stat status;
	int64_t age;

	if (stat(node, &status) < 0)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	age = (int64_t)(now.tv_sec - status.st_ctim.tv_sec) * 1000 +
	      (now.tv_nsec - status.st_ctim.tv_nsec) / 1000000;
	return age >= 0 && age < PERMISSION_MS ? PERMISSION_MS - age : 0;
}

static bool is_denied(int reason)
{
	return reason == EACCES || reason == EPERM;
}

static void drain_watch(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		continue;
}

/* The watch is there before the node is tried, so no change is missed. It is on the node's folder:
   what may not be read may not be watched. */
static int open_node(int *fd, const struct usb_info *info, struct deadline deadline,
		     struct err *err)
{
	struct deadline settled = deadline_in(deadline, settling_ms(info->node));
	_cleanup_(closep) int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	_cleanup_(freep) char *folder = path_folder(info->node);
	struct pollfd ready = {.fd = watch, .events = POLLIN};
	int rc;

	if (watch >= 0)
		inotify_add_watch(watch, folder, IN_ATTRIB | IN_DELETE);
	for (;;) {
		*fd = open(info->node, O_RDWR | O_CLOEXEC);
		if (*fd >= 0)
			return 0;
		if (!is_denied(errno))
			return open_failed(info, err);
		rc = deadline_poll(&ready, 1, settled, err);
		if (rc == -ERR_TIMEOUT)
			return no_permission(info, err);
		if (rc < 0)
			return rc;
		drain_watch(watch);
	}
}

static int open_local(struct usb_device **usb, struct usb_bus *bus, const struct usb_info *info,
		      struct deadline deadline, struct err *err)
{
	int fd = -1, rc = open_node(&fd, info, deadline, err);

	(void)bus;
	return rc < 0 ? rc : usb_local_new(usb, fd, info, err);
}

static void close_local(struct usb_bus *bus)
{
	struct local_bus *self = self_of(bus);

	closep(&self->events);
	free(self);
}

static const struct usb_bus_ops ops = {
	.list = list_local,
	.wait = wait_local,
	.open = open_local,
	.close = close_local,
};

int usb_bus_open_local(struct usb_bus **bus, const char *rest, struct deadline deadline,
		       struct err *err)
{
	struct local_bus *self;

	(void)deadline;
	if (*rest)
		return err_set(err, ERR_CONFIG, "this machine's bus is just 'usb:'");
	self = xcalloc(1, sizeof(*self));
	*self = (struct local_bus){.bus.ops = &ops, .events = open_events()};
	*bus = &self->bus;
	return 0;
}
