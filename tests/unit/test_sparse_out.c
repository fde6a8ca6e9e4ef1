// SPDX-License-Identifier: MIT
/* Images as Android sparse pieces, put together again by our own reader. That others read them,
   too, is tests/peer/test_sparse.py. */
#include "image_inputs.h"

#include <fcntl.h>

#include "image/layout.h"
#include "image/sparse_out.h"

#define BLOCK SPARSE_BLOCK

/* What of the image came in which way: 'D', 'Z', 'U' a block, and the bytes. */
struct medium {
	char *kinds;
	uint8_t *bytes;
	size_t blocks;
};

static void medium_free(struct medium *medium)
{
	free(medium->kinds);
	free(medium->bytes);
}

static void put_extent(struct medium *medium, struct layout *layout, const struct extent *extent)
{
	size_t at = (size_t)extent->offset, end = at + (size_t)extent->length, got;
	struct err err;

	assert_true(end <= medium->blocks * BLOCK);
	assert_int_equal(at % BLOCK, 0);
	if (extent->kind == EXTENT_UNUSED)
		return;
	memset(medium->kinds + at / BLOCK, extent->kind == EXTENT_DATA ? 'D' : 'Z',
	       (end - at) / BLOCK);
	memset(medium->bytes + at, 0, end - at);
	for (; extent->kind == EXTENT_DATA && at < end; at += got) {
		assert_int_equal(layout->read(layout, medium->bytes + at, end - at, &got, &err), 0);
		assert_true(got > 0);
	}
}

/* Writes a piece as a device does; returns the bytes that it writes. */
static uint64_t put_piece(struct medium *medium, const struct sparse_piece *piece)
{
	_cleanup_(layout_closep) struct layout *layout = NULL;
	struct extent extent;
	uint64_t size, writes = 0;
	struct err err = {0};
	bool more;
	int rc;

	assert_int_equal(
		layout_sparse(&layout, memory_open(piece->bytes, piece->size, 50000), &size, &err),
		0);
	assert_int_equal(size, medium->blocks * BLOCK);
	while ((rc = layout->next(layout, &extent, &more, &err)) == 0 && more) {
		put_extent(medium, layout, &extent);
		writes += extent.kind == EXTENT_UNUSED ? 0 : extent.length;
	}
	assert_int_equal(rc, 0);
	return writes;
}

/* What a piece says of itself is what is on the medium now. */
static void check_ranges(const struct medium *medium, const struct sparse_piece *piece)
{
	uint64_t end = 0, total = 0;
	size_t i;

	for (i = 0; i < piece->range_count; i++) {
		const struct sparse_range *range = &piece->ranges[i];

		assert_true(range->length > 0 && range->offset >= end);
		assert_int_equal(crc32_add(0, medium->bytes + range->offset, range->length),
				 range->crc);
		end = range->offset + range->length;
		total += range->length;
	}
	assert_int_equal(total, piece->writes);
}

/* All pieces of an image on a medium that was full of something else; returns how many. */
static size_t put_image(struct medium *medium, const char *path, uint32_t limit, bool erased)
{
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(sparse_out_freep) struct sparse_out *out = NULL;
	struct image_options options = {0};
	struct sparse_out_options how = {.limit = limit, .erased = erased ? UINT64_MAX : 0};
	struct sparse_piece piece = {0};
	size_t pieces = 0;
	struct err err = {0};
	bool more;

	if (image_open(&image, path, &options, DEADLINE_NEVER, &err) < 0)
		fail_msg("%s", err.text);
	how.size = image_info(image)->size;
	*medium = (struct medium){.blocks = (size_t)((how.size + BLOCK - 1) / BLOCK)};
	medium->kinds = xcalloc(medium->blocks + 1, 1);
	medium->bytes = xmalloc(medium->blocks * BLOCK);
	memset(medium->kinds, 'U', medium->blocks);
	memset(medium->bytes, 0xa5, medium->blocks * BLOCK);
	out = sparse_out_new(image, &how);
	for (; sparse_out_next(out, &piece, &more, &err) == 0 && more; pieces++) {
		assert_true(piece.size <= limit);
		assert_int_equal(put_piece(medium, &piece), piece.writes);
		check_ranges(medium, &piece);
	}
	assert_string_equal(err.text, "");
	return pieces;
}

/* A picture of blocks: 'D' noise, 'd' the same with half a block of zeros, 'z' zeros that are
   stored, 'Z' a hole. */
