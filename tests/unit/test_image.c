// SPDX-License-Identifier: MIT
/* Images as a caller sees them: files, standard input, digests, holes, sizes, cancelling. */
#include "image_inputs.h"

#include <fcntl.h>
#include <lz4frame.h>
#include <sys/eventfd.h>
#include <zstd.h>

#include "base/text.h"

static int open_plain(struct image **image, const char *path, struct err *err)
{
	return image_open(image, path, NULL, DEADLINE_NEVER, err);
}

/* Opens, reads all, closes; `sha256` receives the digest of the decoded image when it is good. */
static int read_all(const char *ref, const struct image_options *options, struct buf *out,
		    char sha256[SHA256_TEXT], struct err *err)
{
	_cleanup_(image_closep) struct image *image = NULL;
	int rc = image_open(&image, ref, options, DEADLINE_NEVER, err);

	if (rc == 0)
		rc = drain(image_stream(image), out, err);
	if (rc == 0)
		memcpy(sha256, image_info(image)->sha256, SHA256_TEXT);
	return rc;
}

static void raw_file(void **state)
{
	_cleanup_(buf_free) struct buf plain = {0}, out = {0};
	_cleanup_(freep) char *path = NULL;
	_cleanup_(image_closep) struct image *image = NULL;
	const struct image_info *info;
	char expected[SHA256_TEXT];
	struct err err = {0};

	add_content(&plain, 5000001, 3);
	path = write_buf(state, "raw?img", &plain);
	sha256_text(plain.data, plain.size, expected);
	assert_int_equal(open_plain(&image, path, &err), 0);
	info = image_info(image);
	assert_string_equal(info->ref, path);
	assert_string_equal(info->codec, "none");
	assert_string_equal(info->layout, "raw");
	assert_int_equal(info->size, plain.size);
	assert_int_equal(info->given_size, plain.size);
	assert_string_equal(info->sha256, "");
	assert_true(info->repeatable);
	assert_int_equal(drain(image_stream(image), &out, &err), 0);
	assert_same(&out, &plain);
	assert_string_equal(info->sha256, expected);
	assert_string_equal(info->given_sha256, expected);
	assert_int_equal(info->data_bytes, plain.size);
}

/* The name says one thing, the content another. */
static void every_codec(void **state)
{
	static const struct {
		const char *suffix, *name, *codec;
	} rows[] = {
		{".gz", "a.xz", "gzip"},    {".xz", "a.img", "xz"}, {".zst", "a.gz", "zstd"},
		{".bz2", "a.lz4", "bzip2"}, {".lz4", "a", "lz4"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_free) struct buf plain = {0}, encoded = {0};
		_cleanup_(freep) char *path = NULL;
		_cleanup_(image_closep) struct image *image = NULL;
		char expected[SHA256_TEXT], given[SHA256_TEXT];
		const struct image_info *info;
		struct err err = {0};

		add_content(&plain, 3000000, (uint32_t)i);
		add_encoded(&encoded, rows[i].suffix, &plain);
		path = write_buf(state, rows[i].name, &encoded);
		sha256_text(plain.data, plain.size, expected);
		sha256_text(encoded.data, encoded.size, given);
		assert_int_equal(open_plain(&image, path, &err), 0);
		info = image_info(image);
		assert_string_equal(info->codec, rows[i].codec);
		assert_int_equal(image_scan(image, NULL, NULL, &err), 0);
		assert_string_equal(info->sha256, expected);
		assert_string_equal(info->given_sha256, given);
		assert_int_equal(info->size, plain.size);
		assert_int_equal(info->given_size, encoded.size);
	}
}

static uint64_t early_size(void **state, const void *data, size_t size)
{
	_cleanup_(freep) char *path = write_file(state, "sized", data, size);
	_cleanup_(image_closep) struct image *image = NULL;
	struct err err = {0};
	uint64_t early;

	assert_int_equal(open_plain(&image, path, &err), 0);
	early = image_info(image)->size;
	assert_int_equal(image_scan(image, NULL, NULL, &err), 0);
	if (early != IMAGE_SIZE_UNKNOWN)
		assert_int_equal(image_info(image)->size, early);
	return early;
}

