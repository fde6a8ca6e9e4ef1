// SPDX-License-Identifier: MIT
#include "image/size.h"

#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"
#include "image/image.h"

#define XZ_INDEX_MEMORY ((uint64_t)32 << 20)
#define XZ_BUFFER       ((size_t)16 << 10)

/* Blocks looked at in zstd and lz4 files: more is a file made to waste time, or 250 GiB. */
#define HOPS_MAX 2000000

static bool read_at(int fd, uint64_t offset, void *data, size_t size)
{
	return offset < INT64_MAX && pread(fd, data, size, (off_t)offset) == (ssize_t)size;
}

/* Feeds liblzma what it asks for until it has the index. */
static bool read_index(lzma_stream *lzma, int fd)
{
	uint8_t buffer[XZ_BUFFER];
	uint64_t offset = 0;
	lzma_ret rc = LZMA_OK;
	ssize_t n;

	while (rc == LZMA_OK || rc == LZMA_SEEK_NEEDED) {
		if (rc == LZMA_SEEK_NEEDED) {
			offset = lzma->seek_pos;
			lzma->avail_in = 0;
		}
		if (lzma->avail_in == 0) {
			n = pread(fd, buffer, sizeof(buffer), (off_t)offset);
			if (n <= 0)
				return false;
			lzma->next_in = buffer;
			lzma->avail_in = (size_t)n;
			offset += (uint64_t)n;
		}
		rc = lzma_code(lzma, LZMA_RUN);
	}
	return rc == LZMA_STREAM_END;
}

static uint64_t xz_size(int fd, uint64_t file_size)
{
	lzma_stream lzma = LZMA_STREAM_INIT;
	lzma_index *index = NULL;
	uint64_t size = IMAGE_SIZE_UNKNOWN;

	if (lzma_file_info_decoder(&lzma, &index, XZ_INDEX_MEMORY, file_size) == LZMA_OK &&
	    read_index(&lzma, fd))
		size = lzma_index_uncompressed_size(index);
	lzma_end(&lzma);
	lzma_index_end(index, NULL);
	return size;
}

struct walk {
	int fd;
	uint64_t at;   /* in the file */
	uint64_t size; /* decoded, so far */
	unsigned int hops;
};

static bool skip_skippable(struct walk *walk)
{
	uint8_t raw[8];

	if (!read_at(walk->fd, walk->at, raw, sizeof(raw)))
		return false;
	walk->at += 8 + (uint64_t)le32(raw + 4);
	return true;
}

/* RFC 8878 section 3.1.1.2: three bytes before each block. */
static bool skip_zstd_blocks(struct walk *walk)
{
	uint8_t raw[3];
	uint32_t header;
	bool last = false;

	while (!last) {
		if (++walk->hops > HOPS_MAX || !read_at(walk->fd, walk->at, raw, sizeof(raw)))
			return false;
		header = le24(raw);
		last = header & 1;
		walk->at += 3 + ((header >> 1 & 3) == 1 ? 1 : header >> 3); /* 1: run-length */
	}
	return true;
}

/* RFC 8878 section 3.1.1.1. The content size is optional: 0, 1, 2, 4 or 8 bytes. */
static bool skip_zstd_frame(struct walk *walk)
{
	static const uint8_t dictionary_bytes[] = {0, 1, 2, 4}, size_bytes[] = {0, 2, 4, 8};
	uint8_t raw[8] = {0}, descriptor, length;
	bool single;

	if (!read_at(walk->fd, walk->at + 4, &descriptor, 1))
		return false;
	single = descriptor >> 5 & 1;
	length = size_bytes[descriptor >> 6];
	if (length == 0 && single)
		length = 1;
	walk->at += 5u + (single ? 0u : 1u) + dictionary_bytes[descriptor & 3];
	if (length == 0 || !read_at(walk->fd, walk->at, raw, length))
		return false;
	walk->at += length;
	walk->size += le64(raw) + (length == 2 ? 256 : 0);
	if (!skip_zstd_blocks(walk))
		return false;
	walk->at += descriptor >> 2 & 1 ? 4 : 0;
	return true;
}

/* lz4_Frame_format.md: four bytes before each block, 0 ends the frame. */
static bool skip_lz4_blocks(struct walk *walk, bool block_checksums)
{
	uint8_t raw[4];
	uint32_t length;

	do {
		if (++walk->hops > HOPS_MAX || !read_at(walk->fd, walk->at, raw, sizeof(raw)))
			return false;
		length = le32(raw) & 0x7fffffff;
		walk->at += 4;
		if (length > 0)
			walk->at += length + (block_checksums ? 4u : 0u);
	} while (length > 0);
	return true;
}

static bool skip_lz4_frame(struct walk *walk)
{
	uint8_t raw[14], flags;

	if (!read_at(walk->fd, walk->at, raw, sizeof(raw)))
		return false;
	flags = raw[4];
	if (!(flags >> 3 & 1))
		return false;
	walk->size += le64(raw + 6);
	walk->at += 4 + 2 + 8 + (flags & 1 ? 4u : 0u) + 1;
	if (!skip_lz4_blocks(walk, flags >> 4 & 1))
		return false;
	walk->at += flags >> 2 & 1 ? 4 : 0;
	return true;
}

/* All frames must tell their size and end where the file ends. */
static uint64_t walk_frames(int fd, uint64_t file_size, uint32_t magic,
			    bool (*skip_frame)(struct walk *))
{
	struct walk walk = {.fd = fd};
	uint64_t before;
	uint8_t raw[4];
	bool good;

	while (walk.at < file_size) {
		before = walk.size;
		if (++walk.hops > HOPS_MAX || !read_at(fd, walk.at, raw, sizeof(raw)))
			return IMAGE_SIZE_UNKNOWN;
		good = (le32(raw) & 0xfffffff0u) == 0x184d2a50u ? skip_skippable(&walk)
		       : le32(raw) == magic                     ? skip_frame(&walk)
								: false;
		if (!good || walk.size < before)
			return IMAGE_SIZE_UNKNOWN;
	}
	return walk.at == file_size ? walk.size : IMAGE_SIZE_UNKNOWN;
}

static uint64_t zstd_size(int fd, uint64_t file_size)
{
	return walk_frames(fd, file_size, 0xfd2fb528u, skip_zstd_frame);
}

static uint64_t lz4_size(int fd, uint64_t file_size)
{
	return walk_frames(fd, file_size, 0x184d2204u, skip_lz4_frame);
}

uint64_t size_of_decoded(const char *codec, int fd, uint64_t file_size)
{
	static const struct {
		const char *codec;
		uint64_t (*size)(int fd, uint64_t file_size);
	} formats[] = {{"xz", xz_size}, {"zstd", zstd_size}, {"lz4", lz4_size}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (text_equal(formats[i].codec, codec))
			return formats[i].size(fd, file_size);
	return IMAGE_SIZE_UNKNOWN;
}
