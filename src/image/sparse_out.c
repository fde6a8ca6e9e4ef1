// SPDX-License-Identifier: MIT
#include "image/sparse_out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "image/sparse_format.h"

/* Shorter gaps in the data are sent as data: a chunk of its own costs a device two more writes. */
#define GAP_BLOCKS 8

/* U-Boot before v2022 counts the bytes of a chunk in 32 bits, so chunks without data end here. */
#define CHUNK_BLOCKS_MAX ((1u << 30) / SPARSE_BLOCK)

/* The chunk at the end of the piece that is being made. */
struct chunk {
	uint16_t type; /* enum sparse_chunk */
	size_t at;     /* of its header in the piece */
	uint32_t blocks;
	uint32_t gap;      /* RAW: how many blocks at its end are a gap */
	uint16_t gap_type; /* what the gap becomes when it gets long */
};

struct sparse_out {
	struct image *image; /* borrowed */
	uint64_t image_size; /* IMAGE_SIZE_UNKNOWN: not known */
	uint32_t limit;
	uint64_t erased;
	bool no_ranges;

	struct extent extent; /* at hand */
	uint64_t left;        /* bytes of it to come */
	bool ended;           /* the image has no more */
	uint64_t at;          /* bytes of the image read */

	uint8_t *bytes; /* the piece; owned */
	size_t size;
	uint32_t blocks; /* of the image, covered up to the end of its last chunk */
	uint32_t chunks;
	uint64_t writes;
	struct chunk last;
	struct sparse_range *ranges; /* owned */
	size_t range_count, range_space;
	size_t pieces; /* given out */
};

struct sparse_out *sparse_out_new(struct image *image, const struct sparse_out_options *options)
{
	struct sparse_out *out = xcalloc(1, sizeof(*out));

	out->image = image;
	out->image_size = options->size;
	out->erased = options->erased;
	out->no_ranges = options->no_ranges;
	out->limit = options->limit;
	if (out->limit < SPARSE_LIMIT_MIN)
		out->limit = SPARSE_LIMIT_MIN;
	if (out->limit > SPARSE_LIMIT_MAX)
		out->limit = SPARSE_LIMIT_MAX;
	out->bytes = xmalloc(out->limit);
	return out;
}

void sparse_out_free(struct sparse_out *out)
{
	if (!out)
		return;
	free(out->bytes);
	free(out->ranges);
	free(out);
}

void sparse_out_freep(struct sparse_out **out)
{
	sparse_out_free(*out);
}

/* Reading: runs of whole blocks of one kind. */

/* Makes out->left more than 0, or finds the end. */
static int need_extent(struct sparse_out *out, struct err *err)
{
	bool more;
	int rc;

	if (out->left > 0 || out->ended)
		return 0;
	rc = image_next(out->image, &out->extent, &more, err);
	if (rc < 0)
		return rc;
	out->ended = !more;
	out->left = more ? out->extent.length : 0;
	return 0;
}

static int read_data(struct sparse_out *out, uint8_t *to, size_t size, struct err *err)
{
	size_t done, got;
	int rc;

	for (done = 0; done < size; done += got) {
		rc = image_read(out->image, to + done, size - done, &got, err);
		if (rc < 0)
			return rc;
		if (got == 0)
			return err_set(err, ERR_INTERNAL, "an extent ends before its length");
	}
	return 0;
}

/* What of the extent at hand goes into one block. */
static int take_part(struct sparse_out *out, uint8_t *to, size_t room, size_t *taken,
		     struct err *err)
{
	int rc = 0;

	*taken = out->left < room ? (size_t)out->left : room;
	if (out->extent.kind == EXTENT_DATA)
		rc = read_data(out, to, *taken, err);
	else
		memset(to, 0, *taken);
	out->left -= *taken;
	out->at += *taken;
	return rc;
}

/* One block of whatever extents it has parts of; the kinds of extents are in the order in which one
   prevails over the next. */
static int read_block(struct sparse_out *out, uint8_t *block, enum extent_kind *kind, bool *more,
		      struct err *err)
{
	size_t filled, taken;
	int rc;

