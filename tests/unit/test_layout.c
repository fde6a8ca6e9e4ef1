// SPDX-License-Identifier: MIT
/* Android sparse images and block maps, hostile ones most of all; and the queue that carries
   extents. */
#include "image_inputs.h"

#include "base/text.h"
#include "image/layout.h"
#include "image/readahead.h"

static void add_le(struct buf *out, uint64_t value, size_t bytes)
{
	for (; bytes > 0; bytes--, value >>= 8)
		buf_add_char(out, (char)(value & 0xff));
}

/* Android sparse, by hand. */
struct chunk {
	uint16_t type;
	uint32_t blocks, total;
	const char *payload;
	size_t size;
};

static void add_sparse(struct buf *out, uint32_t block, uint32_t blocks, const struct chunk *chunks,
		       uint32_t count, size_t more)
{
	size_t i, k;

	add_le(out, 0xed26ff3a, 4);
	add_le(out, 1, 2);
	add_le(out, 0, 2);
	add_le(out, 28 + more, 2);
	add_le(out, 12 + more, 2);
	add_le(out, block, 4);
	add_le(out, blocks, 4);
	add_le(out, count, 4);
	add_le(out, 0, 4);
	for (k = 0; k < more; k++)
		buf_add_char(out, '?');
	for (i = 0; i < count; i++) {
		add_le(out, chunks[i].type, 2);
		add_le(out, 0, 2);
		add_le(out, chunks[i].blocks, 4);
		add_le(out, chunks[i].total + more, 4);
		for (k = 0; k < more; k++)
			buf_add_char(out, '?');
		buf_add(out, chunks[i].payload, chunks[i].size);
	}
}

/* Reads a layout to its end: the bytes with zeros for what has none, and the kinds as text like
   "D8 Z4 U4". Closes it. */
static int walk(struct layout *layout, struct buf *out, struct buf *kinds, struct err *err)
{
	_cleanup_(layout_closep) struct layout *owned = layout;
	struct extent extent;
	char bytes[7];
	bool more;
	size_t got;
	int rc;

	while ((rc = layout->next(layout, &extent, &more, err)) == 0 && more) {
		assert_true(extent.length > 0);
		assert_int_equal(extent.offset, out->size);
		buf_addf(kinds, "%s%c%llu", kinds->size ? " " : "", "DZU"[extent.kind],
			 (unsigned long long)extent.length);
		if (extent.kind != EXTENT_DATA) {
			for (got = 0; got < extent.length; got++)
				assert_true(buf_add_char(out, 0));
			continue;
		}
		do {
			rc = layout->read(layout, bytes, sizeof(bytes), &got, err);
			if (rc < 0)
				return rc;
			assert_true(buf_add(out, bytes, got));
		} while (got > 0);
		assert_int_equal(out->size, extent.offset + extent.length);
	}
	return rc;
}

static int expand(const struct buf *sparse, size_t bite, struct buf *out, struct buf *kinds,
		  uint64_t *size, struct err *err)
{
	struct layout *layout;
	int rc = layout_sparse(&layout, memory_open(buf_text(sparse), sparse->size, bite), size,
			       err);

	return rc < 0 ? rc : walk(layout, out, kinds, err);
}

#define ALL_CHUNKS                                                      \
	{0xcac1, 2, 20, "rawBYTES", 8}, {0xcac2, 2, 16, "fill", 4},     \
		{0xcac2, 1, 16, "\0\0\0\0", 4}, {0xcac3, 3, 12, "", 0}, \
	{                                                               \
		0xcac1, 1, 16, "tail", 4                                \
	}

