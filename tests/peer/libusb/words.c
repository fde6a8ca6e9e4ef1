// SPDX-License-Identifier: MIT
/* Errors and their names, and what there is nothing to do for. */
#include "base/mem.h"
#include "lookalike.h"

int lookalike_error(int error)
{
	static const int errors[ERR_KIND_COUNT] = {
		[ERR_USB] = LIBUSB_ERROR_NO_DEVICE,   [ERR_BOARD] = LIBUSB_ERROR_PIPE,
		[ERR_TIMEOUT] = LIBUSB_ERROR_TIMEOUT, [ERR_CANCELLED] = LIBUSB_ERROR_INTERRUPTED,
		[ERR_BUSY] = LIBUSB_ERROR_BUSY,       [ERR_HOST] = LIBUSB_ERROR_ACCESS,
		[ERR_NETWORK] = LIBUSB_ERROR_IO,
	};

	if (error >= 0)
		return error;
	if (-error < ERR_KIND_COUNT && errors[-error])
		return errors[-error];
	return LIBUSB_ERROR_OTHER;
}

static const struct error_name {
	int error;
	const char *name, *text;
} names[] = {
	{LIBUSB_SUCCESS, "LIBUSB_SUCCESS", "Success"},
	{LIBUSB_ERROR_IO, "LIBUSB_ERROR_IO", "Input/Output Error"},
	{LIBUSB_ERROR_INVALID_PARAM, "LIBUSB_ERROR_INVALID_PARAM", "Invalid parameter"},
	{LIBUSB_ERROR_ACCESS, "LIBUSB_ERROR_ACCESS", "Access denied"},
	{LIBUSB_ERROR_NO_DEVICE, "LIBUSB_ERROR_NO_DEVICE", "No such device"},
	{LIBUSB_ERROR_NOT_FOUND, "LIBUSB_ERROR_NOT_FOUND", "Not found"},
	{LIBUSB_ERROR_BUSY, "LIBUSB_ERROR_BUSY", "Busy"},
	{LIBUSB_ERROR_TIMEOUT, "LIBUSB_ERROR_TIMEOUT", "Timed out"},
	{LIBUSB_ERROR_OVERFLOW, "LIBUSB_ERROR_OVERFLOW", "Overflow"},
	{LIBUSB_ERROR_PIPE, "LIBUSB_ERROR_PIPE", "Stalled"},
	{LIBUSB_ERROR_INTERRUPTED, "LIBUSB_ERROR_INTERRUPTED", "Interrupted"},
	{LIBUSB_ERROR_OTHER, "LIBUSB_ERROR_OTHER", "Other error"},
};

static const struct error_name *name_of(int error)
{
	static const struct error_name unknown = {0, "**UNKNOWN**", "Unknown error"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].error == error)
			return &names[i];
	}
	return &unknown;
}

const char *libusb_error_name(int error)
{
	return name_of(error)->name;
}

const char *libusb_strerror(int error)
{
	return name_of(error)->text;
}

int libusb_set_option(libusb_context *context, enum libusb_option option, ...)
{
	(void)context, (void)option;
	return 0;
}

const struct libusb_version *libusb_get_version(void)
{
	static const struct libusb_version version = {1, 0, 26, 0, "", "look-alike"};

	return &version;
}