	*kind = EXTENT_UNUSED;
	for (filled = 0; filled < SPARSE_BLOCK; filled += taken) {
		rc = need_extent(out, err);
		if (rc < 0)
			return rc;
		if (out->ended)
			break;
		if (out->extent.kind < *kind)
			*kind = out->extent.kind;
		rc = take_part(out, block + filled, SPARSE_BLOCK - filled, &taken, err);
		if (rc < 0)
			return rc;
	}
	*more = filled > 0;
	memset(block + filled, 0, SPARSE_BLOCK - filled);
	if (*kind == EXTENT_DATA && bytes_are_zero(block, SPARSE_BLOCK))
		*kind = EXTENT_ZERO;
	return 0;
}

/* The next run; *blocks 0: the image has ended. Data is one block, read to `block`. */
static int next_run(struct sparse_out *out, uint8_t *block, enum extent_kind *kind,
		    uint32_t *blocks, struct err *err)
{
	bool more = false;
	int rc = need_extent(out, err);

	if (rc < 0)
		return rc;
	if (out->extent.kind == EXTENT_DATA || out->ended || out->at % SPARSE_BLOCK ||
	    out->left < SPARSE_BLOCK) {
		rc = read_block(out, block, kind, &more, err);
		*blocks = more;
		return rc;
	}
	*kind = out->extent.kind;
	*blocks = CHUNK_BLOCKS_MAX;
	if (*kind == EXTENT_ZERO)
		*blocks = (uint32_t)((SPARSE_WRITES_MAX - out->writes) / SPARSE_BLOCK);
	if (*blocks > out->left / SPARSE_BLOCK)
		*blocks = (uint32_t)(out->left / SPARSE_BLOCK);
	out->left -= (uint64_t)*blocks * SPARSE_BLOCK;
	out->at += (uint64_t)*blocks * SPARSE_BLOCK;
	return 0;
}

/* Writing: chunks. */

static void close_chunk(struct sparse_out *out)
{
	uint8_t *header = out->bytes + out->last.at;

	if (out->last.type == SPARSE_CHUNK_NONE)
		return;
	put_le16(header, out->last.type);
	put_le16(header + 2, 0);
	put_le32(header + 4, out->last.blocks);
	put_le32(header + 8, (uint32_t)(out->size - out->last.at));
	out->last.type = SPARSE_CHUNK_NONE;
}

static void open_chunk(struct sparse_out *out, uint16_t type)
{
	close_chunk(out);
	out->last = (struct chunk){.type = type, .at = out->size};
	out->size += SPARSE_CHUNK_HEADER;
	out->chunks++;
	if (type != SPARSE_CHUNK_FILL)
		return;
	memset(out->bytes + out->size, 0, SPARSE_FILL);
	out->size += SPARSE_FILL;
}

/* Blocks without bytes of their own. */
static void add_empty(struct sparse_out *out, uint16_t type, uint64_t blocks)
{
	uint32_t step;

	for (; blocks > 0; blocks -= step) {
		if (out->last.type != type || out->last.blocks == CHUNK_BLOCKS_MAX)
			open_chunk(out, type);
		step = CHUNK_BLOCKS_MAX - out->last.blocks;
		if (step > blocks)
			step = (uint32_t)blocks;
		out->last.blocks += step;
		out->blocks += step;
		if (type == SPARSE_CHUNK_FILL)
			out->writes += (uint64_t)step * SPARSE_BLOCK;
	}
}

/* Blocks that are behind the RAW chunk already; negative takes them away. */
static void count_raw(struct sparse_out *out, int64_t blocks)
{
	out->last.blocks = (uint32_t)(out->last.blocks + blocks);
	out->blocks = (uint32_t)(out->blocks + blocks);
	out->size = (size_t)((int64_t)out->size + blocks * SPARSE_BLOCK);
	out->writes = (uint64_t)((int64_t)out->writes + blocks * SPARSE_BLOCK);
}

/* Where the bytes of the next block of data belong. */
static uint8_t *raw_place(const struct sparse_out *out)
{
	bool open = out->last.type == SPARSE_CHUNK_RAW;

	return out->bytes + out->size + (open ? 0 : SPARSE_CHUNK_HEADER);
}

