// SPDX-License-Identifier: MIT
#include "drivers/stm32mp/script.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/mem.h"
#include "drivers/stm32mp/tsv.h"

/* Room in U-Boot's 256 KiB for the headers around the text. */
#define TEXT_MAX (TSV_SIZE_MAX - 1024)

/* A new range at this place. */
static struct script_range *add_range(struct script *script, struct script_place place)
{
	if (script->count == script->space) {
		script->space = script->space ? 2 * script->space : 64;
		script->ranges = xrealloc(script->ranges, script->space, sizeof(*script->ranges));
	}
	script->ranges[script->count] =
		(struct script_range){.offset = place.offset, .hwpart = place.hwpart};
	return &script->ranges[script->count++];
}

/* The range that goes on at this place, or a new one. */
static struct script_range *range_at(struct script *script, struct script_place place)
{
	struct script_range *last = script->count ? &script->ranges[script->count - 1] : NULL;

	if (last && last->hwpart == place.hwpart && last->offset + last->size == place.offset &&
	    last->size % SCRIPT_SECTOR == 0 && last->size < SCRIPT_SLICE)
		return last;
	return add_range(script, place);
}

/* Pieces of an image come in whole sectors but for the last one. */
static void add_bytes(struct script *script, struct script_place place, const uint8_t *data,
		      size_t size)
{
	while (size > 0) {
		struct script_range *range = range_at(script, place);
		uint64_t room = SCRIPT_SLICE - range->size;
		size_t step = size < room ? size : (size_t)room;

		range->crc = crc32_add(range->crc, data, step);
		range->size += step;
		place.offset += step;
		data += step;
		size -= step;
	}
}

#define PIECE ((size_t)256 << 10)
#define BLOCK ((size_t)4096)

static uint64_t count_zeros(const uint8_t *piece, size_t size)
{
	uint64_t zeros = 0;
	size_t at;

	for (at = 0; at + BLOCK <= size; at += BLOCK)
		if (piece[at] == 0 && memcmp(piece + at, piece + at + 1, BLOCK - 1) == 0)
			zeros += BLOCK;
	return zeros;
}

/* Fills whole pieces: an image gives what it has. */
static int fill(struct image *image, uint8_t *piece, size_t *filled, struct err *err)
{
	size_t got;
	int rc;

	for (*filled = 0; *filled < PIECE; *filled += got) {
		rc = image_read(image, piece + *filled, PIECE - *filled, &got, err);
		if (rc < 0 || got == 0)
			return rc;
	}
	return 0;
}

static int add_data(struct script *script, struct image *image, struct script_place place,
		    uint8_t *piece, struct err *err)
{
	size_t got;
	int rc;

	for (;; place.offset += got) {
		rc = fill(image, piece, &got, err);
		if (rc < 0 || got == 0)
			return rc;
		add_bytes(script, place, piece, got);
		script->zeros += count_zeros(piece, got);
	}
}

static void add_zeros(struct script *script, struct script_place place, uint64_t length,
		      const uint8_t *zeros)
{
	size_t step;

	script->zeros += length;
	for (; length > 0; length -= step, place.offset += step) {
		step = length < PIECE ? (size_t)length : PIECE;
		add_bytes(script, place, zeros, step);
	}
}

int script_measure(struct script *script, struct image *image, struct script_place place,
		   struct err *err)
{
	_cleanup_(freep) uint8_t *piece = xmalloc(PIECE);
	_cleanup_(freep) uint8_t *zeros = xcalloc(1, PIECE);
	struct extent extent;
	bool more;
	int rc;

