// SPDX-License-Identifier: MIT
#include "image/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

struct fd_reader {
	struct reader reader;
	int fd;     /* borrowed */
	bool waits; /* a pipe or a terminal */
	struct deadline deadline;
};

static int wait_for_input(const struct fd_reader *input, struct err *err)
{
	struct pollfd fd = {.fd = input->fd, .events = POLLIN};
	int rc;

	if (!input->waits)
		return deadline_check(input->deadline, err);
	rc = deadline_poll(&fd, 1, input->deadline, err);
	return rc < 0 ? err_prefix(err, "waiting for more of the image") : 0;
}

static int fd_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct fd_reader *input = container_of(reader, struct fd_reader, reader);
	ssize_t n;
	int rc;

	do {
		rc = wait_for_input(input, err);
		if (rc < 0)
			return rc;
		n = read(input->fd, data, size);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0)
		return err_errno(err, ERR_HOST, "reading");
	*got = (size_t)n;
	return 0;
}

static void fd_close(struct reader *reader)
{
	free(container_of(reader, struct fd_reader, reader));
}

static struct reader *fd_reader(const struct source *source, struct deadline deadline)
{
	struct fd_reader *input = xcalloc(1, sizeof(*input));

	input->reader = (struct reader){.read = fd_read, .close = fd_close};
	input->fd = source->fd;
	input->waits = !source->local;
	input->deadline = deadline;
	return &input->reader;
}

/* What the descriptor is, and how long. */
static int look_at(struct source *source, struct err *err)
{
	struct stat st;
	off_t end;

	if (fstat(source->fd, &st) < 0)
		return err_errno(err, ERR_HOST, "cannot look at it");
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_IMAGE, "it is a folder, not an image");
	if (S_ISCHR(st.st_mode) && source->fd != STDIN_FILENO)
		return err_set(err, ERR_IMAGE, "it is a character device, not an image");
	source->local = S_ISREG(st.st_mode) || S_ISBLK(st.st_mode);
	if (!source->local)
		return 0;
	end = lseek(source->fd, 0, SEEK_END);
	if (end < 0 || lseek(source->fd, 0, SEEK_SET) < 0)
		return err_errno(err, ERR_HOST, "cannot find out its size");
	source->size = (uint64_t)end;
	source->repeatable = true;
	return 0;
}

static int open_path(struct source *source, const char *ref, const struct image_options *options,
		     struct deadline deadline, struct err *err)
{
	int rc;

	(void)options;
	source->fd = open(ref, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (source->fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_HOST, "cannot open it");
	rc = look_at(source, err);
	if (rc < 0)
		return rc;
	posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	source->reader = fd_reader(source, deadline);
	return 0;
}

/* Read as the stream it is, from where it stands, even when it is a file: what was read before us
   is not ours. */
static int open_stdin(struct source *source, const char *ref, const struct image_options *options,
		      struct deadline deadline, struct err *err)
{
	(void)ref;
	(void)options;
	(void)err;
	source->fd = STDIN_FILENO;
	source->reader = fd_reader(source, deadline);
	return 0;
}

static int open_http(struct source *source, const char *ref, const struct image_options *options,
		     struct deadline deadline, struct err *err)
{
	struct http_download info;
	int rc = http_open(&source->reader, ref, &options->http, &info, deadline, err);

	if (rc < 0)
		return rc;
	source->size = info.size;
	source->repeatable = true;
	return 0;
}

static int open_foreign(struct source *source, const char *ref, const struct image_options *options,
			struct deadline deadline, struct err *err)
{
	if (!options->open_ref)
		return err_set(err, ERR_USAGE, "images of this scheme are not known here");
	source->repeatable = true;
	return options->open_ref(options->open_ref_context, &source->reader, ref, &options->http,
				 &source->size, deadline, err);
}

bool source_is_path(const char *ref)
{
	size_t scheme = strspn(ref, "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

	return !text_equal(ref, "-") && (scheme == 0 || !text_starts(ref + scheme, "://"));
}

char *source_name(const char *ref)
{
	if (text_equal(ref, "-"))
		return xstrdup("standard input");
	return source_is_path(ref) ? xstrdup(ref) : http_display_url(ref);
}

/* The rest is known by its scheme. */
static const struct {
	const char *start;
	int (*open)(struct source *, const char *, const struct image_options *, struct deadline,
		    struct err *);
} schemes[] = {
	{"-", open_stdin},
	{"http://", open_http},
	{"https://", open_http},
	{"", open_foreign},
};

int source_open(struct source *source, const char *ref, const struct image_options *options,
		struct deadline deadline, struct err *err)
{
	size_t i;

	*source = (struct source){.fd = -1, .size = IMAGE_SIZE_UNKNOWN};
	if (source_is_path(ref))
		return open_path(source, ref, options, deadline, err);
	for (i = 0; !text_starts(ref, schemes[i].start); i++)
		;
	return schemes[i].open(source, ref, options, deadline, err);
}

void source_done(struct source *source)
{
	reader_closep(&source->reader);
	if (source->fd > STDIN_FILENO)
		close(source->fd);
}
