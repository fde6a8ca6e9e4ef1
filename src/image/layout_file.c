// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "image/layout.h"

struct file_layout {
	struct layout layout;
	int fd;
	struct deadline deadline;
	uint64_t size, at;
	uint64_t data_start, data_end; /* the stretch of data at or after `at` */
	bool mapped;                   /* data_start and data_end are known */
};

/* Where the file system cannot tell holes, everything is data. */
static void find_data(struct file_layout *file)
{
	off_t start = lseek(file->fd, (off_t)file->at, SEEK_DATA), end;

	file->mapped = true;
	file->data_end = file->size;
	if (start < 0) {
		file->data_start = errno == ENXIO ? file->size : file->at;
		return;
	}
	file->data_start = (uint64_t)start < file->size ? (uint64_t)start : file->size;
	end = lseek(file->fd, start, SEEK_HOLE);
	if (end > start && (uint64_t)end < file->size)
		file->data_end = (uint64_t)end;
}

static int shorter(const struct file_layout *file, struct err *err)
{
	return err_set(err, ERR_IMAGE,
		       "the file became shorter than its %" PRIu64 " bytes while it was read",
		       file->size);
}

static int file_next(struct layout *layout, struct extent *extent, bool *more, struct err *err)
{
	struct file_layout *file = container_of(layout, struct file_layout, layout);
	int rc = deadline_check(file->deadline, err);

	if (rc < 0)
		return rc;
	/* What was cut off would look like a hole. */
	if (lseek(file->fd, 0, SEEK_END) < (off_t)file->size)
		return shorter(file, err);
	*more = file->at < file->size;
	if (!*more)
		return 0;
	if (!file->mapped || file->at == file->data_end)
		find_data(file);
	if (file->at == file->data_start) {
		*extent = (struct extent){EXTENT_DATA, file->at, file->data_end - file->at};
		return 0;
	}
	*extent = (struct extent){EXTENT_ZERO, file->at, file->data_start - file->at};
	if (extent->length > LAYOUT_PIECE)
		extent->length = LAYOUT_PIECE;
	file->at += extent->length;
	return 0;
}

static int file_read(struct layout *layout, void *data, size_t size, size_t *got, struct err *err)
{
	struct file_layout *file = container_of(layout, struct file_layout, layout);
	uint64_t left = file->data_end - file->at;
	ssize_t n;
	int rc;

	*got = 0;
	if (left == 0)
		return 0;
	rc = deadline_check(file->deadline, err);
	if (rc < 0)
		return rc;
	n = pread(file->fd, data, left < size ? (size_t)left : size, (off_t)file->at);
	if (n < 0)
		return err_errno(err, ERR_HOST, "reading");
	if (n == 0)
		return shorter(file, err);
	file->at += (uint64_t)n;
	*got = (size_t)n;
	return 0;
}

static void file_close(struct layout *layout)
{
	free(container_of(layout, struct file_layout, layout));
}

struct layout *layout_file(int fd, uint64_t size, struct deadline deadline)
{
	struct file_layout *file = xcalloc(1, sizeof(*file));

	file->layout = (struct layout){file_next, file_read, file_close};
	file->fd = fd;
	file->deadline = deadline;
	file->size = size;
	return &file->layout;
}
