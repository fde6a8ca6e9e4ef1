// SPDX-License-Identifier: MIT
/* Sparse images as U-Boot's lib/image-sparse.c writes them. It does not verify CRCs, and does not
   step over the four bytes of a CRC32 chunk. */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "sim/fb_device.h"

#define MAGIC       0xed26ff3au
#define FILE_HEADER 28
#define HEADER      12

enum {
	CHUNK_RAW = 0xcac1,
	CHUNK_FILL,
	CHUNK_DONT_CARE,
	CHUNK_CRC32
};

struct sparse {
	const struct fb_target *target;
	const uint8_t *data;
	size_t size, at;
	uint32_t block;
	uint64_t blocks; /* done */
};

bool fb_is_sparse(const uint8_t *data, size_t size)
{
	return size >= FILE_HEADER && le32(data) == MAGIC && le16(data + 4) == 1;
}

static const char *fill(const struct sparse *sparse, uint64_t at, uint64_t size,
			const uint8_t pattern[4])
{
	size_t step = (size_t)64 << 10, i;
	_cleanup_(freep) uint8_t *bytes = xmalloc(step);

	for (i = 0; i < step; i += 4)
		memcpy(bytes + i, pattern, 4);
	for (; size; size -= step, at += step) {
		step = size < step ? (size_t)size : step;
		if (!medium_write(sparse->target->medium, at, bytes, step))
			return "flashing failure writing to device";
	}
	return NULL;
}

static const char *write_chunk(struct sparse *sparse, unsigned int type, uint64_t bytes,
			       uint32_t total)
{
	const struct fb_target *target = sparse->target;
	uint64_t at = target->start + sparse->blocks * sparse->block;
	const uint8_t *body = sparse->data + sparse->at + HEADER;
	size_t left = sparse->size - sparse->at - HEADER;

	if (bytes > target->size || sparse->blocks * sparse->block > target->size - bytes)
		return "Request would exceed partition size!";
	if (type == CHUNK_RAW) {
		if (total != HEADER + bytes || bytes > left)
			return "Bogus chunk size for chunk type Raw";
		sparse->at += (size_t)bytes;
		return medium_write(target->medium, at, body, (size_t)bytes)
			       ? NULL
			       : "flashing failure writing to device";
	}
	if (type == CHUNK_FILL) {
		if (total != HEADER + 4 || left < 4)
			return "Bogus chunk size for chunk type FILL";
		sparse->at += 4;
		return fill(sparse, at, bytes, body);
	}
	return NULL;
}

static const char *take_chunk(struct sparse *sparse)
{
	const uint8_t *header = sparse->data + sparse->at;
	uint32_t length, total;
	unsigned int type;
	const char *wrong;

	if (sparse->size - sparse->at < HEADER)
		return "sparse image is cut short";
	type = le16(header);
	length = le32(header + 4);
	total = le32(header + 8);
	if (type < CHUNK_RAW || type > CHUNK_CRC32)
		return "Unknown chunk type";
	if (type == CHUNK_CRC32)
		length = 0;
	wrong = write_chunk(sparse, type, (uint64_t)length * sparse->block, total);
	sparse->at += HEADER;
	sparse->blocks += length;
	return wrong;
}

const char *fb_write_sparse(const struct fb_target *target, const uint8_t *data, size_t size)
{
	struct sparse sparse = {target, data, size, le16(data + 8), le32(data + 12), 0};
	uint32_t chunks = le32(data + 20), i;
	const char *wrong = NULL;

	if (le16(data + 8) < FILE_HEADER || le16(data + 10) < HEADER || sparse.at > size)
		return "sparse header sizes are wrong";
	if (!sparse.block || sparse.block % GPT_BLOCK)
		return "sparse image block size issue";
	for (i = 0; i < chunks && !wrong; i++)
		wrong = take_chunk(&sparse);
	if (!wrong && sparse.blocks != le32(data + 16))
		return "sparse image write failure";
	return wrong;
}