	for (;;) {
		struct script_place at = place;

		rc = image_next(image, &extent, &more, err);
		if (rc < 0 || !more)
			return rc;
		at.offset += extent.offset;
		if (extent.kind == EXTENT_UNUSED)
			script->unused += extent.length;
		if (extent.kind == EXTENT_ZERO)
			add_zeros(script, at, extent.length, zeros);
		if (extent.kind == EXTENT_DATA)
			rc = add_data(script, image, at, piece, err);
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

static void store(uint32_t value, bool big_endian, uint8_t out[4])
{
	size_t i;

	for (i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (big_endian ? 24 - 8 * i : 8 * i));
}

static uint32_t value_of(const struct script *script, size_t group, bool big_endian)
{
	size_t i, end = group_end(script, group);
	uint8_t bytes[4];
	uint32_t crc = 0;

	for (i = group * group_size(script); i < end; i++) {
		store(script->ranges[i].crc, big_endian, bytes);
		crc = crc32_add(crc, bytes, sizeof(bytes));
	}
	store(crc, big_endian, bytes);
	return le32(bytes);
}

bool script_matches(const struct script *script, size_t group, uint32_t value)
{
	return value == value_of(script, group, true) || value == value_of(script, group, false);
}

bool script_is_zero(uint32_t value)
{
	static const uint8_t zeros[BLOCK];
	uint8_t bytes[4];
	uint32_t crc = 0;
	uint64_t at;

	for (at = 0; at < SCRIPT_PROBE; at += BLOCK)
		crc = crc32_add(crc, zeros, BLOCK);
	store(crc, true, bytes);
	return value == crc || value == le32(bytes);
}

const struct script_range *script_first(const struct script *script, size_t group)
{
	return &script->ranges[group * group_size(script)];
}

const struct script_range *script_last(const struct script *script, size_t group)
{
	return &script->ranges[group_end(script, group) - 1];
}

/* Where the script is while it is written. */
struct writing {
	const struct script *script;
	const struct script_settings *settings;
	struct buf *out;
	unsigned int hwpart; /* that is selected */
};

static void select_hwpart(struct writing *writing, unsigned int hwpart)
{
	if (writing->hwpart == hwpart)
		return;
	buf_addf(writing->out, "%s dev %u %u\n", writing->settings->interface,
		 writing->settings->device, hwpart);
	writing->hwpart = hwpart;
}

static void prove_range(struct writing *writing, const struct script_range *range, uint32_t result)
{
	const struct script_settings *settings = writing->settings;

	select_hwpart(writing, range->hwpart);
	buf_addf(writing->out, "%s read %x %" PRIx64 " %" PRIx64 " && crc32 %x %" PRIx64 " %x\n",
		 settings->interface, settings->memory, range->offset / SCRIPT_SECTOR,
		 (range->size + SCRIPT_SECTOR - 1) / SCRIPT_SECTOR, settings->memory, range->size,
		 result);
}

/* A range that cannot be read leaves its result as it was, so the place is cleared first: memory
   may hold the results of an earlier run, or of a range just like it. */
static void prove_group(struct writing *writing, size_t group)
{
	uint32_t whole = writing->settings->memory + (uint32_t)SCRIPT_SLICE, results = whole + 16;
	size_t first = group * group_size(writing->script), end = group_end(writing->script, group),
	       i;

	buf_addf(writing->out, "mw %x 0 %zx\n", whole, end - first + 4);
	for (i = first; i < end; i++)
		prove_range(writing, &writing->script->ranges[i],
			    results + (uint32_t)(4 * (i - first)));
	buf_addf(writing->out,
		 "crc32 %x %zx %x && setexpr crc *%x && setenv fastboot.crc%zu ${crc}\n", results,
		 4 * (end - first), whole, whole, group);
}

void script_proof(const struct script *script, const struct script_settings *settings,
		  struct buf *out)
{
	struct writing writing = {script, settings, out, 0};
	size_t i, groups = script_groups(script);

	for (i = 0; i < groups; i++)
		buf_addf(out, "setenv fastboot.crc%zu\n", i);
	buf_addf(out, "%s dev %u\n", settings->interface, settings->device);
	for (i = 0; i < groups; i++)
		prove_group(&writing, i);
}

/* Whether it reads as zeros then is for the host to judge, by a sample; reading back proves it all.
 */
static void erase_first(const struct script_settings *settings, struct buf *out)
{
	uint32_t result = settings->memory + (uint32_t)SCRIPT_SLICE;

	buf_addf(out,
		 "setenv fastboot.zero\n"
		 "%s erase 0 %" PRIx64 " && %s read %x 0 %" PRIx64 " && crc32 %x %" PRIx64
		 " %x && setexpr crc *%x && setenv fastboot.zero ${crc}\n",
		 settings->interface, settings->erase / SCRIPT_SECTOR, settings->interface,
		 settings->memory, SCRIPT_PROBE / SCRIPT_SECTOR, settings->memory, SCRIPT_PROBE,
		 result, result);
}

/* A U-Boot without fastboot resets, which brings it back to its ROM. */
int script_text(const struct script *script, const struct script_settings *settings,
		struct buf *out, struct err *err)
{
	out->max = TEXT_MAX;
	buf_add_text(out, settings->before ? settings->before : "");
	if (settings->erase)
		erase_first(settings, out);
	buf_add_text(out, "fastboot usb 0 || reset\n");
	buf_add_text(out, settings->after ? settings->after : "");
	script_proof(script, settings, out);
	buf_add_text(out, "fastboot usb 0\n");
	if (!buf_over(out))
		return 0;
	return err_set(err, ERR_IMAGE, "the image is in %zu pieces, too many for a script",
		       script->count);
}
