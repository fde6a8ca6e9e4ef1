// SPDX-License-Identifier: MIT
#include "image/image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "image/pipeline.h"
#include "image/readahead.h"

#define SCAN_BUFFER ((size_t)256 << 10)

static const struct image_options no_options;

static int normal_digest(const char *text, char sha256[SHA256_TEXT])
{
	uint8_t bytes[SHA256_SIZE];

	if (strlen(text) != SHA256_TEXT - 1 || !text_bytes(text, bytes, sizeof(bytes)))
		return -ERR_USAGE;
	text_of_bytes(bytes, sizeof(bytes), sha256);
	return 0;
}

int image_read_checksum_file(const char *path, char sha256[SHA256_TEXT], struct err *err)
{
	_cleanup_(buf_free) struct buf text = {0};
	int rc = path_read(path, BUF_MAX_DEFAULT, &text, err);
	char word[SHA256_TEXT] = "";
	const char *start;
	size_t length;

	if (rc < 0)
		return rc;
	start = buf_text(&text) + strspn(buf_text(&text), " \t\r\n");
	length = strcspn(start, " \t\r\n");
	if (length == SHA256_TEXT - 1)
		memcpy(word, start, length);
	if (normal_digest(word, sha256) < 0)
		return err_set(err, ERR_CONFIG, "%s: the first word is not a SHA-256 of 64 digits",
			       path);
	return 0;
}

/* --os-image-checksum, or IMAGE.sha256 beside a local image. */
static int expect_digest(struct image *image, const char *ref, const struct image_options *options,
			 struct err *err)
{
	_cleanup_(freep) char *sidecar = NULL;

	if (options->sha256) {
		if (normal_digest(options->sha256, image->given.expected) < 0)
			return err_set(err, ERR_USAGE, "\"%s\" is not a SHA-256 of 64 digits",
				       options->sha256);
		return 0;
	}
	if (!source_is_path(ref))
		return 0;
	sidecar = xasprintf("%s.sha256", ref);
	if (access(sidecar, F_OK) < 0)
		return 0;
	image->given.of = "image as given (the expected one is in the .sha256 beside it)";
	return image_read_checksum_file(sidecar, image->given.expected, err);
}

/* One descriptor that says stop, for the caller's cancel and for image_close(). */
static int watch(struct image *image, struct deadline deadline, struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN};

	image->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	image->watch_fd = epoll_create1(EPOLL_CLOEXEC);
	if (image->stop_fd < 0 || image->watch_fd < 0)
		return err_errno(err, ERR_HOST, "no descriptors left");
	image->deadline = (struct deadline){deadline.at_ms, image->watch_fd};
	if (epoll_ctl(image->watch_fd, EPOLL_CTL_ADD, image->stop_fd, &event) < 0)
		return err_errno(err, ERR_INTERNAL, "epoll");
	if (deadline.cancel_fd >= 0 &&
	    epoll_ctl(image->watch_fd, EPOLL_CTL_ADD, deadline.cancel_fd, &event) < 0)
		return err_errno(err, ERR_INTERNAL, "epoll");
	return 0;
}

static int stream_read(struct reader *reader, void *data, size_t size, size_t *got,
		       struct err *err);

/* Closing the stream leaves the image, which its caller closes. */
static void stream_close(struct reader *reader)
{
	(void)reader;
}

static struct image *image_new(void)
{
	struct image *image = xcalloc(1, sizeof(*image));

	image->stop_fd = image->watch_fd = -1;
	image->source.fd = -1;
	image->stream = (struct reader){.read = stream_read, .close = stream_close};
	tally_init(&image->given, "image as given");
	tally_init(&image->decoded, "decoded image");
	image->info.codec = "none";
	image->info.layout = "raw";
	image->info.given_size = IMAGE_SIZE_UNKNOWN;
	image->info.size = IMAGE_SIZE_UNKNOWN;
	image->info.data_bytes = IMAGE_SIZE_UNKNOWN;
	return image;
}

static int open_all(struct image *image, const char *ref, const struct image_options *options,
		    struct deadline deadline, struct err *err)
{
	int rc = watch(image, deadline, err);

	if (rc == 0)
		rc = source_open(&image->source, ref, options, image->deadline, err);
	if (rc == 0)
		rc = expect_digest(image, ref, options, err);
	if (rc == 0)
		rc = pipeline_build(image, ref, options, err);
	return rc;
}

/* Says which image it is about; an error of the HTTP client has the URL in it. */
static void name_it(const struct image *image, struct err *err)
{
	if (err && !text_starts(err->text, image->info.ref))
		err_prefix(err, "%s", image->info.ref);
}

int image_open(struct image **image, const char *ref, const struct image_options *options,
	       struct deadline deadline, struct err *err)
{
	_cleanup_(image_closep) struct image *opened = image_new();
	int rc;