static char *make_image(void **state, const char *picture, size_t cut)
{
	_cleanup_(freep) char *block = xcalloc(1, BLOCK);
	char *path = write_file(state, "image", "", 0);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t i, k;

	assert_true(fd >= 0);
	for (i = 0; picture[i]; i++) {
		for (k = 0; k < BLOCK; k++)
			block[k] = picture[i] == 'D' || (picture[i] == 'd' && k < BLOCK / 2)
					   ? (char)(i * 7 + k % 251 + 1)
					   : 0;
		if (picture[i] != 'Z')
			assert_int_equal(pwrite(fd, block, BLOCK, (off_t)(i * BLOCK)), BLOCK);
	}
	assert_int_equal(ftruncate(fd, (off_t)(i * BLOCK - cut)), 0);
	close(fd);
	return path;
}

static void assert_bytes(const struct medium *medium, const char *path)
{
	_cleanup_(buf_free) struct buf plain = {0};
	struct err err;
	size_t i;

	assert_int_equal(path_read(path, BUF_MAX_DEFAULT, &plain, &err), 0);
	assert_true(plain.size <= medium->blocks * BLOCK);
	assert_memory_equal(medium->bytes, plain.data, plain.size);
	for (i = plain.size; i < medium->blocks * BLOCK; i++)
		assert_int_equal(medium->bytes[i], 0);
}

static void kinds_of_blocks(void **state)
{
	static const struct {
		const char *picture, *kinds, *erased;
		size_t cut;
	} rows[] = {
		{"D", "D", "D", 0},
		{"D", "D", "D", 1},
		{"D", "D", "D", BLOCK - 1},
		{"Z", "Z", "U", 0},
		{"z", "Z", "U", 3000},
		{"ZZZZZZZZZZ", "ZZZZZZZZZZ", "UUUUUUUUUU", 0},
		{"dDdD", "DDDD", "DDDD", 100},
		/* a short gap goes with the data, and so does one of both sorts */
		{"DZZD", "DDDD", "DDDD", 0},
		{"DzZzZzZzD", "DDDDDDDDD", "DDDDDDDDD", 0},
		/* a long one does not, from its beginning on */
		{"DZZZZZZZZD", "DZZZZZZZZD", "DUUUUUUUUD", 0},
		{"DzzzzzzzzzD", "DZZZZZZZZZD", "DUUUUUUUUUD", 0},
		{"DzZzZzZzZzD", "DZZZZZZZZZD", "DUUUUUUUUUD", 0},
		{"ZZDZZ", "ZZDDD", "UUDDD", 0},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *path = make_image(state, rows[i].picture, rows[i].cut);
		_cleanup_(medium_free) struct medium plain = {0}, erased = {0};

		assert_int_equal(put_image(&plain, path, 1 << 20, false), 1);
		assert_string_equal(plain.kinds, rows[i].kinds);
		assert_bytes(&plain, path);
		assert_int_equal(put_image(&erased, path, 1 << 20, true), 1);
		assert_string_equal(erased.kinds, rows[i].erased);
		unlink(path);
	}
}

/* Every limit cuts somewhere else: in data, in a gap, before a hole. */
static void cuts_anywhere(void **state)
{
	char picture[401];
	uint32_t seed = 1, limit;
	_cleanup_(freep) char *path = NULL;
	size_t i;

	for (i = 0; i < sizeof(picture) - 1; i++) {
		seed = seed * 1664525 + 1013904223;
		picture[i] = "DDDDDDZz"[seed >> 29];
		if (i / 32 % 3 == 2)
			picture[i] = 'Z';
	}
	picture[i] = '\0';
	path = make_image(state, picture, 77);
	for (limit = SPARSE_LIMIT_MIN; limit < 2 * SPARSE_LIMIT_MIN; limit += 997) {
		_cleanup_(medium_free) struct medium medium = {0};

		assert_true(put_image(&medium, path, limit, false) > 4);
		assert_bytes(&medium, path);
		assert_null(strchr(medium.kinds, 'U'));
	}
	unlink(path);
}

/* A piece for an erased medium is an image with unused blocks itself. */
static char *make_sparse(void **state, const char *picture)
{
	_cleanup_(freep) char *path = make_image(state, picture, 0);
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(sparse_out_freep) struct sparse_out *out = NULL;
	struct sparse_out_options how = {.limit = 1 << 20, .erased = UINT64_MAX};
	struct image_options options = {0};
	struct sparse_piece piece;
	struct err err;
	bool more;

	how.size = strlen(picture) * BLOCK;
	assert_int_equal(image_open(&image, path, &options, DEADLINE_NEVER, &err), 0);
	out = sparse_out_new(image, &how);
	assert_int_equal(sparse_out_next(out, &piece, &more, &err), 0);
	assert_true(more);
	return write_file(state, "image.simg", piece.bytes, piece.size);
}

