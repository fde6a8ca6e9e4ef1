// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "serve/tftp_internal.h"

#define NAME_MAX_BYTES 100

void tftp_file_free(struct tftp_file *file)
{
	if (!file)
		return;
	closep(&file->fd);
	free(file->data);
	free(file->name);
	free(file);
}

static void tftp_file_freep(struct tftp_file **file)
{
	tftp_file_free(*file);
}

static const char *plain_name(const char *name)
{
	for (;;) {
		if (name[0] == '/')
			name++;
		else if (name[0] == '.' && name[1] == '/')
			name += 2;
		else
			return name;
	}
}

static struct tftp_file *find_locked(struct tftp_server *server, const char *name)
{
	struct tftp_file *file;

	for (file = server->files; file; file = file->next)
		if (text_equal(file->name, name))
			return file;
	return NULL;
}

struct tftp_file *tftp_file_find(struct tftp_server *server, const char *name)
{
	struct tftp_file *file;

	pthread_mutex_lock(&server->lock);
	file = find_locked(server, plain_name(name));
	pthread_mutex_unlock(&server->lock);
	return file;
}

int tftp_file_read(void *context, uint64_t offset, void *data, size_t size, struct err *err)
{
	const struct tftp_file *file = context;
	size_t done = 0;
	ssize_t got;

	if (file->fd < 0) {
		memcpy(data, (const char *)file->data + offset, size);
		return 0;
	}
	while (done < size) {
		got = pread(file->fd, (char *)data + done, size - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, ERR_HOST, "reading %s", file->name);
		if (got == 0)
			return err_set(err, ERR_HOST, "%s has become shorter", file->name);
		done += (size_t)got;
	}
	return 0;
}

static int stage(struct tftp_server *server, const char *name, struct tftp_file **file,
		 struct err *err)
{
	bool taken;

	if (!path_is_confined(name) || plain_name(name) != name || strlen(name) > NAME_MAX_BYTES)
		return err_set(err, ERR_INTERNAL, "\"%s\" cannot be a name of a TFTP file", name);
	(*file)->name = xstrdup(name);
	(*file)->progress.size = (*file)->size;
	pthread_mutex_lock(&server->lock);
	taken = find_locked(server, name) != NULL;
	if (!taken) {
		(*file)->next = server->files;
		server->files = steal(*file);
	}
	pthread_mutex_unlock(&server->lock);
	if (taken)
		return err_set(err, ERR_INTERNAL, "\"%s\" is staged for TFTP already", name);
	return 0;
}

int tftp_server_add_file(struct tftp_server *server, const char *name, const char *path,
			 struct err *err)
{
	_cleanup_(tftp_file_freep) struct tftp_file *file = xcalloc(1, sizeof(*file));
	struct stat status;

	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_HOST, "%s", path);
	if (fstat(file->fd, &status) < 0)
		return err_errno(err, ERR_HOST, "%s", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_HOST, "%s is not a file", path);
	file->size = (uint64_t)status.st_size;
	return stage(server, name, &file, err);
}

int tftp_server_add_data(struct tftp_server *server, const char *name, const void *data,
			 size_t size, struct err *err)
{
	_cleanup_(tftp_file_freep) struct tftp_file *file = xcalloc(1, sizeof(*file));

	file->fd = -1;
	file->data = xmemdup(data, size);
	file->size = size;
	return stage(server, name, &file, err);
}

void tftp_server_progress(struct tftp_server *server, const char *name,
			  struct tftp_progress *progress)
{
	struct tftp_file *file;

	*progress = (struct tftp_progress){0};
	pthread_mutex_lock(&server->lock);
	file = find_locked(server, name);
	if (file)
		*progress = file->progress;
	pthread_mutex_unlock(&server->lock);
}