/* xz with two streams, zstd and lz4 with and without sizes, gzip never. */
static void early_sizes(void **state)
{
	LZ4F_preferences_t sized = {.frameInfo = {.contentSize = 100000}};
	_cleanup_(buf_free) struct buf plain = {0}, xz = {0}, zst = {0}, lz4 = {0}, gz = {0};
	_cleanup_(freep) char *space = xmalloc(300000);
	size_t n;

	add_content(&plain, 100000, 9);
	add_encoded(&xz, ".xz", &plain);
	add_encoded(&xz, ".xz", &plain);
	assert_int_equal(early_size(state, xz.data, xz.size), 200000);
	add_encoded(&gz, ".gz", &plain);
	assert_int_equal(early_size(state, gz.data, gz.size), IMAGE_SIZE_UNKNOWN);

	n = ZSTD_compress(space, 300000, plain.data, plain.size, 1);
	buf_add(&zst, "\x5f\x2a\x4d\x18\x02\0\0\0zz", 10);
	buf_add(&zst, space, n);
	n = ZSTD_compress(space, 300000, plain.data, 300, 1);
	buf_add(&zst, space, n);
	n = ZSTD_compress(space, 300000, plain.data, 30, 1);
	buf_add(&zst, space, n);
	assert_int_equal(early_size(state, zst.data, zst.size), 100330);
	add_encoded(&zst, ".zst", &plain); /* streamed: does not tell */
	assert_int_equal(early_size(state, zst.data, zst.size), IMAGE_SIZE_UNKNOWN);

	sized.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
	sized.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
	n = LZ4F_compressFrame(space, 300000, plain.data, plain.size, &sized);
	assert_false(LZ4F_isError(n));
	buf_add(&lz4, space, n);
	buf_add(&lz4, space, n);
	assert_int_equal(early_size(state, lz4.data, lz4.size), 200000);
	add_encoded(&lz4, ".lz4", &plain);
	assert_int_equal(early_size(state, lz4.data, lz4.size), IMAGE_SIZE_UNKNOWN);
}

