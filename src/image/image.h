// SPDX-License-Identifier: MIT
/*
 * Any image, from anywhere, compressed or not. An image is a sorted list of extents: data, zeros
 * (must read back as zero) and unused (may hold anything). A plain stream is the special case of
 * one data extent. Reading is a pipeline of threads joined by bounded queues: source, digest,
 * decoder, layout; its memory has a ceiling (IMAGE_MEMORY_MAX plus the decoder's own window).
 */
#ifndef ABOARD_IMAGE_IMAGE_H
#define ABOARD_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/reader.h"
#include "io/http.h"

#define IMAGE_MEMORY_MAX   ((uint64_t)64 << 20)
#define IMAGE_SIZE_UNKNOWN UINT64_MAX

enum extent_kind {
	EXTENT_DATA,   /* has bytes of its own */
	EXTENT_ZERO,   /* reads as zeros and must read back as zeros */
	EXTENT_UNUSED, /* may hold anything; reads as zeros here */
};

struct extent {
	enum extent_kind kind;
	uint64_t offset; /* bytes from the start of the decoded image */
	uint64_t length; /* bytes, > 0 */
};

struct image_options {
	struct http_options http; /* for http(s):// and oci:// */
	const char *sha256; /* expected digest of the stream as given; 64 digits; NULL: none */
	const char *bmap; /* path of a bmap; NULL: IMAGE.bmap beside a local image is used if it is
			     there */
	/* Opens SCHEME://... of a layer above (oci://); NULL: such a ref is ERR_USAGE. Waiting,
	   also in the reader it returns, ends with the deadline. *size may be left alone. */
	int (*open_ref)(void *context, struct reader **reader, const char *ref,
			const struct http_options *http, uint64_t *size, struct deadline deadline,
			struct err *err);
	void *open_ref_context;
};

/* What can be known. Fields that are not known yet are IMAGE_SIZE_UNKNOWN or empty; all are known
   when the image was read to its end. */
struct image_info {
	char *ref;           /* as the user gave it, without credentials and query; "standard input"
				for "-"; owned by the image */
	const char *codec;   /* "none", "gzip", "xz", "zstd", "bzip2", "lz4" */
	const char *layout;  /* "raw", "android-sparse" */
	uint64_t given_size; /* bytes of the stream as given */
	uint64_t size;       /* bytes of the decoded, expanded image: what is written */
	char given_sha256[SHA256_TEXT];
	char sha256[SHA256_TEXT]; /* of the decoded, expanded image, holes as zeros */
	uint64_t data_bytes;      /* sum of the data extents */
	bool repeatable;          /* can be opened again with the same bytes (a file; not stdin) */
};

struct image;

/* Opens "-" (standard input), a path, http://, https:// or oci://REF. Detects codec and layout from
   the content, never from the name, reads nothing beyond what that takes, and learns the size where
   the format tells (xz index of a local file, zstd and lz4 frame headers of a local file, raw file,
   sparse header, block map). The deadline holds for all that is read later, too. An empty image is
   an error. */
int image_open(struct image **image, const char *ref, const struct image_options *options,
	       struct deadline deadline, struct err *err);
const struct image_info *image_info(const struct image *image);

/* The next extent, in order; *more false at the end. The list is dense: extents touch and cover the
   image. Data must be read (or skipped by calling again) before the next extent is asked for. */
int image_next(struct image *image, struct extent *extent, bool *more, struct err *err);
/* Bytes of the current data extent; *got 0 at its end. */
int image_read(struct image *image, void *data, size_t size, size_t *got, struct err *err);

/* The whole decoded image as one stream, zeros and unused parts as zeros; takes the image's reading
   over (the image itself is still the caller's and must outlive it). At its end every digest
   (expected, sidecar, bmap ranges, the codec's own) has been checked: a mismatch, truncation or
   damage is an error of read() and never an end. */
struct reader *image_stream(struct image *image);

/* Stops the threads, closes the source. */
void image_close(struct image *image);
void image_closep(struct image **image);

/* Reads an image to its end, only to know and check it: info is complete afterwards. `progress` may
 * be NULL. */
int image_scan(struct image *image, void (*progress)(void *context, uint64_t given_done),
	       void *context, struct err *err);

/* The expected digest from a file: 64 hexadecimal digits as its first word. `sha256` receives it in
 * lower case. */
int image_read_checksum_file(const char *path, char sha256[SHA256_TEXT], struct err *err);

/* A writer that compresses by the suffix of a name (.gz .xz .zst .bz2 .lz4, else none), for dumps.
 */
struct encoder;
int encoder_open(struct encoder **encoder, const char *name, int fd,
		 struct err *err); /* fd is borrowed */
int encoder_write(struct encoder *encoder, const void *data, size_t size, struct err *err);
int encoder_finish(struct encoder *encoder,
		   struct err *err); /* flushes; must be called before free for a good file */
void encoder_free(struct encoder *encoder);

#endif