	opened->info.ref = source_name(ref);
	rc = open_all(opened, ref, options ? options : &no_options, deadline, err);
	if (rc < 0) {
		name_it(opened, err);
		return rc;
	}
	opened->info.given_size = opened->source.size;
	opened->info.repeatable = opened->source.repeatable;
	*image = steal(opened);
	return 0;
}

const struct image_info *image_info(const struct image *image)
{
	return &image->info;
}

/* Fails now, and again when asked again. */
static int failed(struct image *image, const struct err *failure, struct err *err)
{
	if (image->failure.kind == ERR_NONE) {
		image->failure = *failure;
		name_it(image, &image->failure);
	}
	if (err)
		*err = image->failure;
	return -(int)image->failure.kind;
}

static int start(struct image *image, struct err *err)
{
	size_t i;
	int rc;

	if (image->failure.kind != ERR_NONE)
		return failed(image, &image->failure, err);
	if (image->started)
		return 0;
	image->started = true;
	for (i = 0; i < image->queue_count; i++) {
		rc = readahead_start(image->queues[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* All threads are past their ends: the tallies are ours. */
static int conclude(struct image *image, struct err *err)
{
	struct tally *decoded = image->same ? &image->given : &image->decoded;
	struct image_info *info = &image->info;
	uint64_t announced = info->size;

	image->ended = true;
	info->given_size = atomic_load(&image->given.bytes);
	tally_text(&image->given, info->given_sha256);
	info->size = atomic_load(&decoded->bytes);
	tally_text(decoded, info->sha256);
	info->data_bytes = decoded->data_bytes;
	if (announced == IMAGE_SIZE_UNKNOWN || announced == info->size)
		return 0;
	return err_set(err, ERR_IMAGE, "it has %llu bytes, but says it has %llu",
		       (unsigned long long)info->size, (unsigned long long)announced);
}

static int skip_data(struct image *image, struct err *err)
{
	uint8_t buffer[16 << 10];
	size_t got = 1;
	int rc = 0;

	while (rc == 0 && got > 0)
		rc = image->layout->read(image->layout, buffer, sizeof(buffer), &got, err);
	return rc;
}

int image_next(struct image *image, struct extent *extent, bool *more, struct err *err)
{
	struct err failure = {0};
	int rc;

	*more = false;
	if (image->ended && image->failure.kind == ERR_NONE)
		return 0;
	rc = start(image, &failure);
	if (rc == 0)
		rc = skip_data(image, &failure);
	if (rc == 0)
		rc = image->layout->next(image->layout, extent, more, &failure);
	if (rc == 0 && !*more)
		rc = conclude(image, &failure);
	return rc < 0 ? failed(image, &failure, err) : 0;
}

int image_read(struct image *image, void *data, size_t size, size_t *got, struct err *err)
{
	struct err failure = {0};
	int rc;

	*got = 0;
	if (image->ended)
		return 0;
	rc = start(image, &failure);
	if (rc == 0)
		rc = image->layout->read(image->layout, data, size, got, &failure);
	return rc < 0 ? failed(image, &failure, err) : 0;
}

static int stream_zeros(struct image *image, void *data, size_t size, size_t *got)
{
	*got = image->stream_left < size ? (size_t)image->stream_left : size;
	memset(data, 0, *got);
	image->stream_left -= *got;
	return 0;
}

static int stream_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct image *image = container_of(reader, struct image, stream);
	bool more = true;
	int rc = 0;

	while (more) {
		if (image->stream_left > 0)
			return stream_zeros(image, data, size, got);
		rc = image_read(image, data, size, got, err);
		if (rc < 0 || *got > 0)
			return rc;
		rc = image_next(image, &image->extent, &more, err);
		if (rc < 0)
			return rc;
		if (more && image->extent.kind != EXTENT_DATA)
			image->stream_left = image->extent.length;
	}
	return 0;
}

struct reader *image_stream(struct image *image)
{
	return &image->stream;
}

int image_scan(struct image *image, void (*progress)(void *context, uint64_t given_done),
	       void *context, struct err *err)
{
	_cleanup_(freep) uint8_t *buffer = xmalloc(SCAN_BUFFER);
	struct extent extent;
	bool more = true;
	size_t got;
	int rc = 0;

	while (rc == 0 && more) {
		rc = image_next(image, &extent, &more, err);
		for (got = more; rc == 0 && got > 0;) {
			rc = image_read(image, buffer, SCAN_BUFFER, &got, err);
			if (rc == 0 && progress)
				progress(context, atomic_load(&image->given.bytes));
		}
	}
	return rc;
}

void image_close(struct image *image)
{
	uint64_t one = 1;

	if (!image)
		return;
	if (image->stop_fd >= 0 && write(image->stop_fd, &one, sizeof(one)) < 0)
		abort();
	layout_closep(&image->layout);
	source_done(&image->source);
	closep(&image->stop_fd);
	closep(&image->watch_fd);
	tally_done(&image->given);
	tally_done(&image->decoded);
	free(image->info.ref);
	free(image);
}

void image_closep(struct image **image)
{
	image_close(*image);
	*image = NULL;
}