static void holes(void **state)
{
	_cleanup_(freep) char *path = path_join(*state, "holes");
	_cleanup_(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(buf_free) struct buf whole = {.max = 64 << 20};
	uint64_t data = 0, at = 0;
	char expected[SHA256_TEXT], sha256[SHA256_TEXT];
	struct extent extent;
	struct err err = {0};
	bool more;

	assert_int_equal(ftruncate(fd, 9 << 20), 0);
	assert_int_equal(pwrite(fd, "data", 4, 3 << 20), 4);
	assert_int_equal(pwrite(fd, "tail", 4, (8 << 20) + 5), 4);
	if (lseek(fd, 0, SEEK_DATA) == 0)
		skip(); /* a file system without holes */
	add_fd(&whole, fd);
	sha256_text(whole.data, whole.size, expected);
	assert_int_equal(open_plain(&image, path, &err), 0);
	while (image_next(image, &extent, &more, &err) == 0 && more) {
		assert_int_equal(extent.offset, at);
		at += extent.length;
		if (extent.kind == EXTENT_DATA)
			data += extent.length;
		else
			assert_int_equal(extent.kind, EXTENT_ZERO);
	}
	assert_int_equal(err.kind, ERR_NONE);
	assert_int_equal(at, 9 << 20);
	assert_in_range(data, 8, 1 << 20);
	assert_int_equal(image_info(image)->data_bytes, data);
	assert_string_equal(image_info(image)->sha256, expected);
	assert_string_equal(image_info(image)->given_sha256, expected);
	buf_clear(&whole);
	assert_int_equal(read_all(path, NULL, &whole, sha256, &err), 0);
	assert_int_equal(whole.size, 9 << 20);
	assert_string_equal(sha256, expected);
}

/* The digest is of the stream as given, whatever case it is written in. */
static void expected_digest(void **state)
{
	_cleanup_(buf_free) struct buf plain = {0}, encoded = {0}, out = {0};
	_cleanup_(freep) char *raw = NULL, *packed = NULL;
	char good[SHA256_TEXT], bad[SHA256_TEXT], sha256[SHA256_TEXT];
	struct image_options options = {0};
	const char *paths[2];
	struct err err = {0};
	size_t i, k;

	add_content(&plain, 300000, 1);
	add_encoded(&encoded, ".xz", &plain);
	paths[0] = raw = write_buf(state, "digest.img", &plain);
	paths[1] = packed = write_buf(state, "digest.img.xz", &encoded);
	for (i = 0; i < 2; i++) {
		sha256_text(i ? encoded.data : plain.data, i ? encoded.size : plain.size, good);
		memcpy(bad, good, sizeof(bad));
		bad[10] = bad[10] == '0' ? '1' : '0';
		for (k = 0; good[k]; k++)
			if (good[k] >= 'a')
				good[k] = (char)(good[k] - 'a' + 'A');
		options.sha256 = good;
		assert_int_equal(read_all(paths[i], &options, &out, sha256, &err), 0);
		options.sha256 = bad;
		assert_int_equal(read_all(paths[i], &options, &out, sha256, &err), -ERR_DIGEST);
		assert_non_null(strstr(err.text, bad));
		assert_non_null(strstr(err.text, paths[i]));
		options.sha256 = "abc";
		assert_int_equal(read_all(paths[i], &options, &out, sha256, &err), -ERR_USAGE);
	}
}

static void sidecar_digest(void **state)
{
	_cleanup_(freep) char *path = write_file(state, "side.img", "the image", 9);
	_cleanup_(freep) char *sidecar = NULL;
	_cleanup_(buf_free) struct buf out = {0}, line = {0};
	char sha256[SHA256_TEXT], other[SHA256_TEXT];
	struct image_options options = {.sha256 = other};
	struct err err = {0};

	sha256_text("the image", 9, sha256);
	buf_addf(&line, "%s  side.img\n", sha256);
	sidecar = write_buf(state, "side.img.sha256", &line);
	assert_int_equal(read_all(path, NULL, &out, other, &err), 0);
	assert_string_equal(other, sha256);
	sha256_text("another image", 13, other);
	assert_int_equal(read_all(path, &options, &out, sha256, &err), -ERR_DIGEST);
	free(sidecar);
	sidecar = write_file(state, "side.img.sha256", other, 64);
	assert_int_equal(read_all(path, NULL, &out, sha256, &err), -ERR_DIGEST);
	assert_non_null(strstr(err.text, ".sha256 beside it"));
	free(sidecar);
	sidecar = write_file(state, "side.img.sha256", "none", 4);
	assert_int_equal(read_all(path, NULL, &out, sha256, &err), -ERR_CONFIG);
	assert_non_null(strstr(err.text, "first word"));
}

static void no_images(void **state)
{
	static const struct {
		const char *start;
		size_t size;
		const char *says;
	} rows[] = {
		{"PK\x03\x04", 4, "a zip archive"},
		{"7z\xbc\xaf\x27\x1c", 6, "7z"},
		{"Rar!\x1a\x07\x01", 7, "rar"},
		{"QFI\xfb\0\0\0\3", 8, "qcow2"},
		{"<!DOCTYPE html><html>", 21, "web page"},
		{"version https://git-lfs.github.com/spec/v1\n", 43, "Git LFS"},
		{"\x02\x21\x4c\x18", 4, "old lz4 format"},
		{"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\1", 15, ".lzma"},
	};
	static const struct {
		const char *start;
		size_t size;
	} fine[] = {
		{"hsqs", 4},
		{"\x5d\xc3 code", 7},
		{"\xeb\x3c\x90mkfs.fat", 11},
		{"BZh-not", 7},
		{"\0\0\0\0", 4},
		{"ANDROID!", 8},
		{"UBI#", 4},
		{"PK", 2},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows) + ARRAY_SIZE(fine); i++) {
		bool good = i >= ARRAY_SIZE(rows);
		size_t k = i - (good ? ARRAY_SIZE(rows) : 0);
		_cleanup_(buf_free) struct buf plain = {0}, encoded = {0}, out = {0};
		_cleanup_(freep) char *path = NULL, *packed = NULL;
		char sha256[SHA256_TEXT];
		struct err err = {0};

		buf_add(&plain, good ? fine[k].start : rows[k].start,
			good ? fine[k].size : rows[k].size);
		add_content(&plain, 2000, 4);
		add_encoded(&encoded, ".zst", &plain);
		path = write_buf(state, "kind", &plain);
		packed = write_buf(state, "kind.zst", &encoded);
		assert_int_equal(read_all(path, NULL, &out, sha256, &err), good ? 0 : -ERR_IMAGE);
		if (!good)
			assert_non_null(strstr(err.text, rows[k].says));
		assert_int_equal(read_all(packed, NULL, &out, sha256, &err), good ? 0 : -ERR_IMAGE);
		if (!good)
			assert_true(strstr(err.text, rows[k].says) && err.remedy[0]);
	}
}