static void unused_blocks_are_not_sent(void **state)
{
	_cleanup_(freep) char *path = make_sparse(state, "DDZZDDZZZZZZZZDDzZZZZZZZZZZZZZZZ");
	_cleanup_(medium_free) struct medium medium = {0};

	assert_int_equal(put_image(&medium, path, 1 << 20, false), 1);
	assert_string_equal(medium.kinds, "DDDDDDUUUUUUUUDDUUUUUUUUUUUUUUUU");
	unlink(path);
}

/* 700 MiB of zeros, and nothing behind: no piece writes for ever, and none is for nothing. */
static void long_zeros_are_shared_out(void **state)
{
	_cleanup_(freep) char *path = make_image(state, "D", 0);
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(sparse_out_freep) struct sparse_out *out = NULL;
	struct sparse_out_options how = {.limit = 1 << 20, .size = (uint64_t)700 << 20};
	struct image_options options = {0};
	struct sparse_piece piece = {0};
	uint64_t writes = 0;
	struct err err = {0};
	bool more;

	assert_int_equal(truncate(path, (off_t)how.size), 0);
	assert_int_equal(image_open(&image, path, &options, DEADLINE_NEVER, &err), 0);
	out = sparse_out_new(image, &how);
	while (sparse_out_next(out, &piece, &more, &err) == 0 && more) {
		assert_true(piece.writes > 0 && piece.writes <= SPARSE_WRITES_MAX);
		assert_true(piece.size < 3 * BLOCK);
		writes += piece.writes;
	}
	assert_int_equal(writes, how.size);
	assert_int_equal(piece.done, how.size);
	unlink(path);
}

/* The first piece of a file, copied; *ranges: how many it lists. Owned by the caller. */
static uint8_t *first_piece(const char *path, bool no_ranges, size_t *size, size_t *ranges)
{
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(sparse_out_freep) struct sparse_out *out = NULL;
	struct sparse_out_options how = {
		.limit = SPARSE_LIMIT_MIN, .size = 4 * BLOCK, .no_ranges = no_ranges};
	struct image_options options = {0};
	struct sparse_piece piece;
	struct err err = {0};
	bool more;

	assert_int_equal(image_open(&image, path, &options, DEADLINE_NEVER, &err), 0);
	out = sparse_out_new(image, &how);
	assert_int_equal(sparse_out_next(out, &piece, &more, &err), 0);
	assert_true(more);
	*size = piece.size;
	*ranges = piece.range_count;
	return xmemdup(piece.bytes, piece.size);
}

static void ranges_are_left_out_when_not_wanted(void **state)
{
	_cleanup_(freep) char *path = make_image(state, "DDDD", 0);
	size_t size, other_size, ranges, other_ranges;
	_cleanup_(freep) uint8_t *with = first_piece(path, false, &size, &ranges);
	_cleanup_(freep) uint8_t *without = first_piece(path, true, &other_size, &other_ranges);

	assert_true(ranges > 0);
	assert_int_equal(other_ranges, 0);
	assert_int_equal(other_size, size);
	assert_memory_equal(without, with, size);
	unlink(path);
}

static void a_wrong_size_is_found(void **state)
{
	_cleanup_(freep) char *path =
		make_image(state, "DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD", 0);
	static const uint64_t sizes[] = {1,          37 * BLOCK,     38 * BLOCK + 1,
					 90 * BLOCK, UINT64_MAX - 1, (uint64_t)BLOCK << 32};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_(image_closep) struct image *image = NULL;
		_cleanup_(sparse_out_freep) struct sparse_out *out = NULL;
		struct sparse_out_options how = {.limit = SPARSE_LIMIT_MIN, .size = sizes[i]};
		struct image_options options = {0};
		struct sparse_piece piece;
		struct err err = {0};
		bool more = true;
		int rc = 0;

		assert_int_equal(image_open(&image, path, &options, DEADLINE_NEVER, &err), 0);
		out = sparse_out_new(image, &how);
		while (rc == 0 && more)
			rc = sparse_out_next(out, &piece, &more, &err);
		assert_int_equal(rc, -ERR_IMAGE);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_blocks),
		cmocka_unit_test(cuts_anywhere),
		cmocka_unit_test(unused_blocks_are_not_sent),
		cmocka_unit_test(long_zeros_are_shared_out),
		cmocka_unit_test(ranges_are_left_out_when_not_wanted),
		cmocka_unit_test(a_wrong_size_is_found),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