static void sparse_good(void **state)
{
	static const char expected[] = "rawBYTESfillfill\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0tail";
	uint32_t crc = crc32_add(0, expected, sizeof(expected) - 1);
	char right[] = {(char)crc, (char)(crc >> 8), (char)(crc >> 16), (char)(crc >> 24)};
	const struct chunk chunks[] = {ALL_CHUNKS, {0xcac4, 0, 16, right, 4}};
	size_t more, bite;
	struct err err = {0};
	uint64_t size;

	(void)state;
	for (more = 0; more < 9; more += 4) {
		for (bite = 1; bite < 100; bite += 6) {
			_cleanup_(buf_free) struct buf sparse = {0}, out = {0}, kinds = {0};

			add_sparse(&sparse, 4, 9, chunks, ARRAY_SIZE(chunks), more);
			assert_int_equal(expand(&sparse, bite, &out, &kinds, &size, &err), 0);
			assert_int_equal(size, 36);
			assert_int_equal(out.size, 36);
			assert_memory_equal(out.data, expected, 36);
			assert_string_equal(buf_text(&kinds), "D8 D8 Z4 U12 D4");
		}
	}
}

static void sparse_bad(void **state)
{
	static const struct {
		uint32_t block, blocks, count;
		struct chunk chunks[2];
		const char *says;
	} rows[] = {
		{4, 1, 1, {{0xcac1, 2, 20, "12345678", 8}}, "more blocks"},
		{4, 3, 1, {{0xcac1, 2, 20, "12345678", 8}}, "fewer blocks"},
		{4, 2, 1, {{0xcac1, 2, 19, "1234567", 7}}, "two sizes"},
		{4, 2, 1, {{0xcac1, 2, 20, "12345678z", 9}}, "follows"},
		{4, 2, 1, {{0xcac1, 2, 20, "1234567", 7}}, "cut short"},
		{4, 2, 2, {{0xcac1, 2, 20, "12345678", 8}, {0xcac4, 0, 16, "abcd", 4}}, "CRC-32"},
		{4, 2, 1, {{0xcac2, 2, 12, "", 0}}, "two sizes"},
		{4, 2, 1, {{0xcac3, 2, 13, "x", 1}}, "two sizes"},
		{4, 2, 1, {{0xcac3, 0xffffffff, 12, "", 0}}, "more blocks"},
		{4, 2, 1, {{0xcac5, 2, 12, "", 0}}, "unknown kind"},
		{4, 0, 1, {{0xcac4, 1, 16, "\0\0\0\0", 4}}, "unknown kind"},
		{0, 2, 0, {{0}}, "block size"},
		{6, 2, 0, {{0}}, "block size"},
		{0xfffffffc, 0xffffffff, 0, {{0}}, "block size"},
		{4, 2, 0, {{0}}, "fewer blocks"},
		{4, 2, 0xffffffff, {{0}}, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_free) struct buf sparse = {0}, out = {0}, kinds = {0};
		struct err err = {0};
		uint64_t size;

		add_sparse(&sparse, rows[i].block, rows[i].blocks, rows[i].chunks,
			   rows[i].says ? rows[i].count : 0, 0);
		if (!rows[i].says)
			memset(sparse.data + 20, 0xff, 4); /* chunks that are not there */
		assert_int_equal(expand(&sparse, 1000, &out, &kinds, &size, &err), -ERR_IMAGE);
		assert_non_null(strstr(err.text, rows[i].says ? rows[i].says : "cut short"));
	}
}

static void sparse_headers(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *says;
	} rows[] = {
		{4, 2, "version 2"},
		{8, 27, "header sizes"},
		{9, 0x80, "header sizes"},
		{10, 11, "header sizes"},
		{24, 1, "CRC-32 of the header"},
	};
	static const struct chunk chunk = {0xcac1, 2, 20, "12345678", 8};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_free) struct buf sparse = {0}, out = {0}, kinds = {0};
		struct err err = {0};
		uint64_t size;

		add_sparse(&sparse, 4, 2, &chunk, 1, 0);
		sparse.data[rows[i].at] = (char)rows[i].value;
		assert_int_equal(expand(&sparse, 1000, &out, &kinds, &size, &err), -ERR_IMAGE);
		assert_non_null(strstr(err.text, rows[i].says));
	}
}