static void compressed_twice(void **state)
{
	static const char *const suffixes[] = {".gz", ".xz", ".zst", ".bz2", ".lz4"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_(buf_free) struct buf plain = {0}, once = {0}, twice = {0}, out = {0};
		_cleanup_(freep) char *path = NULL;
		char sha256[SHA256_TEXT];
		struct err err = {0};

		add_content(&plain, 2000, 4);
		add_encoded(&once, suffixes[i], &plain);
		add_encoded(&twice, ".xz", &once);
		path = write_buf(state, "twice", &twice);
		assert_int_equal(read_all(path, NULL, &out, sha256, &err), -ERR_IMAGE);
		assert_non_null(strstr(err.text, "compressed once more"));
	}
}

static void nothing_there(void **state)
{
	_cleanup_(buf_free) struct buf none = {0}, encoded = {0}, out = {0};
	_cleanup_(freep) char *empty = write_buf(state, "empty", &none), *packed = NULL;
	char sha256[SHA256_TEXT];
	struct err err = {0};

	add_encoded(&encoded, ".gz", &none);
	packed = write_buf(state, "empty.gz", &encoded);
	assert_int_equal(read_all(empty, NULL, &out, sha256, &err), -ERR_IMAGE);
	assert_int_equal(read_all(packed, NULL, &out, sha256, &err), -ERR_IMAGE);
	assert_int_equal(read_all(*state, NULL, &out, sha256, &err), -ERR_IMAGE);
	assert_int_equal(read_all("/no/such/image", NULL, &out, sha256, &err), -ERR_NOT_FOUND);
	assert_int_equal(read_all("ftp://host/image", NULL, &out, sha256, &err), -ERR_USAGE);
	assert_int_equal(read_all("/dev/zero", NULL, &out, sha256, &err), -ERR_IMAGE);
}

/* Cut short behind the head: opening is fine, the end is not. */
static void truncated_file(void **state)
{
	_cleanup_(buf_free) struct buf plain = {0}, encoded = {0}, out = {0};
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(freep) char *path = NULL;
	struct err err = {0};
	struct extent extent;
	bool more;

	add_content(&plain, 3000000, 8);
	add_encoded(&encoded, ".gz", &plain);
	path = write_file(state, "cut.gz", encoded.data, encoded.size - 1000);
	assert_int_equal(open_plain(&image, path, &err), 0);
	assert_int_equal(drain(image_stream(image), &out, &err), -ERR_IMAGE);
	assert_non_null(strstr(err.text, "cut short"));
	assert_non_null(strstr(err.text, path));
	assert_true(out.size > 2000000);
	assert_int_equal(image_next(image, &extent, &more, &err), -ERR_IMAGE);
	assert_string_equal(image_info(image)->sha256, "");
}

/* Puts a descriptor in the place of standard input; returns the old one. */
static int replace_stdin(int fd)
{
	int saved = dup(STDIN_FILENO);

	assert_true(saved >= 0);
	assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	return saved;
}

static void restore_stdin(int *saved)
{
	dup2(*saved, STDIN_FILENO);
	close(*saved);
}

static void standard_input(void **state)
{
	_cleanup_(buf_free) struct buf plain = {0}, encoded = {0}, out = {0};
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(restore_stdin) int saved = -1;
	struct err err = {0};
	int ends[2];

	(void)state;
	add_content(&plain, 100000, 8);
	add_encoded(&encoded, ".zst", &plain);
	assert_true(encoded.size < 60000);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], encoded.data, encoded.size), encoded.size);
	close(ends[1]);
	saved = replace_stdin(ends[0]);
	close(ends[0]);
	assert_int_equal(open_plain(&image, "-", &err), 0);
	assert_false(image_info(image)->repeatable);
	assert_int_equal(drain(image_stream(image), &out, &err), 0);
	assert_same(&out, &plain);
}

