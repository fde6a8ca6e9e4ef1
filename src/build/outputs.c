// SPDX-License-Identifier: MIT
#include "build/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "bundle/file.h"

static int check_place(const struct outputs *outputs, const char *path, struct err *err)
{
	struct stat st;
	size_t i;

	for (i = 0; i < outputs->count; i++)
		if (strcmp(outputs->items[i].path, path) == 0)
			return err_set(err, ERR_CONFIG, "%s is named for two outputs", path);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "%s is there and is not a file", path);
	return 0;
}

/* Adds the output and opens its staged file. */
static int open_staged(struct outputs *outputs, const char *path, struct err *err)
{
	_cleanup_(freep) char *staged = xasprintf("%s.XXXXXX", path);
	int rc = check_place(outputs, path, err), fd;

	if (rc < 0)
		return rc;
	fd = mkostemp(staged, O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, ERR_HOST, "cannot write %s", path);
	outputs->items = xrealloc(outputs->items, outputs->count + 1, sizeof(*outputs->items));
	outputs->items[outputs->count++] =
		(struct output){.path = xstrdup(path), .staged = steal(staged)};
	return fd;
}

static int copy_all(int to, const char *source, struct err *err)
{
	_cleanup_(closep) int from = open(source, O_RDONLY | O_CLOEXEC);
	char piece[65536];
	ssize_t got = -1;

	if (from < 0)
		return err_errno(err, ERR_NOT_FOUND, "cannot open %s", source);
	while ((got = read(from, piece, sizeof(piece))) > 0)
		if (file_write(to, piece, (size_t)got) < 0)
			return err_errno(err, ERR_HOST, "cannot write a copy of %s", source);
	return got < 0 ? err_errno(err, ERR_HOST, "cannot read %s", source) : 0;
}

int outputs_stage(struct outputs *outputs, const char *path, struct err *err)
{
	_cleanup_(closep) int fd = open_staged(outputs, path, err);

	return fd < 0 ? fd : 0;
}

int outputs_add_before(struct outputs *outputs, const char *path, const void *data, size_t size,
		       const char *source, struct err *err)
{
	_cleanup_(closep) int fd = open_staged(outputs, path, err);
	int rc = 0;

	if (fd < 0)
		return fd;
	if (file_write(fd, data, size) < 0)
		return err_errno(err, ERR_HOST, "cannot write %s", path);
	if (source)
		rc = copy_all(fd, source, err);
	if (rc == 0 && fsync(fd) < 0)
		return err_errno(err, ERR_HOST, "cannot write %s", path);
	return rc;
}

int outputs_add(struct outputs *outputs, const char *path, const void *data, size_t size,
		struct err *err)
{
	return outputs_add_before(outputs, path, data, size, NULL, err);
}

int outputs_folder(struct outputs *outputs, const char *path, struct err *err)
{
	if (mkdir(path, 0755) < 0) {
		if (errno == EEXIST)
			return 0;
		return err_errno(err, ERR_HOST, "cannot make the folder %s", path);
	}
	outputs->folders =
		xrealloc(outputs->folders, outputs->folder_count + 1, sizeof(*outputs->folders));
	outputs->folders[outputs->folder_count++] = xstrdup(path);
	return 0;
}

static void take_back(struct outputs *outputs)
{
	size_t i;

	for (i = 0; i < outputs->count; i++)
		if (outputs->items[i].in_place)
			unlink(outputs->items[i].path);
}

int outputs_commit(struct outputs *outputs, struct err *err)
{
	struct output *output;

	for (output = outputs->items; output < outputs->items + outputs->count; output++) {
		if (chmod(output->staged, 0644) < 0 || rename(output->staged, output->path) < 0) {
			err_errno(err, ERR_HOST, "cannot write %s", output->path);
			take_back(outputs);
			return -ERR_HOST;
		}
		output->in_place = true;
	}
	while (outputs->folder_count)
		free(outputs->folders[--outputs->folder_count]);
	return 0;
}

void outputs_free(struct outputs *outputs)
{
	struct output *output;

	for (output = outputs->items; output < outputs->items + outputs->count; output++) {
		if (!output->in_place)
			unlink(output->staged);
		free(output->path);
		free(output->staged);
	}
	while (outputs->folder_count) {
		rmdir(outputs->folders[--outputs->folder_count]);
		free(outputs->folders[outputs->folder_count]);
	}
	free(outputs->folders);
	free(outputs->items);
	*outputs = (struct outputs){0};
}
