// SPDX-License-Identifier: MIT
#include "proto/dfu_suffix.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

#define KEEP  255 /* bytes a suffix may have */
#define PIECE ((size_t)64 << 10)
#define ANY   0xffff

struct strip {
	struct reader reader;
	struct reader *below; /* borrowed */
	struct dfu_suffix *suffix;
	bool *found;
	bool ended;
	uint32_t crc;       /* of all bytes before bytes[first], as zlib counts it */
	size_t first, size; /* what is held lies at bytes[first .. first + size] */
	uint8_t bytes[PIECE + KEEP];
};

/* The CRC of DFU is that of zlib without the final inversion, over all but its own four bytes. */
static int find_suffix(struct strip *strip, struct err *err)
{
	const uint8_t *held = strip->bytes + strip->first;
	struct dfu_suffix suffix;
	uint32_t crc;

	if (strip->size < DFU_SUFFIX_SIZE ||
	    !dfu_suffix_parse(held + strip->size - DFU_SUFFIX_SIZE, &suffix) ||
	    suffix.length > strip->size)
		return 0;
	crc = ~crc32_add(strip->crc, held, strip->size - 4);
	if (crc != suffix.crc) {
		err_set(err, ERR_IMAGE, "the DFU suffix has the CRC %08x, the file %08x",
			suffix.crc, crc);
		return err_remedy(err, "the file is damaged: get it again");
	}
	*strip->suffix = suffix;
	*strip->found = true;
	strip->size -= suffix.length;
	return 0;
}

static int fill(struct strip *strip, struct err *err)
{
	size_t got;
	int rc;

	memmove(strip->bytes, strip->bytes + strip->first, strip->size);
	strip->first = 0;
	rc = reader_fill(strip->below, strip->bytes + strip->size,
			 sizeof(strip->bytes) - strip->size, &got, err);
	if (rc < 0)
		return rc;
	strip->size += got;
	strip->ended = strip->size < sizeof(strip->bytes);
	return strip->ended ? find_suffix(strip, err) : 0;
}

static int strip_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct strip *strip = container_of(reader, struct strip, reader);
	size_t keep;
	int rc = 0;

	*got = 0;
	if (!strip->ended && strip->size <= KEEP)
		rc = fill(strip, err);
	if (rc < 0)
		return rc;
	keep = strip->ended ? 0 : KEEP;
	*got = strip->size - keep < size ? strip->size - keep : size;
	memcpy(data, strip->bytes + strip->first, *got);
	strip->crc = crc32_add(strip->crc, strip->bytes + strip->first, *got);
	strip->first += *got;
	strip->size -= *got;
	return 0;
}

static void strip_close(struct reader *reader)
{
	free(container_of(reader, struct strip, reader));
}

struct reader *dfu_strip_new(struct reader *below, struct dfu_suffix *suffix, bool *found)
{
	struct strip *strip = xcalloc(1, sizeof(*strip));

	strip->reader = (struct reader){.read = strip_read, .close = strip_close};
	strip->below = below;
	strip->suffix = suffix;
	strip->found = found;
	*found = false;
	return &strip->reader;
}

int dfu_suffix_check(const struct dfu_suffix *suffix, uint16_t vid, uint16_t pid, struct err *err)
{
	if (suffix->version == DFU_VERSION_DFUSE) {
		err_set(err, ERR_IMAGE, "the file is for ST's DfuSe, which is another protocol");
		return err_remedy(err, "convert it to a plain binary, or use 'dfu-util' with "
				       "--dfuse-address");
	}
	if ((suffix->vendor == ANY || suffix->vendor == vid) &&
	    (suffix->product == ANY || suffix->product == pid))
		return 0;
	err_set(err, ERR_IMAGE, "the file is for the device %04x:%04x, this one is %04x:%04x",
		suffix->vendor, suffix->product, vid, pid);
	return err_remedy(err, "nothing was sent; give the file that belongs to this board");
}
