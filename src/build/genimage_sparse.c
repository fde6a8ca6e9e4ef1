// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "build/disk_table_write.h"
#include "build/fs_free.h"
#include "build/genimage_model.h"
#include "image/sparse_format.h"

#define CHUNK_BYTES ((uint64_t)64 << 20) /* of a raw chunk at most */

static const cfg_opt_t options[] = {
	CFG_STR("image", NULL, CFGF_NONE),
	CFG_STR("block-size", "4k", CFGF_NONE),
	CFG_END(),
};

struct sparse {
	struct gen_image *image;
	const struct gen_image *child;
	struct spans unused;
	int in, out;
	uint64_t block, at; /* bytes; `at`: written so far */
	uint32_t chunks;
	/* The chunk that is collected. */
	unsigned int type;
	uint32_t fill;
	uint64_t start, end; /* in the child, bytes */
	uint8_t *piece;
};

static int flush(struct sparse *sparse, struct err *err)
{
	uint64_t bytes = sparse->end - sparse->start, blocks = bytes / sparse->block, at;
	uint64_t payload = sparse->type == SPARSE_CHUNK_RAW    ? bytes
			   : sparse->type == SPARSE_CHUNK_FILL ? 4
							       : 0;
	uint8_t head[SPARSE_CHUNK_HEADER + SPARSE_FILL] = {0};
	int rc;

	if (bytes == 0)
		return 0;
	put_le16(head, (uint16_t)sparse->type);
	put_le32(head + 4, (uint32_t)blocks);
	put_le32(head + 8, (uint32_t)(SPARSE_CHUNK_HEADER + payload));
	put_le32(head + SPARSE_CHUNK_HEADER, sparse->fill);
	rc = file_put(sparse->out, head,
		      sparse->type == SPARSE_CHUNK_FILL ? SPARSE_CHUNK_HEADER + SPARSE_FILL
							: SPARSE_CHUNK_HEADER,
		      sparse->at, err);
	for (at = sparse->start; at < sparse->end && sparse->type == SPARSE_CHUNK_RAW && rc == 0;
	     at += sparse->block) {
		memset(sparse->piece, 0, sparse->block);
		rc = file_get(sparse->in, sparse->piece,
			      (size_t)(at + sparse->block > sparse->child->size
					       ? sparse->child->size - at
					       : sparse->block),
			      at, err);
		if (rc == 0)
			rc = file_put(sparse->out, sparse->piece, (size_t)sparse->block,
				      sparse->at + SPARSE_CHUNK_HEADER + (at - sparse->start), err);
	}
	sparse->at += SPARSE_CHUNK_HEADER + payload;
	sparse->chunks++;
	sparse->start = sparse->end;
	return rc;
}

/* What one block is: 4 bytes over and over, or not. */
static unsigned int kind_of(const uint8_t *block, uint64_t size, uint32_t *fill)
{
	memcpy(fill, block, 4);
	return memcmp(block, block + 4, (size_t)size - 4) == 0 ? SPARSE_CHUNK_FILL
							       : SPARSE_CHUNK_RAW;
}

static int next_block(struct sparse *sparse, uint64_t at, struct err *err)
{
	uint64_t left = sparse->child->size - at;
	uint32_t fill = 0;
	unsigned int type = SPARSE_CHUNK_DONT_CARE;
	int rc;

	if (!spans_has(&sparse->unused, at, at + sparse->block)) {
		memset(sparse->piece, 0, sparse->block);
		rc = file_get(sparse->in, sparse->piece,
			      (size_t)(left < sparse->block ? left : sparse->block), at, err);
		if (rc < 0)
			return rc;
		type = kind_of(sparse->piece, sparse->block, &fill);
		fill = (uint32_t)sparse->piece[0] | (uint32_t)sparse->piece[1] << 8 |
		       (uint32_t)sparse->piece[2] << 16 | (uint32_t)sparse->piece[3] << 24;
	}
	if (type != sparse->type || (type == SPARSE_CHUNK_FILL && fill != sparse->fill) ||
	    (type == SPARSE_CHUNK_RAW && sparse->end - sparse->start >= CHUNK_BYTES)) {
		rc = flush(sparse, err);
		if (rc < 0)
			return rc;
		sparse->type = type;
		sparse->fill = fill;
	}
	sparse->end = at + sparse->block;
	return 0;
}

static int write_sparse(struct sparse *sparse, struct err *err)
{
	uint64_t blocks = (sparse->child->size + sparse->block - 1) / sparse->block, i;
	uint8_t head[SPARSE_HEADER] = {0};
	int rc = 0;

	sparse->at = SPARSE_HEADER;
	for (i = 0; i < blocks && rc == 0; i++) {
		rc = deadline_check(sparse->image->config->deadline, err);
		if (rc == 0)
			rc = next_block(sparse, i * sparse->block, err);
	}
	if (rc == 0)
		rc = flush(sparse, err);
	put_le32(head, SPARSE_MAGIC);
	put_le16(head + 4, SPARSE_MAJOR);
	put_le16(head + 8, SPARSE_HEADER);
	put_le16(head + 10, SPARSE_CHUNK_HEADER);
	put_le32(head + 12, (uint32_t)sparse->block);
	put_le32(head + 16, (uint32_t)blocks);
	put_le32(head + 20, sparse->chunks);
	return rc < 0 ? rc : file_put(sparse->out, head, sizeof(head), 0, err);
}

static void sparse_free(struct sparse *sparse)
{
	closep(&sparse->in);
	closep(&sparse->out);
	spans_free(&sparse->unused);
	free(sparse->piece);
}

static int make(struct gen_image *image, struct err *err)
{
	_cleanup_(sparse_free) struct sparse sparse = {.image = image, .in = -1, .out = -1};
	const char *name = cfg_getstr(image->section, "image");
	int rc = gen_size(image, "block-size", cfg_getstr(image->section, "block-size"),
			  &sparse.block, err);

	if (rc < 0)
		return rc;
	if (sparse.block < 1024 || sparse.block > 65536 || sparse.block % 1024)
		return gen_error(image, err, "block-size: from 1k to 64k, in whole KiB");
	sparse.child = gen_find(image->config, name);
	if (sparse.child->size / sparse.block >= UINT32_MAX)
		return gen_error(image, err, "%s is too large", name);
	if (sparse.child->has_map)
		spans_add_all(&sparse.unused, &sparse.child->unused, 0, sparse.child->size);
	else
		rc = fs_free(sparse.child->path, 0, sparse.child->size, &sparse.unused, err);
	if (rc < 0)
		return rc;
	sparse.piece = xmalloc((size_t)sparse.block);
	sparse.in = open(sparse.child->path, O_RDONLY | O_CLOEXEC);
	sparse.out = open(image->path, O_WRONLY | O_CLOEXEC);
	if (sparse.in < 0 || sparse.out < 0)
		return err_errno(err, ERR_HOST, "cannot open %s", sparse.child->path);
	rc = write_sparse(&sparse, err);
	image->size = sparse.at;
	return rc;
}

static int set_up(struct gen_image *image, struct err *err)
{
	return cfg_getstr(image->section, "image") ? 0 : gen_error(image, err, "no image is given");
}

const struct gen_type gen_android_sparse = {
	.name = "android-sparse", .options = options, .setup = set_up, .make = make};
