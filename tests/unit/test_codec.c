// SPDX-License-Identifier: MIT
/* Decoders over memory: what is whole comes back, what is not is never an end. */
#include "image_inputs.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "image/codec.h"

static const char *const suffixes[] = {".gz", ".xz", ".zst", ".bz2", ".lz4"};

static int decode(const struct codec *codec, const void *data, size_t size, size_t bite,
		  struct buf *out, struct err *err)
{
	return drain(codec->open(memory_open(data, size, bite)), out, err);
}

static const struct codec *codec_in(const struct buf *encoded)
{
	return codec_of((const uint8_t *)buf_text(encoded), encoded->size);
}

static void round_trips(void **state)
{
	static const size_t sizes[] = {0, 1, 13, 4095, 65536, 300001, 4 << 20};
	static const size_t bites[] = {1, 4093, SIZE_MAX};
	const struct codec *codec;
	struct err err = {0};
	size_t i, k, b;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		for (k = 0; k < ARRAY_SIZE(sizes); k++) {
			_cleanup_(buf_free) struct buf plain = {0}, encoded = {0};

			add_content(&plain, sizes[k], 7);
			add_encoded(&encoded, suffixes[i], &plain);
			codec = codec_in(&encoded);
			assert_non_null(codec);
			for (b = encoded.size > 100000; b < ARRAY_SIZE(bites); b++) {
				_cleanup_(buf_free) struct buf out = {0};

				assert_int_equal(decode(codec, encoded.data, encoded.size, bites[b],
							&out, &err),
						 0);
				assert_same(&out, &plain);
			}
		}
	}
}

static void names(void **state)
{
	static const char *const expected[] = {"gzip", "xz", "zstd", "bzip2", "lz4"};
	_cleanup_(buf_free) struct buf plain = {0};
	size_t i;

	(void)state;
	add_content(&plain, 100, 1);
	assert_null(codec_in(&plain));
	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_(buf_free) struct buf encoded = {0};

		add_encoded(&encoded, suffixes[i], &plain);
		assert_string_equal(codec_in(&encoded)->name, expected[i]);
	}
}

/* An empty member in the middle, too. */
static void many_members(void **state)
{
	_cleanup_(buf_free) struct buf a = {0}, b = {0}, none = {0}, all = {0};
	struct err err = {0};
	size_t i;

	(void)state;
	add_content(&a, 70000, 1);
	add_content(&b, 333, 2);
	buf_add(&all, a.data, a.size);
	buf_add(&all, b.data, b.size);
	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_(buf_free) struct buf encoded = {0}, out = {0};

		add_encoded(&encoded, suffixes[i], &a);
		add_encoded(&encoded, suffixes[i], &none);
		add_encoded(&encoded, suffixes[i], &b);
		assert_int_equal(
			decode(codec_in(&encoded), encoded.data, encoded.size, 1000, &out, &err),
			0);
		assert_same(&out, &all);
	}
}

/* pzstd and the seekable format put skippable frames before and behind. lz4 knows them as well. */
static void skippable_frames(void **state)
{
	static const char frame[] = "\x50\x2a\x4d\x18\x04\0\0\0abcd";
	_cleanup_(buf_free) struct buf plain = {0};
	struct err err = {0};
	size_t i;

	(void)state;
	add_content(&plain, 5000, 3);
	for (i = 0; i < 2; i++) {
		_cleanup_(buf_free) struct buf encoded = {0}, out = {0};

		buf_add(&encoded, frame, sizeof(frame) - 1);
		add_encoded(&encoded, i ? ".lz4" : ".zst", &plain);
		buf_add(&encoded, frame, sizeof(frame) - 1);
		assert_string_equal(codec_in(&encoded)->name, i ? "lz4" : "zstd");
		assert_int_equal(
			decode(codec_in(&encoded), encoded.data, encoded.size, 3, &out, &err), 0);
		assert_same(&out, &plain);
	}
}

/* Every proper prefix of one member, and of a second one, is an error. */
static void truncated(void **state)
{
	_cleanup_(buf_free) struct buf plain = {0};
	struct err err = {0};
	size_t i, cut, first;

	(void)state;
	add_content(&plain, 1200, 5);
	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_(buf_free) struct buf encoded = {0}, out = {0};
		const struct codec *codec;

		add_encoded(&encoded, suffixes[i], &plain);
		first = encoded.size;
		add_encoded(&encoded, suffixes[i], &plain);
		codec = codec_in(&encoded);
		for (cut = 0; cut < encoded.size; cut++) {
			buf_clear(&out);
			if (cut > 0)
				assert_ptr_equal(codec_of((uint8_t *)encoded.data, cut), codec);
			if (cut == first)
				continue;
			assert_int_equal(decode(codec, encoded.data, cut, SIZE_MAX, &out, &err),
					 -ERR_IMAGE);
			assert_non_null(strstr(err.text, codec->name));
		}
	}
}

/* One bit of a byte, then all of them: an error, or (in a field nobody needs) the same bytes. Never
   other bytes. */
