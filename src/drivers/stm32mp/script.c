// SPDX-License-Identifier: MIT
#include "drivers/stm32mp/script.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/mem.h"
#include "drivers/stm32mp/tsv.h"

/* Room in U-Boot's 256 KiB for the headers around the text. */
#define TEXT_MAX (TSV_SIZE_MAX - 1024)

static struct script_range *add_range(struct script *script, uint64_t offset)
{
	if (script->count == script->space) {
		script->space = script->space ? 2 * script->space : 64;
		script->ranges = xrealloc(script->ranges, script->space, sizeof(*script->ranges));
	}
	script->ranges[script->count] = (struct script_range){.offset = offset};
	return &script->ranges[script->count++];
}

/* The range that goes on at this place, or a new one. */
static struct script_range *range_at(struct script *script, uint64_t offset)
{
	struct script_range *last = script->count ? &script->ranges[script->count - 1] : NULL;

	if (last && last->offset + last->size == offset && last->size < SCRIPT_SLICE)
		return last;
	return add_range(script, offset);
}

static void add_bytes(struct script *script, uint64_t offset, const uint8_t *data, size_t size)
{
	while (size > 0) {
		struct script_range *range = range_at(script, offset);
		uint64_t room = SCRIPT_SLICE - range->size;
		size_t step = size < room ? size : (size_t)room;

		range->crc = crc32_add(range->crc, data, step);
		range->size += step;
		offset += step;
		data += step;
		size -= step;
	}
}

#define PIECE ((size_t)256 << 10)

static int add_data(struct script *script, struct image *image, uint64_t offset, uint8_t *piece,
		    struct err *err)
{
	size_t got;
	int rc;

	for (;; offset += got) {
		rc = image_read(image, piece, PIECE, &got, err);
		if (rc < 0 || got == 0)
			return rc;
		add_bytes(script, offset, piece, got);
	}
}

static void add_zeros(struct script *script, const struct extent *extent, const uint8_t *zeros)
{
	uint64_t at = extent->offset, end = extent->offset + extent->length;

	for (; at < end; at += PIECE)
		add_bytes(script, at, zeros, end - at < PIECE ? (size_t)(end - at) : PIECE);
}

int script_measure(struct script *script, struct image *image, struct err *err)
{
	_cleanup_(freep) uint8_t *piece = xmalloc(PIECE);
	_cleanup_(freep) uint8_t *zeros = xcalloc(1, PIECE);
	struct extent extent;
	bool more;
	int rc;

	script_free(script);
	for (;;) {
		rc = image_next(image, &extent, &more, err);
		if (rc < 0 || !more)
			return rc;
		if (extent.kind == EXTENT_ZERO)
			add_zeros(script, &extent, zeros);
		if (extent.kind == EXTENT_DATA)
			rc = add_data(script, image, extent.offset, piece, err);
		if (rc < 0)
			return rc;
	}
}

void script_free(struct script *script)
{
	free(script->ranges);
	*script = (struct script){0};
}

/* Ranges a group has. */
static size_t group_size(const struct script *script)
{
	return (script->count + SCRIPT_GROUPS - 1) / SCRIPT_GROUPS;
}

size_t script_groups(const struct script *script)
{
	return script->count ? (script->count + group_size(script) - 1) / group_size(script) : 0;
}

static size_t group_end(const struct script *script, size_t group)
{
	size_t end = (group + 1) * group_size(script);

	return end < script->count ? end : script->count;
}

static uint32_t swap(uint32_t value)
{
	return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

uint32_t script_value(const struct script *script, size_t group)
{
	size_t i, end = group_end(script, group);
	uint32_t crc = 0;

	for (i = group * group_size(script); i < end; i++) {
		uint32_t one = script->ranges[i].crc;
		uint8_t bytes[4] = {(uint8_t)(one >> 24), (uint8_t)(one >> 16), (uint8_t)(one >> 8),
				    (uint8_t)one};

		crc = crc32_add(crc, bytes, sizeof(bytes));
	}
	return swap(crc);
}

void script_extent(const struct script *script, size_t group, uint64_t *from, uint64_t *to)
{
	const struct script_range *last = &script->ranges[group_end(script, group) - 1];

	*from = script->ranges[group * group_size(script)].offset;
	*to = last->offset + last->size;
}

/* A range that cannot be read leaves its result as it was, so the place is cleared first: memory
   may hold the results of an earlier run, or of a range just like it. */
static void prove_group(const struct script *script, const struct script_settings *settings,
			size_t group, struct buf *out)
{
	uint32_t results = settings->memory + (uint32_t)SCRIPT_SLICE, at = results + 16;
	size_t i, first = group * group_size(script), end = group_end(script, group);

	buf_addf(out, "mw.l %x 0 %zx\n", results, end - first + 4);
	for (i = first; i < end; i++, at += 4) {
		const struct script_range *range = &script->ranges[i];

		buf_addf(out, "%s read %x %" PRIx64 " %" PRIx64 " && crc32 %x %" PRIx64 " %x\n",
			 settings->interface, settings->memory, range->offset / SCRIPT_SECTOR,
			 (range->size + SCRIPT_SECTOR - 1) / SCRIPT_SECTOR, settings->memory,
			 range->size, at);
	}
	buf_addf(out, "crc32 %x %zx %x && setexpr.l crc *%x && setenv fastboot.crc%zu ${crc}\n",
		 results + 16, 4 * (end - first), results, results, group);
}

void script_proof(const struct script *script, const struct script_settings *settings,
		  struct buf *out)
{
	size_t i, groups = script_groups(script);

	for (i = 0; i < groups; i++)
		buf_addf(out, "setenv fastboot.crc%zu\n", i);
	buf_addf(out, "%s dev %u\n", settings->interface, settings->device);
	for (i = 0; i < groups; i++)
		prove_group(script, settings, i, out);
}

/* A U-Boot without fastboot resets, which brings it back to its ROM. */
int script_text(const struct script *script, const struct script_settings *settings,
		struct buf *out, struct err *err)
{
	out->max = TEXT_MAX;
	buf_add_text(out, "fastboot usb 0 || reset\n");
	script_proof(script, settings, out);
	buf_add_text(out, "fastboot usb 0\n");
	if (!buf_over(out))
		return 0;
	return err_set(err, ERR_IMAGE, "the image is in %zu pieces, too many for a script",
		       script->count);
}
