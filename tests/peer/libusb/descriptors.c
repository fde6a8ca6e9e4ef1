// SPDX-License-Identifier: MIT
/* Descriptors as the API shows them. */
#include "io/usb_descriptors.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "lookalike.h"

/* The API gives its tables away as constants; here they grow. */
#define mutable(pointer) ((void *)(uintptr_t)(pointer))

int libusb_get_device_descriptor(libusb_device *device, struct libusb_device_descriptor *out)
{
	const uint8_t *bytes = device->descriptor;

	*out = (struct libusb_device_descriptor){
		.bLength = bytes[0],
		.bDescriptorType = bytes[1],
		.bcdUSB = le16(bytes + 2),
		.bDeviceClass = bytes[4],
		.bDeviceSubClass = bytes[5],
		.bDeviceProtocol = bytes[6],
		.bMaxPacketSize0 = bytes[7],
		.idVendor = le16(bytes + 8),
		.idProduct = le16(bytes + 10),
		.bcdDevice = le16(bytes + 12),
		.iManufacturer = bytes[14],
		.iProduct = bytes[15],
		.iSerialNumber = bytes[16],
		.bNumConfigurations = bytes[17],
	};
	return 0;
}

static void add_extra(const unsigned char **extra, int *length, const struct usb_descriptor *one)
{
	unsigned char *grown = xrealloc(mutable(*extra), (size_t)*length + one->size, 1);

	memcpy(grown + *length, one->bytes, one->size);
	*extra = grown;
	*length += (int)one->size;
}

static struct libusb_interface *interface_of(struct libusb_config_descriptor *config,
					     uint8_t number)
{
	struct libusb_interface *table = mutable(config->interface);

	for (uint8_t i = 0; i < config->bNumInterfaces; i++) {
		if (table[i].altsetting[0].bInterfaceNumber == number)
			return &table[i];
	}
	table = xrealloc(table, config->bNumInterfaces + 1u, sizeof(*table));
	config->interface = table;
	table[config->bNumInterfaces] = (struct libusb_interface){0};
	return &table[config->bNumInterfaces++];
}

static struct libusb_interface_descriptor *add_alt(struct libusb_config_descriptor *config,
						   const uint8_t *bytes)
{
	struct libusb_interface *interface = interface_of(config, bytes[2]);
	struct libusb_interface_descriptor *table =
		xrealloc(mutable(interface->altsetting), (size_t)interface->num_altsetting + 1,
			 sizeof(*table));

	interface->altsetting = table;
	table += interface->num_altsetting++;
	*table = (struct libusb_interface_descriptor){
		.bLength = bytes[0],
		.bDescriptorType = bytes[1],
		.bInterfaceNumber = bytes[2],
		.bAlternateSetting = bytes[3],
		.bInterfaceClass = bytes[5],
		.bInterfaceSubClass = bytes[6],
		.bInterfaceProtocol = bytes[7],
		.iInterface = bytes[8],
	};
	return table;
}

static struct libusb_endpoint_descriptor *add_endpoint(struct libusb_interface_descriptor *alt,
						       const uint8_t *bytes)
{
	struct libusb_endpoint_descriptor *table =
		xrealloc(mutable(alt->endpoint), alt->bNumEndpoints + 1u, sizeof(*table));

	alt->endpoint = table;
	table += alt->bNumEndpoints++;
	*table = (struct libusb_endpoint_descriptor){
		.bLength = bytes[0],
		.bDescriptorType = bytes[1],
		.bEndpointAddress = bytes[2],
		.bmAttributes = bytes[3],
		.wMaxPacketSize = le16(bytes + 4),
		.bInterval = bytes[6],
	};
	return table;
}

#define CONFIGURATION_SIZE 9
#define INTERFACE_SIZE     9
#define ENDPOINT_SIZE      7

static struct libusb_config_descriptor *start(const uint8_t *bytes)
{
	struct libusb_config_descriptor *config = xcalloc(1, sizeof(*config));

	config->bLength = bytes[0];
	config->bDescriptorType = bytes[1];
	config->wTotalLength = le16(bytes + 2);
	config->bConfigurationValue = bytes[5];
	config->iConfiguration = bytes[6];
	config->bmAttributes = bytes[7];
	config->MaxPower = bytes[8];
	return config;
}

/* A descriptor of a class belongs to the last endpoint, interface or configuration before it. */
struct libusb_config_descriptor *lookalike_configuration(const uint8_t *bytes, size_t size)
{
	struct libusb_config_descriptor *config = NULL;
	struct libusb_interface_descriptor *alt = NULL;
	struct libusb_endpoint_descriptor *endpoint = NULL;
	struct usb_descriptor one;
	size_t at = 0;

	if (!usb_descriptor_next(bytes, size, &at, &one) || one.type != LIBUSB_DT_CONFIG ||
	    one.size < CONFIGURATION_SIZE)
		return NULL;
	config = start(one.bytes);
	while (usb_descriptor_next(bytes, size, &at, &one)) {
		if (one.type == LIBUSB_DT_INTERFACE && one.size >= INTERFACE_SIZE) {
			alt = add_alt(config, one.bytes);
			endpoint = NULL;
		} else if (one.type == LIBUSB_DT_ENDPOINT && one.size >= ENDPOINT_SIZE && alt) {
			endpoint = add_endpoint(alt, one.bytes);
		} else if (endpoint) {
			add_extra(&endpoint->extra, &endpoint->extra_length, &one);
		} else if (alt) {
			add_extra(&alt->extra, &alt->extra_length, &one);
		} else {
			add_extra(&config->extra, &config->extra_length, &one);
		}
	}
	return config;
}

int libusb_get_config_descriptor(libusb_device *device, uint8_t index,
				 struct libusb_config_descriptor **out)
{
	const struct buf *bytes;

	if (index >= device->descriptor[17] || index >= CONFIGURATIONS_MAX)
		return LIBUSB_ERROR_NOT_FOUND;
	bytes = &device->configurations[index];
	*out = lookalike_configuration((const uint8_t *)bytes->data, bytes->size);
	return *out ? 0 : LIBUSB_ERROR_IO;
}

/* The models have one configuration. */
int libusb_get_active_config_descriptor(libusb_device *device,
					struct libusb_config_descriptor **out)
{
	return libusb_get_config_descriptor(device, 0, out);
}

static void free_alt(const struct libusb_interface_descriptor *alt)
{
	for (uint8_t i = 0; i < alt->bNumEndpoints; i++)
		free(mutable(alt->endpoint[i].extra));
	free(mutable(alt->endpoint));
	free(mutable(alt->extra));
}

void libusb_free_config_descriptor(struct libusb_config_descriptor *config)
{
	if (!config)
		return;
	for (uint8_t i = 0; i < config->bNumInterfaces; i++) {
		const struct libusb_interface *interface = &config->interface[i];

		for (int j = 0; j < interface->num_altsetting; j++)
			free_alt(&interface->altsetting[j]);
		free(mutable(interface->altsetting));
	}
	free(mutable(config->interface));
	free(mutable(config->extra));
	free(config);
}