/* A pipe that says something and then nothing: cancelling, the deadline and closing all end it. */
static void stalled_input(void **state)
{
	_cleanup_(closep) int cancel = eventfd(0, EFD_CLOEXEC), in = -1, out_end = -1;
	_cleanup_(restore_stdin) int saved = -1;
	_cleanup_(buf_free) struct buf plain = {0};
	struct deadline deadline = {INT64_MAX, cancel};
	char bytes[4096];
	size_t got;
	int ends[2], i, rc;

	(void)state;
	add_content(&plain, 2000, 8);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	in = ends[0];
	out_end = ends[1];
	saved = replace_stdin(in);
	for (i = 0; i < 3; i++) {
		_cleanup_(image_closep) struct image *image = NULL;
		struct err err = {0};

		assert_int_equal(write(out_end, plain.data, plain.size), plain.size);
		if (i == 1)
			deadline.at_ms = clock_ms() + 100;
		assert_int_equal(image_open(&image, "-", NULL, deadline, &err), 0);
		deadline.at_ms = INT64_MAX;
		if (i == 2)
			assert_int_equal(eventfd_write(cancel, 1), 0);
		/* The first one is closed with its threads waiting. */
		for (rc = 0; i > 0 && rc == 0;)
			rc = image_stream(image)->read(image_stream(image), bytes, sizeof(bytes),
						       &got, &err);
		if (i > 0)
			assert_int_equal(rc, i == 1 ? -ERR_TIMEOUT : -ERR_CANCELLED);
		if (i == 0)
			assert_int_equal(image_info(image)->size, IMAGE_SIZE_UNKNOWN);
	}
}

/* Closed at every kind of place: never read, in the middle with full queues, at the end. */
static void closed_early(void **state)
{
	_cleanup_(buf_free) struct buf plain = {0}, encoded = {0};
	_cleanup_(freep) char *path = NULL;
	size_t amounts[] = {0, 1, 100000, 9000000, 11999999, 12000000}, i, total, got;
	_cleanup_(freep) char *bytes = xmalloc(1 << 20);

	add_content(&plain, 12000000, 8);
	add_encoded(&encoded, ".lz4", &plain);
	path = write_buf(state, "early.lz4", &encoded);
	for (i = 0; i < ARRAY_SIZE(amounts); i++) {
		_cleanup_(image_closep) struct image *image = NULL;
		struct err err = {0};

		assert_int_equal(open_plain(&image, path, &err), 0);
		for (total = 0; total < amounts[i]; total += got) {
			got = amounts[i] - total < 1 << 20 ? amounts[i] - total : 1 << 20;
			assert_int_equal(image_stream(image)->read(image_stream(image), bytes, got,
								   &got, &err),
					 0);
			assert_true(got > 0);
		}
	}
}

struct lent {
	const struct buf *data;
	const char *ref;
};

static int open_lent(void *context, struct reader **reader, const char *ref,
		     const struct http_options *http, uint64_t *size, struct deadline deadline,
		     struct err *err)
{
	struct lent *lent = context;

	(void)http;
	(void)deadline;
	(void)err;
	lent->ref = ref;
	*reader = memory_open(lent->data->data, lent->data->size, 777);
	*size = lent->data->size;
	return 0;
}

static void foreign_scheme(void **state)
{
	_cleanup_(buf_free) struct buf plain = {0}, out = {0};
	struct lent lent = {.data = &plain};
	struct image_options options = {.open_ref = open_lent, .open_ref_context = &lent};
	char sha256[SHA256_TEXT];
	struct err err = {0};

	(void)state;
	add_content(&plain, 70000, 2);
	assert_int_equal(read_all("oci://host/name:tag", &options, &out, sha256, &err), 0);
	assert_string_equal(lent.ref, "oci://host/name:tag");
	assert_same(&out, &plain);
}

static void shrinking_file(void **state)
{
	_cleanup_(buf_free) struct buf plain = {0}, out = {0};
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(freep) char *path = NULL;
	struct err err = {0};

	add_content(&plain, 300000, 2);
	path = write_buf(state, "shrink", &plain);
	assert_int_equal(open_plain(&image, path, &err), 0);
	assert_int_equal(truncate(path, 200000), 0);
	assert_int_equal(drain(image_stream(image), &out, &err), -ERR_IMAGE);
	assert_non_null(strstr(err.text, "shorter"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_file),        cmocka_unit_test(every_codec),
		cmocka_unit_test(early_sizes),     cmocka_unit_test(holes),
		cmocka_unit_test(expected_digest), cmocka_unit_test(sidecar_digest),
		cmocka_unit_test(no_images),       cmocka_unit_test(compressed_twice),
		cmocka_unit_test(nothing_there),   cmocka_unit_test(truncated_file),
		cmocka_unit_test(standard_input),  cmocka_unit_test(stalled_input),
		cmocka_unit_test(closed_early),    cmocka_unit_test(foreign_scheme),
		cmocka_unit_test(shrinking_file),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