static void flipped_bits(void **state)
{
	_cleanup_(buf_free) struct buf plain = {0};
	size_t i, at, bad;
	struct err err = {0};
	char flip;

	(void)state;
	add_content(&plain, 1500, 11);
	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_(buf_free) struct buf encoded = {0}, out = {0};
		const struct codec *codec;

		add_encoded(&encoded, suffixes[i], &plain);
		codec = codec_in(&encoded);
		for (bad = at = 0; at < encoded.size * 2; at++) {
			flip = (char)(at % 2 ? 0xff : 1 << (at / 2 * 3 % 8));
			encoded.data[at / 2] = (char)(encoded.data[at / 2] ^ flip);
			buf_clear(&out);
			if (decode(codec, encoded.data, encoded.size, SIZE_MAX, &out, &err) == 0)
				assert_same(&out, &plain);
			else
				bad++;
			encoded.data[at / 2] = (char)(encoded.data[at / 2] ^ flip);
		}
		assert_true(bad > encoded.size * 2 - 20);
	}
}

static void what_follows(void **state)
{
	static const struct {
		const char *suffix, *tail;
		size_t size;
		int rc;
	} rows[] = {
		{".gz", "\0\0\0\0\0\0\0", 7, 0},     {".gz", "\0\0\0x", 4, -ERR_IMAGE},
		{".gz", "garbage", 7, -ERR_IMAGE},   {".gz", "\x1f", 1, -ERR_IMAGE},
		{".xz", "\0\0\0\0", 4, 0}, /* the format's own stream padding */
		{".xz", "\0\0\0", 3, -ERR_IMAGE},    {".xz", "garbage.", 8, -ERR_IMAGE},
		{".zst", "\0\0\0\0", 4, -ERR_IMAGE}, {".zst", "x", 1, -ERR_IMAGE},
		{".bz2", "\0\0\0\0", 4, -ERR_IMAGE}, {".bz2", "BZ", 2, -ERR_IMAGE},
		{".lz4", "\0\0\0\0", 4, -ERR_IMAGE}, {".lz4", "garbage", 7, -ERR_IMAGE},
	};
	_cleanup_(buf_free) struct buf plain = {0};
	struct err err = {0};
	size_t i;

	(void)state;
	add_content(&plain, 4000, 13);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_free) struct buf encoded = {0}, out = {0};

		add_encoded(&encoded, rows[i].suffix, &plain);
		buf_add(&encoded, rows[i].tail, rows[i].size);
		assert_int_equal(decode(codec_in(&encoded), encoded.data, encoded.size, SIZE_MAX,
					&out, &err),
				 rows[i].rc);
		assert_memory_equal(out.data, plain.data, plain.size);
	}
}

/* A frame that wants a window of 256 MiB, for four bytes. */
static void zstd_window(void **state)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	char space[128];
	ZSTD_outBuffer to = {space, sizeof(space), 0};
	ZSTD_inBuffer from = {"long", 4, 0};
	_cleanup_(buf_free) struct buf out = {0};
	struct err err = {0};

	(void)state;
	ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, CODEC_ZSTD_WINDOW_LOG + 1);
	assert_false(ZSTD_isError(ZSTD_compressStream2(context, &to, &from, ZSTD_e_flush)));
	assert_int_equal(ZSTD_compressStream2(context, &to, &from, ZSTD_e_end), 0);
	ZSTD_freeCCtx(context);
	assert_int_equal(
		decode(codec_of((uint8_t *)space, to.pos), space, to.pos, SIZE_MAX, &out, &err),
		-ERR_IMAGE);
	assert_non_null(strstr(err.text, "128 MiB"));
	assert_non_null(strstr(err.remedy, "--long"));
}

/* The dictionary size of the first block made 4 GiB, with a right header CRC. */
static void xz_dictionary(void **state)
{
	lzma_stream lzma = LZMA_STREAM_INIT;
	uint8_t space[256], *block = space + LZMA_STREAM_HEADER_SIZE;
	_cleanup_(buf_free) struct buf out = {0};
	struct err err = {0};
	size_t size;
	uint32_t crc;

	(void)state;
	assert_int_equal(lzma_easy_encoder(&lzma, 0, LZMA_CHECK_CRC32), LZMA_OK);
	lzma.next_in = (const uint8_t *)"big";
	lzma.avail_in = 3;
	lzma.next_out = space;
	lzma.avail_out = sizeof(space);
	assert_int_equal(lzma_code(&lzma, LZMA_FINISH), LZMA_STREAM_END);
	size = sizeof(space) - lzma.avail_out;
	lzma_end(&lzma);
	assert_memory_equal(block + 1, "\0\x21\x01", 3); /* no sizes, one filter: LZMA2 */
	block[4] = 40;
	crc = lzma_crc32(block, (size_t)block[0] * 4, 0);
	memcpy(block + block[0] * 4, &crc, sizeof(crc));
	assert_int_equal(decode(codec_of(space, size), space, size, SIZE_MAX, &out, &err),
			 -ERR_IMAGE);
	assert_non_null(strstr(err.text, "the limit is 256 MiB"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),         cmocka_unit_test(round_trips),
		cmocka_unit_test(many_members),  cmocka_unit_test(skippable_frames),
		cmocka_unit_test(truncated),     cmocka_unit_test(flipped_bits),
		cmocka_unit_test(what_follows),  cmocka_unit_test(zstd_window),
		cmocka_unit_test(xz_dictionary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
