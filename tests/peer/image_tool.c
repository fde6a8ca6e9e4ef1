// SPDX-License-Identifier: MIT
/* The image reader as a program, for tests against other programs:

     image-tool REF [--sha256 HEX] [--bmap PATH] [--out FILE] [--stop BYTES]
				     reads an image to its end, or closes it after BYTES
     image-tool --encode NAME        compresses standard input
     image-tool REF --sparse FOLDER --limit BYTES [--erased yes] [--size unknown]
				     writes its Android sparse pieces, FOLDER/000 and so on

   What is known before and after, the extents (neighbours of one kind as one) and the peak of
   memory go to standard output as one JSON object, or, for --encode, the compressed bytes. An
   error goes to standard error; the exit status is that of aboard. Data is written to FILE at its
   place, the rest is left as it is. */
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "image/image.h"
#include "image/sparse_out.h"

#define BUFFER ((size_t)256 << 10)

struct tool {
	struct image_options options;
	const char *out, *stop, *sparse, *limit, *erased, *size;
	uint64_t stop_at;
	int fd;
	json_t *extents; /* [kind, offset, length] */
	uint8_t *buffer;
};

static json_t *number(uint64_t value)
{
	return value == IMAGE_SIZE_UNKNOWN ? json_null() : json_integer((json_int_t)value);
}

static json_t *describe(const struct image_info *info)
{
	return json_pack("{ss ss ss so so so ss ss sb}", "ref", info->ref, "codec", info->codec,
			 "layout", info->layout, "given_size", number(info->given_size), "size",
			 number(info->size), "data_bytes", number(info->data_bytes), "given_sha256",
			 info->given_sha256, "sha256", info->sha256, "repeatable",
			 (int)info->repeatable);
}

static void note(struct tool *tool, const struct extent *extent)
{
	static const char *const names[] = {"data", "zero", "unused"};
	size_t count = json_array_size(tool->extents);
	json_t *last = count ? json_array_get(tool->extents, count - 1) : NULL, *length;

	if (last && strcmp(json_string_value(json_array_get(last, 0)), names[extent->kind]) == 0) {
		length = json_array_get(last, 2);
		json_integer_set(length, json_integer_value(length) + (json_int_t)extent->length);
		return;
	}
	json_array_append_new(tool->extents,
			      json_pack("[sII]", names[extent->kind], (json_int_t)extent->offset,
					(json_int_t)extent->length));
}

static int copy_data(struct tool *tool, struct image *image, uint64_t at, struct err *err)
{
	size_t got;
	int rc;

	while ((rc = image_read(image, tool->buffer, BUFFER, &got, err)) == 0 && got > 0 &&
	       at < tool->stop_at) {
		if (tool->fd >= 0 && pwrite(tool->fd, tool->buffer, got, (off_t)at) != (ssize_t)got)
			return err_errno(err, ERR_HOST, "writing");
		at += got;
	}
	return rc;
}