static void add_raw(struct sparse_out *out)
{
	if (out->last.type != SPARSE_CHUNK_RAW)
		open_chunk(out, SPARSE_CHUNK_RAW);
	count_raw(out, 1);
	out->last.gap = 0;
}

/* Bytes that chunks may take up: behind them comes what says that the rest is in other pieces. */
static size_t room(const struct sparse_out *out)
{
	uint64_t total = 0, rest = 0;

	if (out->image_size != IMAGE_SIZE_UNKNOWN)
		total = out->image_size / SPARSE_BLOCK + 1;
	if (out->blocks < total)
		rest = total - out->blocks;
	return out->limit - (size_t)(rest / CHUNK_BLOCKS_MAX + 1) * SPARSE_CHUNK_HEADER;
}

static void add_gap(struct sparse_out *out, uint16_t type, uint32_t blocks)
{
	uint32_t before = out->last.gap;
	uint16_t before_type =
		before && out->last.gap_type == SPARSE_CHUNK_FILL ? SPARSE_CHUNK_FILL : type;

	if (out->last.type != SPARSE_CHUNK_RAW) {
		add_empty(out, type, blocks);
		return;
	}
	if (before + blocks < GAP_BLOCKS && out->size + blocks * SPARSE_BLOCK <= room(out)) {
		memset(out->bytes + out->size, 0, (size_t)blocks * SPARSE_BLOCK);
		count_raw(out, blocks);
		out->last.gap = before + blocks;
		out->last.gap_type = before_type;
		return;
	}
	if (before > 0) {
		count_raw(out, -(int64_t)before);
		add_empty(out, before_type, before);
	}
	add_empty(out, type, blocks);
}

/* Pieces. */

static void begin_piece(struct sparse_out *out)
{
	uint32_t before = out->blocks;

	out->size = SPARSE_HEADER;
	out->last = (struct chunk){0};
	out->chunks = 0;
	out->writes = 0;
	out->blocks = 0;
	add_empty(out, SPARSE_CHUNK_DONT_CARE, before);
}

/* Room for one more block of any kind. */
static bool is_full(const struct sparse_out *out)
{
	return out->size + SPARSE_CHUNK_HEADER + SPARSE_BLOCK > room(out) ||
	       out->writes >= SPARSE_WRITES_MAX;
}

/* Blocks without bytes: zeros need not be written where the medium is erased. */
static void add_blank(struct sparse_out *out, enum extent_kind kind, uint32_t blocks)
{
	uint64_t erased = out->erased / SPARSE_BLOCK;
	uint32_t blank = kind == EXTENT_UNUSED ? blocks : 0;

	if (kind == EXTENT_ZERO && erased > out->blocks)
		blank = erased - out->blocks < blocks ? (uint32_t)(erased - out->blocks) : blocks;
	if (blank > 0)
		add_gap(out, SPARSE_CHUNK_DONT_CARE, blank);
	if (blank < blocks)
		add_gap(out, SPARSE_CHUNK_FILL, blocks - blank);
}

static int fill_piece(struct sparse_out *out, struct err *err)
{
	enum extent_kind kind;
	uint32_t blocks;
	int rc;

	while (!is_full(out)) {
		rc = next_run(out, raw_place(out), &kind, &blocks, err);
		if (rc < 0 || blocks == 0)
			return rc;
		if (kind == EXTENT_DATA)
			add_raw(out);
		else
			add_blank(out, kind, blocks);
	}
	return 0;
}

/* The blocks of other pieces behind it, and the header. */
static void end_piece(struct sparse_out *out)
{
	uint32_t covered = out->blocks;
	uint64_t total = covered;

	if (out->image_size != IMAGE_SIZE_UNKNOWN)
		total = (out->image_size + SPARSE_BLOCK - 1) / SPARSE_BLOCK;
	add_empty(out, SPARSE_CHUNK_DONT_CARE, total - covered);
	out->blocks = covered;
	close_chunk(out);
	memset(out->bytes, 0, SPARSE_HEADER);
	put_le32(out->bytes, SPARSE_MAGIC);
	put_le16(out->bytes + 4, SPARSE_MAJOR);
	put_le16(out->bytes + 8, SPARSE_HEADER);
	put_le16(out->bytes + 10, SPARSE_CHUNK_HEADER);
	put_le32(out->bytes + 12, SPARSE_BLOCK);
	put_le32(out->bytes + 16, (uint32_t)total);
	put_le32(out->bytes + 20, out->chunks);
}