static void sparse_truncated(void **state)
{
	const struct chunk chunks[] = {ALL_CHUNKS};
	_cleanup_(buf_free) struct buf sparse = {0}, out = {0}, kinds = {0};
	struct err err = {0};
	size_t whole;
	uint64_t size;

	(void)state;
	add_sparse(&sparse, 4, 9, chunks, ARRAY_SIZE(chunks), 0);
	for (whole = sparse.size; sparse.size > 0;) {
		sparse.size--;
		buf_clear(&out);
		assert_int_equal(expand(&sparse, 5, &out, &kinds, &size, &err), -ERR_IMAGE);
	}
	assert_true(whole > 28);
}

/* 16 TiB of nothing is not written out, and comes in pieces. */
static void sparse_huge(void **state)
{
	static const struct chunk chunk = {0xcac3, 1 << 20, 12, "", 0};
	_cleanup_(buf_free) struct buf sparse = {0};
	_cleanup_(layout_closep) struct layout *layout = NULL;
	struct extent extent;
	struct err err = {0};
	uint64_t size;
	bool more;

	(void)state;
	add_sparse(&sparse, 4096, 1 << 20, &chunk, 1, 0);
	assert_int_equal(
		layout_sparse(&layout, memory_open(sparse.data, sparse.size, 99), &size, &err), 0);
	assert_int_equal(size, (uint64_t)1 << 32);
	assert_int_equal(layout->next(layout, &extent, &more, &err), 0);
	assert_int_equal(extent.kind, EXTENT_UNUSED);
	assert_int_equal(extent.length, LAYOUT_PIECE);
}

/* Block maps, of an image of blocks of 512 bytes. */
#define BLOCK 512

struct map {
	const char *version, *type, *size, *block, *blocks, *mapped, *body;
};

static const struct map good_map = {"2.0", "sha256", "2460", "512", "5", "3", NULL};

/* `sums`: the digests of blocks 1-2 and 4 (which is a part of a block); NULL: none. The digest of
   the map itself is put in last. */
static void add_map(struct buf *out, const struct map *map, const char *const sums[2])
{
	bool old = text_equal(map->version, "1.3");
	const char *type = old ? "sha1" : map->type, *attribute = old ? "sha1" : "chksum";
	const char *tag = old ? "BmapFileSHA1" : "BmapFileChecksum";
	_cleanup_(digest_freep) struct digest *digest =
		old ? digest_new_sha1() : digest_new_named(type);
	char text[129], zeros[129] = "";
	size_t length, at;

	if (!digest)
		digest = digest_new();
	digest_text(digest, text);
	length = strlen(text);
	memset(zeros, '0', length);
	buf_addf(out, "<?xml version=\"1.0\" ?>\n<!-- a map -->\n<bmap version=\"%s\">\n",
		 map->version);
	buf_addf(out, "<ImageSize> %s </ImageSize>\n<BlockSize> %s </BlockSize>\n", map->size,
		 map->block);
	buf_addf(out,
		 "<BlocksCount> %s </BlocksCount>\n<MappedBlocksCount> %s </MappedBlocksCount>\n",
		 map->blocks, map->mapped);
	if (!old)
		buf_addf(out, "<ChecksumType> %s </ChecksumType>\n", type);
	buf_addf(out, "<%s> ", tag);
	at = out->size;
	buf_addf(out, "%s </%s>\n<BlockMap>\n", zeros, tag);
	if (map->body)
		buf_add_text(out, map->body);
	else if (sums)
		buf_addf(out, "<Range %s=\"%s\"> 1-2 </Range><Range %s=\"%s\">4</Range>\n",
			 attribute, sums[0], attribute, sums[1]);
	else
		buf_add_text(out, "<Range> 1-2 </Range> <Range> 4 </Range>\n");
	buf_add_text(out, "</BlockMap></bmap>\n");
	digest_add(digest, out->data, out->size);
	digest_text(digest, text);
	memcpy(out->data + at, text, length);
}

static void sum_of(const char *type, const char *data, size_t size, char text[129])
{
	_cleanup_(digest_freep) struct digest *digest =
		text_equal(type, "sha1") ? digest_new_sha1() : digest_new_named(type);

	digest_add(digest, data, size);
	digest_text(digest, text);
}

