// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "image/block_image.h"
#include "rig/stream_rig.h"

#define BLOCK  4096
#define BLOCKS 700 /* of the image */
#define SIZE   ((size_t)BLOCKS * BLOCK)
#define MEDIUM (SIZE + 3 * BLOCK)

static void put_chunk(struct buf *out, uint16_t type, uint32_t blocks, uint32_t body)
{
	uint8_t head[12] = {0};

	put_le16(head, type);
	put_le32(head + 4, blocks);
	put_le32(head + 8, (uint32_t)sizeof(head) + body);
	buf_add(out, head, sizeof(head));
}

static void put_raw(struct buf *out, uint32_t blocks)
{
	uint32_t i;

	put_chunk(out, 0xcac1, blocks, blocks * BLOCK);
	for (i = 0; i < blocks * BLOCK; i++)
		buf_add_char(out, (char)(i * 31 + i / BLOCK + 1));
}

/* An Android sparse image: 300 blocks of data, 100 that do not matter, 290 of zeros, 10 of data. */
static void make_image(const char *path)
{
	static const uint8_t start[] = {0x3a, 0xff, 0x26, 0xed, 1, 0, 0, 0, 28, 0, 12, 0};
	_cleanup_(buf_free) struct buf out = {0};
	uint8_t rest[16] = {0};
	struct err err;

	put_le32(rest, BLOCK);
	put_le32(rest + 4, BLOCKS);
	put_le32(rest + 8, 4);
	buf_add(&out, start, sizeof(start));
	buf_add(&out, rest, sizeof(rest));
	put_raw(&out, 300);
	put_chunk(&out, 0xcac3, 100, 0);
	put_chunk(&out, 0xcac2, 290, 4);
	buf_add(&out, "\0\0\0\0", 4);
	put_raw(&out, 10);
	if (path_write(path, out.data, out.size, 0644, &err) < 0)
		fail_msg("%s", err.text);
}

struct rig {
	char *image_path;
	struct block_info info;
	struct block *block;
	struct block_image *written;
};

static struct rig begin(const char *folder)
{
	_cleanup_(freep) char *old = xmalloc(MEDIUM);
	struct rig rig = {.info = {.size = MEDIUM, .sector = 512}};
	struct err err;

	rig.image_path = path_join(folder, "image");
	make_image(rig.image_path);
	memset(old, 0xa5, MEDIUM);
	snprintf(rig.info.node, sizeof(rig.info.node), "%s/medium", folder);
	if (path_write(rig.info.node, old, MEDIUM, 0644, &err) < 0 ||
	    block_open(&rig.block, &rig.info, true, &err) < 0)
		fail_msg("%s", err.text);
	rig.written = block_image_new();
	return rig;
}

static void end(struct rig *rig)
{
	block_image_free(rig->written);
	block_close(rig->block);
	free(rig->image_path);
}

static void show(void *context, uint64_t done)
{
	uint64_t *last = context;

	assert_true(done >= *last && done <= SIZE);
	*last = done;
}

static int write_image(struct rig *rig, struct deadline deadline, struct err *err)
{
	_cleanup_(image_closep) struct image *image = NULL;
	uint64_t last = 0;
	struct block_progress progress = {show, &last};
	int rc = image_open(&image, rig->image_path, NULL, WAIT, err);

	if (rc < 0)
		fail_msg("%s", err->text);
	rc = block_image_write(rig->written, image, rig->block, &progress, deadline, err);
	if (rc == 0)
		assert_int_equal(last, SIZE);
	return rc;
}

/* What is unused, and what lies behind the image, stays as it was. */
static void only_what_is_used(void **state)
{
	_cleanup_(freep) uint8_t *there = xmalloc(MEDIUM), *old = xmalloc(MEDIUM);
	struct rig rig = begin(*state);
	struct err err;
	size_t i;

	if (write_image(&rig, WAIT, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(block_image_bytes(rig.written), 600 * BLOCK);
	assert_int_equal(block_read(rig.block, 0, there, MEDIUM, &err), 0);
	memset(old, 0xa5, MEDIUM);
	for (i = 0; i < 300 * BLOCK; i++)
		assert_int_equal(there[i], (uint8_t)(i * 31 + i / BLOCK + 1));
	assert_memory_equal(there + 300 * BLOCK, old, 100 * BLOCK);
	for (i = 400 * BLOCK; i < 690 * BLOCK; i++)
		assert_int_equal(there[i], 0);
	for (i = 0; i < 10 * BLOCK; i++)
		assert_int_equal(there[690 * BLOCK + i], (uint8_t)(i * 31 + i / BLOCK + 1));
	assert_memory_equal(there + SIZE, old, MEDIUM - SIZE);
	end(&rig);
}

/* One wrong byte anywhere in what was written is found; elsewhere it does not matter. */
static void verified(void **state)
{
	static const struct {
		uint64_t at;
		int rc;
	} places[] = {
		{0, -ERR_VERIFY},           {300 * BLOCK - 1, -ERR_VERIFY},
		{300 * BLOCK, 0},           {400 * BLOCK - 1, 0},
		{400 * BLOCK, -ERR_VERIFY}, {690 * BLOCK - 1, -ERR_VERIFY},
		{SIZE - 1, -ERR_VERIFY},    {SIZE, 0},
	};
	struct rig rig = begin(*state);
	uint8_t byte, other;
	struct err err;
	size_t i;

	if (write_image(&rig, WAIT, &err) < 0)
		fail_msg("%s", err.text);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		assert_int_equal(block_read(rig.block, places[i].at, &byte, 1, &err), 0);
		other = (uint8_t)(byte ^ 0x10);
		assert_int_equal(block_write(rig.block, places[i].at, &other, 1, &err), 0);
		assert_int_equal(block_image_verify(rig.written, rig.block, NULL, WAIT, &err),
				 places[i].rc);
		assert_int_equal(block_write(rig.block, places[i].at, &byte, 1, &err), 0);
	}
	assert_int_equal(block_image_verify(rig.written, rig.block, NULL, WAIT, &err), 0);
	end(&rig);
}

static void cancelled(void **state)
{
	struct rig rig = begin(*state);
	struct deadline over = deadline_in(DEADLINE_NEVER, 0);
	struct err err;

	assert_int_equal(write_image(&rig, over, &err), -ERR_TIMEOUT);
	end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_is_used, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(verified, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(cancelled, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