/* What has been made, read as a device reads it. */

static struct sparse_range *new_range(struct sparse_out *out, uint64_t offset)
{
	struct sparse_range *range;

	if (out->range_count == out->range_space) {
		out->range_space = 2 * out->range_space + 16;
		out->ranges = xrealloc(out->ranges, out->range_space, sizeof(*out->ranges));
	}
	range = &out->ranges[out->range_count++];
	*range = (struct sparse_range){.offset = offset};
	return range;
}

/* `data` NULL: zeros. */
static void add_range(struct sparse_out *out, uint64_t offset, const uint8_t *data, uint64_t size)
{
	struct sparse_range *range = out->range_count ? &out->ranges[out->range_count - 1] : NULL;
	static const uint8_t zeros[SPARSE_BLOCK];
	uint64_t end = offset + size;

	for (; offset < end; offset += SPARSE_BLOCK) {
		if (!range || range->offset + range->length != offset ||
		    range->length == SPARSE_RANGE_MAX)
			range = new_range(out, offset);
		range->crc = crc32_add(range->crc, data ? data : zeros, SPARSE_BLOCK);
		range->length += SPARSE_BLOCK;
		data += data ? SPARSE_BLOCK : 0;
	}
}

static void list_ranges(struct sparse_out *out)
{
	uint64_t offset = 0, size;
	size_t at = SPARSE_HEADER;
	const uint8_t *header;
	uint16_t type;

	out->range_count = 0;
	for (; at < out->size; at += le32(header + 8), offset += size) {
		header = out->bytes + at;
		type = le16(header);
		size = (uint64_t)le32(header + 4) * SPARSE_BLOCK;
		if (type != SPARSE_CHUNK_DONT_CARE)
			add_range(out, offset,
				  type == SPARSE_CHUNK_RAW ? header + SPARSE_CHUNK_HEADER : NULL,
				  size);
	}
}

/* Half of a piece at most may say what is in other pieces. */
static int check_size(const struct sparse_out *out, struct err *err)
{
	uint64_t blocks =
		(out->image_size == IMAGE_SIZE_UNKNOWN ? out->at : out->image_size) / SPARSE_BLOCK;

	if (out->image_size != IMAGE_SIZE_UNKNOWN &&
	    (out->at > out->image_size || (out->ended && out->at != out->image_size)))
		return err_set(err, ERR_IMAGE,
			       "the image has %s%" PRIu64 " bytes, and not %" PRIu64
			       " as it should",
			       out->ended ? "" : "at least ", out->at, out->image_size);
	if (blocks < UINT32_MAX &&
	    (blocks / CHUNK_BLOCKS_MAX + 2) * SPARSE_CHUNK_HEADER <= out->limit / 2)
		return 0;
	err_set(err, ERR_IMAGE,
		"the image is too large to be sent in sparse pieces of %" PRIu32 " bytes",
		out->limit);
	return err_remedy(err, "give the board's loader a larger buffer");
}

int sparse_out_next(struct sparse_out *out, struct sparse_piece *piece, bool *more, struct err *err)
{
	int rc = check_size(out, err);

	*more = false;
	if (rc < 0)
		return rc;
	begin_piece(out);
	rc = fill_piece(out, err);
	if (rc == 0)
		rc = check_size(out, err);
	if (rc < 0 || (out->writes == 0 && out->pieces > 0))
		return rc;
	end_piece(out);
	if (!out->no_ranges)
		list_ranges(out);
	out->pieces++;
	*more = true;
	*piece = (struct sparse_piece){out->bytes,  out->size,   out->at,
				       out->writes, out->ranges, out->range_count};
	return 0;
}