/* Five blocks: junk, data, data, zeros, data (partly there). */
static void add_image(struct buf *out)
{
	add_content(out, 3 * BLOCK, 21);
	memset(out->data, 'j', BLOCK);
	for (size_t i = 0; i < BLOCK; i++)
		buf_add_char(out, 0);
	buf_add_text(out, "the end");
	while (out->size < 2460)
		buf_add_char(out, '.');
}

static void assert_map(const struct map *map, const char *const sums[2], size_t bite, int expected,
		       const char *kinds_or_text)
{
	_cleanup_(buf_free) struct buf text = {0}, image = {0}, out = {0}, kinds = {0};
	struct err err = {0};
	struct bmap *bmap;
	int rc;

	add_map(&text, map, sums);
	add_image(&image);
	rc = bmap_parse(&bmap, "test.bmap", text.data, text.size, &err);
	if (rc == 0)
		rc = walk(
			layout_bmap(layout_stream(memory_open(image.data, image.size, bite)), bmap),
			&out, &kinds, &err);
	assert_int_equal(rc, expected);
	if (rc < 0) {
		assert_non_null(strstr(err.text, kinds_or_text));
		return;
	}
	assert_string_equal(buf_text(&kinds), kinds_or_text);
	memset(image.data, 0, BLOCK); /* junk is not in the map */
	assert_same(&out, &image);
}

static void maps_good(void **state)
{
	static const struct {
		const char *version, *type;
	} rows[] = {{"2.0", "sha256"}, {"2.0", "sha512"}, {"1.4", "sha256"}, {"1.3", "sha1"}};
	_cleanup_(buf_free) struct buf image = {0};
	char first[129], last[129];
	const char *sums[2] = {first, last};
	struct map map = good_map;
	size_t i;

	(void)state;
	add_image(&image);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		map.version = rows[i].version;
		map.type = rows[i].type;
		sum_of(map.type, image.data + BLOCK, 2 * BLOCK, first);
		sum_of(map.type, image.data + 4 * BLOCK, image.size - 4 * BLOCK, last);
		assert_map(&map, sums, 100000, 0, "U512 D1024 Z512 D412");
		assert_map(&map, sums, 7, 0, "U512 D1024 Z512 D412");
	}
	assert_map(&good_map, NULL, 513, 0, "U512 D1024 Z512 D412");
}

static void maps_wrong_sums(void **state)
{
	_cleanup_(buf_free) struct buf image = {0};
	char first[129], last[129];
	const char *sums[2] = {first, last};

	(void)state;
	add_image(&image);
	sum_of("sha256", image.data + BLOCK, 2 * BLOCK, first);
	sum_of("sha256", "other", 5, last);
	assert_map(&good_map, sums, 1000, -ERR_DIGEST, "blocks 4 to 4");
	sum_of("sha256", "other", 5, first);
	assert_map(&good_map, sums, 1000, -ERR_DIGEST, "blocks 1 to 2");
	first[63] = '\0';
	assert_map(&good_map, sums, 1000, -ERR_IMAGE, "digest that is none");
	first[62] = '\0';
	assert_map(&good_map, sums, 1000, -ERR_IMAGE, "wrong length");
}

