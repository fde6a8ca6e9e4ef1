// SPDX-License-Identifier: MIT
/* What a DFU device says of itself, and what a .dfu file does: pure, of bytes that are not trusted.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/usb_descriptors.h"
#include "proto/dfu.h"

/* Section 4.1.2. */
#define CLASS_APPLICATION 0xfe
#define SUBCLASS_DFU      0x01
#define PROTOCOL_DFU_MODE 0x02

#define FUNCTION_SIZE_1_0 7 /* DFU 1.0 has no version in it */
#define FUNCTION_SIZE     9

void dfu_status_parse(const uint8_t bytes[DFU_STATUS_SIZE], struct dfu_status *status)
{
	*status = (struct dfu_status){
		.status = bytes[0],
		.poll_ms = le24(bytes + 1),
		.state = bytes[4],
		.string = bytes[5],
	};
}

const char *dfu_status_name(uint8_t status)
{
	static const char *const names[] = {
		"OK",
		"errTARGET: the file is not for this device",
		"errFILE: the file fails a check of the device",
		"errWRITE: it cannot write its memory",
		"errERASE: it cannot erase its memory",
		"errCHECK_ERASED: its memory is not erased",
		"errPROG: programming its memory failed",
		"errVERIFY: what it programmed does not read back",
		"errADDRESS: the address is out of range",
		"errNOTDONE: it wants more data than the file has",
		"errFIRMWARE: its firmware is corrupt",
		"errVENDOR: an error of the vendor's own",
		"errUSBR: unexpected USB reset",
		"errPOR: unexpected power-on reset",
		"errUNKNOWN: something went wrong",
		"errSTALLEDPKT: unexpected request",
	};

	return status < ARRAY_SIZE(names) ? names[status] : "a status that DFU does not know";
}

const char *dfu_state_name(uint8_t state)
{
	static const char *const names[] = {
		"appIDLE",          "appDETACH",   "dfuIDLE",
		"dfuDNLOAD-SYNC",   "dfuDNBUSY",   "dfuDNLOAD-IDLE",
		"dfuMANIFEST-SYNC", "dfuMANIFEST", "dfuMANIFEST-WAIT-RESET",
		"dfuUPLOAD-IDLE",   "dfuERROR",
	};

	return state < ARRAY_SIZE(names) ? names[state] : "a state that DFU does not know";
}

bool dfu_function_parse(const uint8_t *bytes, size_t size, struct dfu_function *function)
{
	if (size < FUNCTION_SIZE_1_0 || bytes[1] != USB_DESCRIPTOR_DFU)
		return false;
	*function = (struct dfu_function){
		.attributes = bytes[2],
		.detach_ms = le16(bytes + 3),
		.transfer_size = le16(bytes + 5),
		.version = size < FUNCTION_SIZE ? 0x0100 : le16(bytes + 7),
	};
	return true;
}

/* Loaders of old tell another protocol in DFU mode than 2: they are taken when there is nothing
 * better. */
static const struct usb_alt *find_interface(const struct usb_alt *alts, size_t count)
{
	const struct usb_alt *found = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		if (alts[i].class.class != CLASS_APPLICATION ||
		    alts[i].class.subclass != SUBCLASS_DFU)
			continue;
		if (alts[i].class.protocol == PROTOCOL_DFU_MODE)
			return &alts[i];
		if (!found)
			found = &alts[i];
	}
	return found;
}

/* It follows the last alternate setting of its interface; other classes use the same number for
 * descriptors of theirs. */
static void find_function(const uint8_t *configuration, size_t size, struct dfu *dfu)
{
	struct usb_descriptor descriptor;
	bool inside = false;
	size_t at = 0;

	while (usb_descriptor_next(configuration, size, &at, &descriptor)) {
		if (descriptor.type == USB_DESCRIPTOR_INTERFACE && descriptor.size >= 3)
			inside = descriptor.bytes[2] == dfu->interface;
		else if (inside)
			dfu_function_parse(descriptor.bytes, descriptor.size, &dfu->function);
	}
}

int dfu_parse(const uint8_t *configuration, size_t size, struct dfu *dfu,
	      uint8_t strings[DFU_ALTS_MAX], struct err *err)
{
	struct usb_alt alts[DFU_ALTS_MAX];
	size_t count = usb_alts(configuration, size, alts, DFU_ALTS_MAX), i;
	const struct usb_alt *found;

	if (count > DFU_ALTS_MAX)
		count = DFU_ALTS_MAX;
	found = find_interface(alts, count);
	if (!found)
		return err_set(err, ERR_BOARD, "the device has no DFU interface");
	dfu->interface = found->interface;
	dfu->function = (struct dfu_function){0};
	dfu->alt_count = 0;
	for (i = 0; i < count; i++) {
		if (alts[i].interface != found->interface)
			continue;
		strings[dfu->alt_count] = alts[i].string;
		dfu->alts[dfu->alt_count++] = (struct dfu_alt){.alt = alts[i].alt};
	}
	find_function(configuration, size, dfu);
	return 0;
}

static bool is_word_of(const char *word, const char *name)
{
	size_t length = strcspn(name, " \t");

	return length > 0 && strlen(word) == length && strncmp(word, name, length) == 0;
}

const struct dfu_alt *dfu_find(const struct dfu *dfu, const char *name)
{
	uint64_t number;
	size_t i;

	for (i = 0; *name && i < dfu->alt_count; i++)
		if (strcmp(dfu->alts[i].name, name) == 0)
			return &dfu->alts[i];
	for (i = 0; i < dfu->alt_count; i++)
		if (is_word_of(name, dfu->alts[i].name))
			return &dfu->alts[i];
	if (!text_u64(name, UINT8_MAX, &number))
		return NULL;
	for (i = 0; i < dfu->alt_count; i++)
		if (dfu->alts[i].alt == number)
			return &dfu->alts[i];
	return NULL;
}

bool dfu_suffix_parse(const uint8_t last[DFU_SUFFIX_SIZE], struct dfu_suffix *suffix)
{
	if (memcmp(last + 8, "UFD", 3) != 0 || last[11] < DFU_SUFFIX_SIZE)
		return false;
	*suffix = (struct dfu_suffix){
		.device = le16(last),
		.product = le16(last + 2),
		.vendor = le16(last + 4),
		.version = le16(last + 6),
		.length = last[11],
		.crc = le32(last + 12),
	};
	return true;
}
