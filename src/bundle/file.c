// SPDX-License-Identifier: MIT
#include "bundle/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"

#define PIECE ((size_t)128 << 10)

struct file_source {
	struct reader reader;
	int fd;
	char *path;
};

static int source_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct file_source *source = container_of(reader, struct file_source, reader);
	ssize_t step;

	do {
		step = read(source->fd, data, size);
	} while (step < 0 && errno == EINTR);
	*got = step > 0 ? (size_t)step : 0;
	return step < 0 ? err_errno(err, ERR_HOST, "cannot read %s", source->path) : 0;
}

static void source_close(struct reader *reader)
{
	struct file_source *source = container_of(reader, struct file_source, reader);

	close(source->fd);
	free(source->path);
	free(source);
}

static int open_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_HOST, "cannot open %s",
				 path);
	return fd;
}

int file_reader(struct reader **reader, const char *path, uint64_t offset, struct err *err)
{
	_cleanup_(closep) int fd = open_file(path, err);
	struct file_source *source;

	if (fd < 0)
		return fd;
	if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", path);
	source = xcalloc(1, sizeof(*source));
	source->reader = (struct reader){.read = source_read, .close = source_close};
	source->fd = steal_fd(&fd);
	source->path = xstrdup(path);
	*reader = &source->reader;
	return 0;
}

int file_digest(int fd, const char *algorithm, uint64_t *size, char digest[136], struct err *err)
{
	_cleanup_(digest_freep) struct digest *running = digest_new_named(algorithm);
	_cleanup_(freep) char *piece = xmalloc(PIECE);
	char hex[129];
	ssize_t got;

	if (!running)
		return err_set(err, ERR_INTERNAL, "no digest is named %s", algorithm);
	for (*size = 0; (got = read(fd, piece, PIECE)) != 0; *size += (uint64_t)got) {
		if (got < 0 && errno != EINTR)
			return err_errno(err, ERR_HOST, "cannot read");
		got = got < 0 ? 0 : got;
		digest_add(running, piece, (size_t)got);
	}
	digest_text(running, hex);
	snprintf(digest, 136, "%s:%s", algorithm, hex);
	return 0;
}

int file_digest_path(const char *path, uint64_t *size, char digest[136], struct err *err)
{
	_cleanup_(closep) int fd = open_file(path, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = file_digest(fd, "sha256", size, digest, err);
	return rc < 0 ? err_prefix(err, "%s", path) : 0;
}

int file_write(int fd, const void *data, size_t size)
{
	const char *at = data;
	ssize_t step;

	for (; size; at += step, size -= (size_t)step) {
		step = write(fd, at, size);
		if (step < 0 && errno == EINTR)
			step = 0;
		else if (step < 0)
			return -1;
	}
	return 0;
}

static int copy_bytes(struct reader *from, int to, const char *name, struct err *err)
{
	_cleanup_(freep) char *piece = xmalloc(PIECE);
	size_t got = 1;
	int rc;

	while (got) {
		rc = from->read(from, piece, PIECE, &got, err);
		if (rc < 0)
			return rc;
		if (file_write(to, piece, got) < 0)
			return err_errno(err, ERR_HOST, "cannot write %s", name);
	}
	return 0;
}

int file_copy(const char *from, const char *to, struct err *err)
{
	_cleanup_(reader_closep) struct reader *reader = NULL;
	_cleanup_(closep) int fd = -1;
	int rc = file_reader(&reader, from, 0, err);

	if (rc < 0)
		return rc;
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0)
		return err_errno(err, ERR_HOST, "cannot make %s", to);
	return copy_bytes(reader, fd, to, err);
}

int file_link(const char *from, const char *to, struct err *err)
{
	_cleanup_(freep) char *folder = path_folder(to);
	int rc = path_make_folder(folder, err);

	if (rc < 0)
		return rc;
	if (link(from, to) == 0)
		return 0;
	if (errno == EEXIST)
		return err_errno(err, ERR_HOST, "cannot make %s", to);
	return file_copy(from, to, err);
}

static int is_name(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

int file_list(struct file_names *list, const char *folder, struct err *err)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_name, alphasort), i;

	*list = (struct file_names){0};
	if (count < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_HOST, "cannot read %s",
				 folder);
	list->names = xcalloc((size_t)count + 1, sizeof(*list->names));
	for (i = 0; i < count; i++) {
		list->names[list->count++] = xstrdup(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

void file_names_free(struct file_names *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		free(list->names[i]);
	free(list->names);
	*list = (struct file_names){0};
}