static void maps_bad(void **state)
{
	static const struct {
		struct map map;
		const char *says;
	} rows[] = {
		{{"1.2", "sha256", "2460", "512", "5", "3", NULL}, "version \"1.2\""},
		{{"3.0", "sha256", "2460", "512", "5", "3", NULL}, "version \"3.0\""},
		{{"", "sha256", "2460", "512", "5", "3", NULL}, "version \"\""},
		{{"2.0", "md5", "2460", "512", "5", "3", NULL}, "\"md5\""},
		{{"2.0", "sha256", "2459x", "512", "5", "3", NULL}, "impossible"},
		{{"2.0", "sha256", "99999999999999999999", "512", "5", "3", NULL}, "impossible"},
		{{"2.0", "sha256", "2460", "0", "5", "3", NULL}, "block size"},
		{{"2.0", "sha256", "2460", "1073741824", "1", "1", NULL}, "impossible"},
		{{"2.0", "sha256", "2460", "512", "6", "3", NULL}, "contradict"},
		{{"2.0", "sha256", "2460", "512", "5", "2", NULL}, "as many blocks"},
		{{"2.0", "sha256", "2460", "512", "5", "3", "<Range>2-1</Range>"},
		 "range that is none"},
		{{"2.0", "sha256", "2460", "512", "5", "3", "<Range>-1</Range>"},
		 "range that is none"},
		{{"2.0", "sha256", "2460", "512", "5", "3", "<Range>1-3</Range><Range>3</Range>"},
		 "overlap"},
		{{"2.0", "sha256", "2460", "512", "5", "3", "<Range>4</Range><Range>1-2</Range>"},
		 "out of order"},
		{{"2.0", "sha256", "2460", "512", "5", "3", "<Range>3-5</Range>"}, "outside"},
		{{"2.0", "sha256", "2460", "512", "5", "3", "<Range>"}, "mismatched tag"},
		{{"2.0", "sha256", "3000", "512", "6", "3", NULL}, "smaller than its block map"},
		{{"2.0", "sha256", "2400", "512", "5", "3", NULL}, "bigger than its block map"},
		{{"2.0", "sha256", "0", "512", "0", "0", "<b/>"}, "bigger than its block map"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_map(&rows[i].map, NULL, 1000, -ERR_IMAGE, rows[i].says);
}

/* Every byte of a map changed: the map's own digest sees it, or nothing that matters was hit. */
static void maps_changed(void **state)
{
	_cleanup_(buf_free) struct buf text = {0};
	struct err err = {0};
	struct bmap *bmap;
	size_t at;

	(void)state;
	add_map(&text, &good_map, NULL);
	for (at = 0; at < text.size; at++) {
		text.data[at] = (char)(text.data[at] ^ 1);
		assert_true(bmap_parse(&bmap, "x", text.data, text.size, &err) < 0);
		text.data[at] = (char)(text.data[at] ^ 1);
		assert_true(bmap_parse(&bmap, "x", text.data, at, &err) < 0);
	}
}

static void maps_bomb(void **state)
{
	static const char bomb[] =
		"<!DOCTYPE bmap [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>"
		"<bmap version=\"2.0\"><ImageSize>&b;</ImageSize></bmap>";
	struct bmap *bmap;
	struct err err = {0};

	(void)state;
	assert_int_equal(bmap_parse(&bmap, "x", bomb, sizeof(bomb) - 1, &err), -ERR_IMAGE);
	assert_non_null(strstr(err.text, "document type"));
}

/* Extents through a byte queue come out as they went in, whatever the size of the chunks. */
static void packed(void **state)
{
	const struct chunk chunks[] = {ALL_CHUNKS};
	_cleanup_(buf_free) struct buf sparse = {0};
	struct err err = {0};
	size_t chunk;

	(void)state;
	add_sparse(&sparse, 4, 9, chunks, ARRAY_SIZE(chunks), 0);
	for (chunk = 1; chunk < 200; chunk += 11) {
		_cleanup_(buf_free) struct buf out = {0}, kinds = {0};
		struct layout *layout;
		struct reader *queue;
		uint64_t size;

		assert_int_equal(layout_sparse(&layout, memory_open(sparse.data, sparse.size, 5),
					       &size, &err),
				 0);
		queue = readahead_new(layout_pack(layout), chunk, 2);
		assert_int_equal(readahead_start(queue, &err), 0);
		assert_int_equal(walk(layout_unpack(queue), &out, &kinds, &err), 0);
		assert_string_equal(buf_text(&kinds), "D8 D8 Z4 U12 D4");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sparse_good),     cmocka_unit_test(sparse_bad),
		cmocka_unit_test(sparse_headers),  cmocka_unit_test(sparse_truncated),
		cmocka_unit_test(sparse_huge),     cmocka_unit_test(maps_good),
		cmocka_unit_test(maps_wrong_sums), cmocka_unit_test(maps_bad),
		cmocka_unit_test(maps_changed),    cmocka_unit_test(maps_bomb),
		cmocka_unit_test(packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
