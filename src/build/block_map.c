// SPDX-License-Identifier: MIT
#include "build/block_map.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/mem.h"
#include "build/disk_table_write.h"

#define BLOCK    ((uint64_t)4096)
#define GAP      ((uint64_t)64 << 10) /* smaller gaps cost a writer more than they save */
#define PIECE    ((size_t)1 << 20)
#define MAP_MAX  ((size_t)256 << 20)
#define SUM_TEXT 64

/* What is mapped: all of the image but the unused blocks. */
static void find_mapped(const struct spans *unused, uint64_t size, struct spans *mapped)
{
	uint64_t end = (size + BLOCK - 1) / BLOCK * BLOCK;
	size_t i;

	spans_add(mapped, 0, end);
	for (i = 0; i < unused->count; i++) {
		uint64_t from = (unused->items[i].start + BLOCK - 1) / BLOCK * BLOCK;
		uint64_t to = unused->items[i].end / BLOCK * BLOCK;

		if (to > from && to - from >= GAP)
			spans_remove(mapped, from, to < end ? to : end);
	}
}

static int digest_range(int fd, uint64_t at, uint64_t end, uint8_t *piece, char out[129],
			struct deadline deadline, struct err *err)
{
	_cleanup_(digest_freep) struct digest *digest = digest_new();
	int rc;

	while (at < end) {
		size_t step = end - at < PIECE ? (size_t)(end - at) : PIECE;

		rc = deadline_check(deadline, err);
		if (rc == 0)
			rc = file_get(fd, piece, step, at, err);
		if (rc < 0)
			return rc;
		digest_add(digest, piece, step);
		at += step;
	}
	digest_text(digest, out);
	return 0;
}

static void add_head(struct buf *out, uint64_t size, const struct spans *mapped)
{
	uint64_t blocks = 0;
	size_t i;

	for (i = 0; i < mapped->count; i++)
		blocks += (mapped->items[i].end - mapped->items[i].start) / BLOCK;
	buf_addf(out,
		 "<?xml version=\"1.0\" ?>\n"
		 "<!-- Which blocks of the image have to be written; the others may hold anything. "
		 "-->\n"
		 "<bmap version=\"2.0\">\n"
		 "    <ImageSize> %" PRIu64 " </ImageSize>\n"
		 "    <BlockSize> %" PRIu64 " </BlockSize>\n"
		 "    <BlocksCount> %" PRIu64 " </BlocksCount>\n"
		 "    <MappedBlocksCount> %" PRIu64 " </MappedBlocksCount>\n"
		 "    <ChecksumType> sha256 </ChecksumType>\n"
		 "    <BmapFileChecksum> ",
		 size, BLOCK, (size + BLOCK - 1) / BLOCK, blocks);
}

static int add_ranges(struct buf *out, int fd, uint64_t size, const struct spans *mapped,
		      struct deadline deadline, struct err *err)
{
	_cleanup_(freep) uint8_t *piece = xmalloc(PIECE);
	char sum[129];
	size_t i;
	int rc;

	for (i = 0; i < mapped->count; i++) {
		const struct span *span = &mapped->items[i];
		uint64_t first = span->start / BLOCK, last = span->end / BLOCK - 1;

		rc = digest_range(fd, span->start, span->end < size ? span->end : size, piece, sum,
				  deadline, err);
		if (rc < 0)
			return rc;
		buf_addf(out, "        <Range chksum=\"%s\"> %" PRIu64, sum, first);
		if (last > first)
			buf_addf(out, "-%" PRIu64, last);
		buf_add_text(out, " </Range>\n");
	}
	return 0;
}

int block_map_make(const char *path, const struct spans *unused, struct buf *out,
		   struct deadline deadline, struct err *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(spans_free) struct spans mapped = {0};
	char sum[SHA256_TEXT];
	struct stat st;
	size_t at;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", path);
	out->max = MAP_MAX;
	find_mapped(unused, (uint64_t)st.st_size, &mapped);
	add_head(out, (uint64_t)st.st_size, &mapped);
	at = out->size;
	buf_addf(out, "%0*d </BmapFileChecksum>\n    <BlockMap>\n", SUM_TEXT, 0);
	rc = add_ranges(out, fd, (uint64_t)st.st_size, &mapped, deadline, err);
	if (rc < 0)
		return rc;
	buf_add_text(out, "    </BlockMap>\n</bmap>\n");
	if (buf_over(out))
		return err_set(err, ERR_INTERNAL, "the block map of %s is too large", path);
	sha256_text(out->data, out->size, sum);
	memcpy(out->data + at, sum, SUM_TEXT);
	return 0;
}