static int read_image(struct tool *tool, struct image *image, struct err *err)
{
	struct extent extent;
	bool more;
	int rc;

	while ((rc = image_next(image, &extent, &more, err)) == 0 && more &&
	       extent.offset < tool->stop_at) {
		note(tool, &extent);
		if (extent.kind == EXTENT_DATA)
			rc = copy_data(tool, image, extent.offset, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* getrusage() would count the process that started this one. */
static json_int_t peak_kib(void)
{
	_cleanup_(buf_free) struct buf status = {0};
	struct err err;
	const char *line;

	if (path_read("/proc/self/status", BUF_MAX_DEFAULT, &status, &err) < 0)
		return 0;
	line = strstr(buf_text(&status), "VmHWM:");
	return line ? strtoll(line + strlen("VmHWM:"), NULL, 10) : 0;
}

static int show(struct tool *tool, const char *ref, struct err *err)
{
	_cleanup_(image_closep) struct image *image = NULL;
	json_t *result, *before;
	int rc = image_open(&image, ref, &tool->options, DEADLINE_NEVER, err);

	if (rc < 0)
		return rc;
	before = describe(image_info(image));
	rc = read_image(tool, image, err);
	result = json_pack("{so so sO sI}", "before", before, "after", describe(image_info(image)),
			   "extents", tool->extents, "peak_kib", peak_kib());
	if (rc == 0)
		json_dumpf(result, stdout, 0);
	json_decref(result);
	return rc;
}

/* As JSON: [bytes, done, writes] of each. */
static int write_pieces(struct tool *tool, struct sparse_out *out, json_t *list, struct err *err)
{
	struct sparse_piece piece;
	bool more;
	int rc;

	while ((rc = sparse_out_next(out, &piece, &more, err)) == 0 && more) {
		_cleanup_(freep) char *path =
			xasprintf("%s/%03zu", tool->sparse, json_array_size(list));
		_cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0 || write(fd, piece.bytes, piece.size) != (ssize_t)piece.size)
			return err_errno(err, ERR_HOST, "%s", path);
		json_array_append_new(list,
				      json_pack("[III]", (json_int_t)piece.size,
						(json_int_t)piece.done, (json_int_t)piece.writes));
	}
	return rc;
}

static int show_sparse(struct tool *tool, const char *ref, struct err *err)
{
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(sparse_out_freep) struct sparse_out *out = NULL;
	struct sparse_out_options options = {.erased = tool->erased ? UINT64_MAX : 0,
					     .size = IMAGE_SIZE_UNKNOWN};
	json_t *pieces = json_array();
	uint64_t limit = 0;
	int rc = image_open(&image, ref, &tool->options, DEADLINE_NEVER, err);

	if (rc < 0)
		return rc;
	if (!tool->limit || !text_u64(tool->limit, UINT32_MAX, &limit))
		return err_set(err, ERR_USAGE, "--limit wants bytes");
	options.limit = (uint32_t)limit;
	if (!tool->size)
		options.size = image_info(image)->size;
	out = sparse_out_new(image, &options);
	rc = write_pieces(tool, out, pieces, err);
	if (rc == 0)
		json_dumpf(pieces, stdout, 0);
	json_decref(pieces);
	return rc;
}

static int encode(const char *name, struct err *err)
{
	char bytes[50000];
	struct encoder *encoder;
	ssize_t n;
	int rc = encoder_open(&encoder, name, STDOUT_FILENO, err);

	while (rc == 0 && (n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		rc = encoder_write(encoder, bytes, (size_t)n, err);
	if (rc == 0)
		rc = encoder_finish(encoder, err);
	encoder_free(encoder);
	return rc;
}

static int run(struct tool *tool, int argc, char **argv, struct err *err)
{
	const struct {
		const char *name;
		const char **place;
	} rows[] = {{"--sha256", &tool->options.sha256},
		    {"--bmap", &tool->options.bmap},
		    {"--out", &tool->out},
		    {"--stop", &tool->stop},
		    {"--sparse", &tool->sparse},
		    {"--limit", &tool->limit},
		    {"--erased", &tool->erased},
		    {"--size", &tool->size}};
	size_t k;
	int i;

	if (argc == 3 && strcmp(argv[1], "--encode") == 0)
		return encode(argv[2], err);
	if (argc < 2)
		return err_set(err, ERR_USAGE, "usage: image-tool REF [OPTIONS]");
	for (i = 2; i + 1 < argc; i += 2)
		for (k = 0; k < ARRAY_SIZE(rows); k++)
			if (strcmp(rows[k].name, argv[i]) == 0)
				*rows[k].place = argv[i + 1];
	tool->stop_at = UINT64_MAX;
	if (tool->stop && !text_u64(tool->stop, INT64_MAX, &tool->stop_at))
		return err_set(err, ERR_USAGE, "--stop wants bytes");
	if (tool->out) {
		tool->fd = open(tool->out, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (tool->fd < 0)
			return err_errno(err, ERR_HOST, "%s", tool->out);
	}
	return tool->sparse ? show_sparse(tool, argv[1], err) : show(tool, argv[1], err);
}

int main(int argc, char **argv)
{
	struct tool tool = {.fd = -1, .extents = json_array(), .buffer = xmalloc(BUFFER)};
	struct err err = {0};
	int rc = run(&tool, argc, argv, &err);

	if (rc < 0)
		fprintf(stderr, "%s: %s\n%s\n", err_kind_name(err.kind), err.text, err.remedy);
	closep(&tool.fd);
	json_decref(tool.extents);
	free(tool.buffer);
	return rc < 0 ? err_exit_status(err.kind) : 0;
}
