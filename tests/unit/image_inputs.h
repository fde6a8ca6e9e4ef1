// SPDX-License-Identifier: MIT
/*
 * What the tests of src/image share: content that is always the same, compressed by the libraries,
 * readers over memory that give it in small bites, and temporary files.
 */
#ifndef ABOARD_TESTS_IMAGE_INPUTS_H
#define ABOARD_TESTS_IMAGE_INPUTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/reader.h"
#include "image/image.h"

#define UNUSED_OK static inline __attribute__((unused))

/* Text-like stretches, noise and zeros, the same every time. */
UNUSED_OK void add_content(struct buf *out, size_t size, uint32_t seed)
{
	static const char words[] = "aboard the board";
	char c;
	size_t i;

	for (i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		c = i / 512 % 4 == 2 ? (char)(seed >> 24) : words[seed >> 28];
		if (i / 512 % 4 == 3)
			c = 0;
		assert_true(buf_add(out, &c, 1));
	}
}

UNUSED_OK void add_fd(struct buf *out, int fd)
{
	char bytes[4096];
	ssize_t n;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		assert_true(buf_add(out, bytes, (size_t)n));
	assert_int_equal(n, 0);
}

/* Compresses as the suffix says, behind what `out` holds already. */
UNUSED_OK void add_encoded(struct buf *out, const char *suffix, const struct buf *plain)
{
	_cleanup_(closep) int fd = memfd_create("encoded", MFD_CLOEXEC);
	struct encoder *encoder;
	struct err err = {0};

	assert_true(fd >= 0);
	assert_int_equal(encoder_open(&encoder, suffix, fd, &err), 0);
	assert_int_equal(encoder_write(encoder, buf_text(plain), plain->size, &err), 0);
	assert_int_equal(encoder_finish(encoder, &err), 0);
	encoder_free(encoder);
	add_fd(out, fd);
}

struct memory_reader {
	struct reader reader;
	const char *data;
	size_t size, at, bite;
};

UNUSED_OK int memory_read(struct reader *reader, void *data, size_t size, size_t *got,
			  struct err *err)
{
	struct memory_reader *memory = container_of(reader, struct memory_reader, reader);

	(void)err;
	*got = memory->size - memory->at;
	if (*got > size)
		*got = size;
	if (*got > memory->bite)
		*got = memory->bite;
	memcpy(data, memory->data + memory->at, *got);
	memory->at += *got;
	return 0;
}

UNUSED_OK void memory_close(struct reader *reader)
{
	free(container_of(reader, struct memory_reader, reader));
}

/* Reads borrowed memory, at most `bite` bytes at a time. */
UNUSED_OK struct reader *memory_open(const void *data, size_t size, size_t bite)
{
	struct memory_reader *memory = xcalloc(1, sizeof(*memory));

	*memory = (struct memory_reader){{memory_read, memory_close}, data, size, 0, bite};
	return &memory->reader;
}

/* Everything a reader gives, until its end or an error. Closes it. */
UNUSED_OK int drain(struct reader *reader, struct buf *out, struct err *err)
{
	_cleanup_(reader_closep) struct reader *owned = reader;
	char bytes[10000];
	size_t got = 1;
	int rc = 0;

	while (rc == 0 && got > 0) {
		rc = reader->read(reader, bytes, sizeof(bytes), &got, err);
		if (rc == 0)
			assert_true(buf_add(out, bytes, got));
	}
	return rc;
}

UNUSED_OK void assert_same(const struct buf *a, const struct buf *b)
{
	assert_int_equal(a->size, b->size);
	assert_memory_equal(buf_text(a), buf_text(b), a->size);
}

/* A folder for one test program; `*state` of cmocka. */
UNUSED_OK int make_folder(void **state)
{
	char *folder = xstrdup("/tmp/aboard-image-XXXXXX");

	*state = folder;
	return mkdtemp(folder) ? 0 : -1;
}

UNUSED_OK int remove_folder(void **state)
{
	struct err err;
	int rc = path_remove_tree(*state, &err);

	free(*state);
	return rc;
}

/* Writes FOLDER/NAME and returns its path; owned by the caller. */
UNUSED_OK char *write_file(void **state, const char *name, const void *data, size_t size)
{
	char *path = path_join(*state, name);
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	return path;
}

UNUSED_OK char *write_buf(void **state, const char *name, const struct buf *data)
{
	return write_file(state, name, buf_text(data), data->size);
}

#endif
