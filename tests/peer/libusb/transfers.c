// SPDX-License-Identifier: MIT
/* Open devices. */
#include <stdlib.h>

#include "base/mem.h"
#include "lookalike.h"

#define PART ((size_t)256 << 10) /* bytes in one transfer; longer ones are done in parts */

int libusb_open(libusb_device *device, libusb_device_handle **opened)
{
	struct libusb_device_handle *handle = xcalloc(1, sizeof(*handle));
	struct libusb_context *context = device->context;
	struct err err;
	int r;

	pthread_mutex_lock(&context->lock);
	r = usb_open(&handle->usb, context->bus, &device->info,
		     deadline_in(DEADLINE_NEVER, ANSWER_MS), &err);
	if (r == 0) {
		device->references++;
		device->open++;
	}
	pthread_mutex_unlock(&context->lock);
	if (r < 0) {
		free(handle);
		return lookalike_error(r);
	}
	pthread_mutex_init(&handle->lock, NULL);
	handle->device = device;
	*opened = handle;
	return 0;
}

void libusb_close(libusb_device_handle *handle)
{
	struct libusb_device *device = handle->device;

	usb_close(handle->usb);
	pthread_mutex_lock(&device->context->lock);
	device->open--;
	pthread_mutex_unlock(&device->context->lock);
	libusb_unref_device(device);
	pthread_mutex_destroy(&handle->lock);
	free(handle);
}

libusb_device *libusb_get_device(libusb_device_handle *handle)
{
	return handle->device;
}

static struct deadline limit(unsigned int timeout_ms)
{
	return timeout_ms ? deadline_in(DEADLINE_NEVER, timeout_ms) : DEADLINE_NEVER;
}

/* Ends what was done under the lock of the handle. */
static int done(libusb_device_handle *handle, int result)
{
	struct libusb_device *device = handle->device;

	pthread_mutex_unlock(&handle->lock);
	if (result == -ERR_USB) {
		pthread_mutex_lock(&device->context->lock);
		device->gone = true;
		pthread_mutex_unlock(&device->context->lock);
	}
	return lookalike_error(result);
}

int libusb_claim_interface(libusb_device_handle *handle, int interface)
{
	struct err err;

	pthread_mutex_lock(&handle->lock);
	return done(handle, usb_claim(handle->usb, (uint8_t)interface, &err));
}

int libusb_release_interface(libusb_device_handle *handle, int interface)
{
	pthread_mutex_lock(&handle->lock);
	usb_release(handle->usb, (uint8_t)interface);
	return done(handle, 0);
}

int libusb_set_interface_alt_setting(libusb_device_handle *handle, int interface, int alt)
{
	struct err err;

	pthread_mutex_lock(&handle->lock);
	return done(handle, usb_set_alt(handle->usb, (uint8_t)interface, (uint8_t)alt,
					limit(ANSWER_MS), &err));
}

int libusb_reset_device(libusb_device_handle *handle)
{
	struct err err;
	int r;

	pthread_mutex_lock(&handle->lock);
	r = done(handle, usb_reset(handle->usb, limit(ANSWER_MS), &err));
	/* "The device has been disconnected, or it is to be enumerated anew." */
	return r == LIBUSB_ERROR_NO_DEVICE ? LIBUSB_ERROR_NOT_FOUND : r;
}

/* No kernel has anything to do with these devices. */
int libusb_kernel_driver_active(libusb_device_handle *handle, int interface)
{
	(void)handle, (void)interface;
	return 0;
}

int libusb_detach_kernel_driver(libusb_device_handle *handle, int interface)
{
	(void)handle, (void)interface;
	return LIBUSB_ERROR_NOT_FOUND;
}

int libusb_control_transfer(libusb_device_handle *handle, uint8_t request_type, uint8_t request,
			    uint16_t value, uint16_t index, unsigned char *data, uint16_t length,
			    unsigned int timeout)
{
	const struct usb_setup setup = {
		.request_type = request_type, .request = request, .value = value, .index = index};
	size_t got = 0;
	struct err err;
	int r;

	if (length > USB_CONTROL_SIZE)
		return LIBUSB_ERROR_INVALID_PARAM; /* as usbfs */
	pthread_mutex_lock(&handle->lock);
	r = done(handle, usb_control(handle->usb, setup, data, length, &got, limit(timeout), &err));
	return r < 0 ? r : (int)got;
}

typedef int transfer_function(struct usb_device *, uint8_t, void *, size_t, size_t *,
			      struct deadline, struct err *);

/* Ends with a part that was shorter than it could be. */
static int in_parts(libusb_device_handle *handle, uint8_t endpoint, unsigned char *data, int length,
		    int *moved, unsigned int timeout, transfer_function *transfer)
{
	struct deadline deadline = limit(timeout);
	size_t total = 0, part = 0, got = 0;
	struct err err;
	int r;

	pthread_mutex_lock(&handle->lock);
	do {
		part = (size_t)length - total < PART ? (size_t)length - total : PART;
		got = 0;
		r = transfer(handle->usb, endpoint, data + total, part, &got, deadline, &err);
		total += got;
	} while (r == 0 && got == part && total < (size_t)length);
	if (moved)
		*moved = (int)total;
	return done(handle, r);
}

int libusb_bulk_transfer(libusb_device_handle *handle, unsigned char endpoint, unsigned char *data,
			 int length, int *moved, unsigned int timeout)
{
	return in_parts(handle, endpoint, data, length, moved, timeout, usb_bulk);
}

int libusb_interrupt_transfer(libusb_device_handle *handle, unsigned char endpoint,
			      unsigned char *data, int length, int *moved, unsigned int timeout)
{
	return in_parts(handle, endpoint, data, length, moved, timeout, usb_interrupt);
}
