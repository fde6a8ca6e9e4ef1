// SPDX-License-Identifier: MIT
/* Asking a device what it is: descriptors and strings (USB 2.0 sections 9.4.3 and 9.6). */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "io/usb_descriptors.h"
#include "io/usb_kinds.h"

#define GET_DESCRIPTOR 6
#define ENGLISH        0x0409
#define DEVICE_SIZE    18
#define STRING_SIZE    255
#define CONFIGURATION  9
#define TRANSFER_MS    1000 /* for what must be answered at once */
#define ALTERNATES_MAX 64

static int get_descriptor(struct usb_device *usb, enum usb_descriptor_type type, uint8_t index,
			  uint16_t language, void *data, size_t size, size_t *got,
			  struct deadline deadline, struct err *err)
{
	struct usb_setup setup = {
		.request_type = USB_IN,
		.request = GET_DESCRIPTOR,
		.value = (uint16_t)(type << 8 | index),
		.index = language,
	};

	return usb_control(usb, setup, data, size, got, deadline_in(deadline, TRANSFER_MS), err);
}

int usb_configuration(struct usb_device *usb, uint8_t index, struct buf *out,
		      struct deadline deadline, struct err *err)
{
	uint8_t bytes[USB_CONTROL_SIZE];
	size_t total, got;
	int rc = get_descriptor(usb, USB_DESCRIPTOR_CONFIGURATION, index, 0, bytes, CONFIGURATION,
				NULL, deadline, err);

	if (rc < 0)
		return err_prefix(err, "reading configuration %u", index);
	total = le16(bytes + 2);
	if (bytes[1] != USB_DESCRIPTOR_CONFIGURATION || total < CONFIGURATION ||
	    total > sizeof(bytes))
		return err_set(err, ERR_BOARD,
			       "configuration %u is damaged, or longer than %d bytes", index,
			       USB_CONTROL_SIZE);
	rc = get_descriptor(usb, USB_DESCRIPTOR_CONFIGURATION, index, 0, bytes, total, &got,
			    deadline, err);
	if (rc == 0 && got < total)
		rc = err_set(err, ERR_BOARD, "it has %zu of the %zu bytes that it tells", got,
			     total);
	if (rc < 0)
		return err_prefix(err, "reading configuration %u", index);
	buf_clear(out);
	buf_add(out, bytes, total);
	return 0;
}

/* The first language there is a table of; English for a device that has no table but strings all
   the same. */
static int language_of(struct usb_device *usb, uint16_t *language, struct deadline deadline,
		       struct err *err)
{
	uint8_t bytes[STRING_SIZE];
	size_t got;
	int rc = get_descriptor(usb, USB_DESCRIPTOR_STRING, 0, 0, bytes, sizeof(bytes), &got,
				deadline, err);

	*language = ENGLISH;
	if (rc == -ERR_BOARD)
		return 0;
	if (rc == 0 && got >= 4 && bytes[1] == USB_DESCRIPTOR_STRING)
		*language = le16(bytes + 2);
	return rc;
}

static int string_in(struct usb_device *usb, uint8_t index, uint16_t language, char out[USB_TEXT],
		     struct deadline deadline, struct err *err)
{
	uint8_t bytes[STRING_SIZE];
	size_t got;
	int rc = get_descriptor(usb, USB_DESCRIPTOR_STRING, index, language, bytes, sizeof(bytes),
				&got, deadline, err);

	if (rc < 0)
		return rc;
	if (!usb_text(bytes, got, out))
		return err_set(err, ERR_BOARD, "it is no string");
	return 0;
}

int usb_string(struct usb_device *usb, uint8_t index, char out[USB_TEXT], struct deadline deadline,
	       struct err *err)
{
	uint16_t language;
	int rc;

	out[0] = '\0';
	if (!index)
		return 0;
	rc = language_of(usb, &language, deadline, err);
	if (rc == 0)
		rc = string_in(usb, index, language, out, deadline, err);
	return rc < 0 ? err_prefix(err, "reading string %u", index) : 0;
}

/* A device that does not answer is asked nothing more; one that says no may have the rest. */
static int forgive(int rc, struct deadline deadline, struct err *err)
{
	if (rc == -ERR_TIMEOUT && deadline_check(deadline, err) == 0)
		return 0;
	return rc == -ERR_BOARD ? 0 : rc;
}

static int describe_strings(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	struct usb_info *info = &usb->info;
	struct {
		size_t at; /* of its index in the device descriptor */
		char *text;
	} rows[] = {
		{14, info->manufacturer},
		{15, info->product},
		{16, info->serial},
	};
	uint8_t device[DEVICE_SIZE];
	uint16_t language = 0;
	size_t i;
	int rc = get_descriptor(usb, USB_DESCRIPTOR_DEVICE, 0, 0, device, sizeof(device), NULL,
				deadline, err);

	for (i = 0; rc == 0 && i < ARRAY_SIZE(rows); i++) {
		if (rows[i].text[0] || !device[rows[i].at])
			continue;
		if (!language)
			rc = language_of(usb, &language, deadline, err);
		if (rc == 0)
			rc = string_in(usb, device[rows[i].at], language, rows[i].text, deadline,
				       err);
		if (rc == -ERR_BOARD)
			rc = 0;
	}
	return forgive(rc, deadline, err);
}

static void take_interface(struct usb_info *info, const struct usb_alt *alt)
{
	if (alt->alt != 0 || info->interface_count == USB_INTERFACES_MAX)
		return;
	info->interfaces[info->interface_count++] = alt->class;
}

static int describe_interfaces(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf bytes = {0};
	struct usb_alt alts[ALTERNATES_MAX];
	size_t count, i;
	int rc;

	if (usb->info.interface_count > 0)
		return 0;
	rc = usb_configuration(usb, 0, &bytes, deadline, err);
	if (rc < 0)
		return forgive(rc, deadline, err);
	count = usb_alts((const uint8_t *)bytes.data, bytes.size, alts, ARRAY_SIZE(alts));
	for (i = 0; i < count && i < ARRAY_SIZE(alts); i++)
		take_interface(&usb->info, &alts[i]);
	return 0;
}

int usb_describe(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	int rc = describe_strings(usb, deadline, err);

	if (rc == 0)
		rc = describe_interfaces(usb, deadline, err);
	usb->info.described = rc == 0;
	return rc;
}
