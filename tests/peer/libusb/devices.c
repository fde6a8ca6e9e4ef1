// SPDX-License-Identifier: MIT
/* Contexts, and the devices that are attached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/usb_kinds.h"
#include "lookalike.h"

static struct libusb_context *default_context;
static pthread_mutex_t default_lock = PTHREAD_MUTEX_INITIALIZER;

/* The kind of bus that there is none of here. */
int usb_bus_open_local(struct usb_bus **bus, const char *rest, struct deadline deadline,
		       struct err *err)
{
	(void)bus, (void)rest, (void)deadline;
	return err_set(err, ERR_HOST, "ABOARD_TEST_USBIP names a USB/IP server");
}

static struct deadline answer_time(void)
{
	return deadline_in(DEADLINE_NEVER, ANSWER_MS);
}

static int make_context(struct libusb_context **made)
{
	const char *server = getenv("ABOARD_TEST_USBIP");
	_cleanup_(freep) char *address = xasprintf("usbip://%s", server ? server : "");
	struct libusb_context *context = xcalloc(1, sizeof(*context));
	struct err err = {0};
	int r = usb_bus_open(&context->bus, address, answer_time(), &err);

	if (r < 0) {
		fprintf(stderr, "libusb look-alike: %s\n", err.text);
		free(context);
		return lookalike_error(r);
	}
	pthread_mutex_init(&context->lock, NULL);
	context->users = 1;
	*made = context;
	return 0;
}

int libusb_init(libusb_context **context)
{
	int r = 0;

	if (context)
		return make_context(context);
	pthread_mutex_lock(&default_lock);
	if (default_context)
		default_context->users++;
	else
		r = make_context(&default_context);
	pthread_mutex_unlock(&default_lock);
	return r;
}

static void free_device(struct libusb_device *device)
{
	for (size_t i = 0; i < CONFIGURATIONS_MAX; i++)
		buf_free(&device->configurations[i]);
	free(device);
}

static void drop(struct libusb_device *device)
{
	if (!--device->references)
		free_device(device);
}

/* Programs that leave devices open, or references behind, end after this: the rest is not theirs to
   use any more. */
void libusb_exit(libusb_context *context)
{
	if (!context)
		context = default_context;
	if (!context || --context->users)
		return;
	if (context == default_context)
		default_context = NULL;
	for (size_t i = 0; i < context->count; i++)
		drop(context->known[i]);
	usb_bus_close(context->bus);
	pthread_mutex_destroy(&context->lock);
	free(context);
}

/* The number of the bus and the ports in "usbip://HOST:PORT/1-2.3". */
static void split_path(struct libusb_device *device)
{
	const char *at = strrchr(device->info.path, '/');
	char *end;

	device->bus = (uint8_t)strtoul(at ? at + 1 : "", &end, 10);
	while ((*end == '-' || *end == '.') && device->port_count < PORTS_MAX)
		device->ports[device->port_count++] = (uint8_t)strtoul(end + 1, &end, 10);
}

#define GET_DESCRIPTOR 6

/* What the kernel has read when libusb looks at a device, and its sysfs tells. */
static int read_descriptors(struct libusb_device *device, struct err *err)
{
	_cleanup_(usb_closep) struct usb_device *usb = NULL;
	const struct usb_setup setup = {
		.request_type = USB_IN, .request = GET_DESCRIPTOR, .value = LIBUSB_DT_DEVICE << 8};
	int r = usb_open(&usb, device->context->bus, &device->info, answer_time(), err);

	if (r < 0)
		return r;
	r = usb_control(usb, setup, device->descriptor, sizeof(device->descriptor), NULL,
			answer_time(), err);
	for (uint8_t i = 0; r == 0 && i < device->descriptor[17] && i < CONFIGURATIONS_MAX; i++)
		r = usb_configuration(usb, i, &device->configurations[i], answer_time(), err);
	return r;
}

static struct libusb_device *new_device(struct libusb_context *context, const struct usb_info *info)
{
	struct libusb_device *device = xcalloc(1, sizeof(*device));
	struct err err;

	device->context = context;
	device->references = 1;
	device->info = *info;
	split_path(device);
	if (read_descriptors(device, &err) < 0) {
		/* Gone by now, or another client has it. */
		free_device(device);
		return NULL;
	}
	return device;
}

static bool same(const struct libusb_device *device, const struct usb_info *info)
{
	return strcmp(device->info.path, info->path) == 0 &&
	       device->info.address == info->address && !device->gone;
}

static struct libusb_device *take_known(struct libusb_context *context, const struct usb_info *info)
{
	for (size_t i = 0; i < context->count; i++) {
		if (context->known[i] && same(context->known[i], info))
			return steal(context->known[i]);
	}
	return NULL;
}

/* Looks anew. A server need not tell of devices that a client has: what this process has open stays
   until a transfer finds it gone. */
static void update(struct libusb_context *context, const struct usb_info *list, size_t count)
{
	struct libusb_device *now[DEVICES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < count && n < DEVICES_MAX; i++) {
		struct libusb_device *device = take_known(context, &list[i]);

		if (!device)
			device = new_device(context, &list[i]);
		if (device)
			now[n++] = device;
	}
	for (size_t i = 0; i < context->count; i++) {
		struct libusb_device *device = context->known[i];

		if (device && device->open && !device->gone && n < DEVICES_MAX)
			now[n++] = device;
		else if (device)
			drop(device);
	}
	memcpy(context->known, now, n * sizeof(now[0]));
	context->count = n;
}

static struct libusb_device **copy_list(struct libusb_context *context)
{
	struct libusb_device **list = xcalloc(context->count + 1, sizeof(*list));

	for (size_t i = 0; i < context->count; i++) {
		list[i] = context->known[i];
		list[i]->references++;
	}
	return list;
}

ssize_t libusb_get_device_list(libusb_context *context, libusb_device ***list)
{
	_cleanup_(freep) struct usb_info *infos = NULL;
	size_t count = 0;
	struct err err = {0};
	int r;

	if (!context)
		context = default_context;
	pthread_mutex_lock(&context->lock);
	r = usb_bus_list(context->bus, false, &infos, &count, answer_time(), &err);
	if (r == 0) {
		update(context, infos, count);
		*list = copy_list(context);
		count = context->count;
	}
	pthread_mutex_unlock(&context->lock);
	if (r < 0)
		fprintf(stderr, "libusb look-alike: %s\n", err.text);
	return r < 0 ? lookalike_error(r) : (ssize_t)count;
}

void libusb_free_device_list(libusb_device **list, int unref)
{
	for (size_t i = 0; unref && list && list[i]; i++)
		libusb_unref_device(list[i]);
	free(list);
}

libusb_device *libusb_ref_device(libusb_device *device)
{
	pthread_mutex_lock(&device->context->lock);
	device->references++;
	pthread_mutex_unlock(&device->context->lock);
	return device;
}

void libusb_unref_device(libusb_device *device)
{
	pthread_mutex_t *lock = &device->context->lock;

	pthread_mutex_lock(lock);
	drop(device);
	pthread_mutex_unlock(lock);
}

uint8_t libusb_get_bus_number(libusb_device *device)
{
	return device->bus;
}

uint8_t libusb_get_device_address(libusb_device *device)
{
	return (uint8_t)device->info.address;
}

int libusb_get_port_numbers(libusb_device *device, uint8_t *ports, int size)
{
	if (size < device->port_count)
		return LIBUSB_ERROR_OVERFLOW;
	memcpy(ports, device->ports, device->port_count);
	return device->port_count;
}
