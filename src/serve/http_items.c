// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "serve/http_internal.h"

#define TOKEN_BYTES 16

void http_item_free(struct http_item *item)
{
	reader_closep(&item->reader);
	closep(&item->fd);
	free(item->data);
	free(item->path);
	free(item->url);
	free(item);
}

static void item_freep(struct http_item **item)
{
	if (*item)
		http_item_free(*item);
}

struct http_item *http_item_find(struct http_server *server, const char *path)
{
	struct http_item *item, *found = NULL;
	size_t length = strlen(path);

	pthread_mutex_lock(&server->lock);
	for (item = server->items; item; item = item->next)
		if (!item->removed && strlen(item->path) == length &&
		    CRYPTO_memcmp(item->path, path, length) == 0)
			found = item;
	pthread_mutex_unlock(&server->lock);
	return found;
}

/* RFC 3986: what is not unreserved is written as %XX. */
static char *encode(const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~/";
	struct buf out = {0};

	for (; *text; text++) {
		if (strchr(plain, *text))
			buf_add_char(&out, *text);
		else
			buf_addf(&out, "%%%02X", (unsigned char)*text);
	}
	return buf_steal(&out);
}

/* Puts the item on the list, under a path nobody can guess; *path is its address. */
static int add(struct http_server *server, const char *name, struct http_item **item, char **path,
	       struct err *err)
{
	char token[2 * TOKEN_BYTES + 1];

	if (!path_is_confined(name) || strchr(name, '/'))
		return err_set(err, ERR_INTERNAL, "\"%s\" cannot be a name of an HTTP file", name);
	random_token(TOKEN_BYTES, token);
	(*item)->path = xasprintf("/%s/%s", token, name);
	(*item)->url = encode((*item)->path);
	*path = xstrdup((*item)->url);
	pthread_mutex_lock(&server->lock);
	(*item)->next = server->items;
	server->items = steal(*item);
	pthread_mutex_unlock(&server->lock);
	return 0;
}

static struct http_item *new_item(void)
{
	struct http_item *item = xcalloc(1, sizeof(*item));

	item->fd = -1;
	item->giving = -1;
	return item;
}

int http_server_add_file(struct http_server *server, const char *name, const char *file_path,
			 char **path, struct err *err)
{
	_cleanup_(item_freep) struct http_item *item = new_item();
	struct stat status;

	item->fd = open(file_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (item->fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_HOST, "%s", file_path);
	if (fstat(item->fd, &status) < 0)
		return err_errno(err, ERR_HOST, "%s", file_path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_HOST, "%s is not a file", file_path);
	item->size = (uint64_t)status.st_size;
	snprintf(item->etag, sizeof(item->etag), "\"%llx-%llx-%llx%08lx\"",
		 (unsigned long long)status.st_ino, (unsigned long long)item->size,
		 (unsigned long long)status.st_mtim.tv_sec, (unsigned long)status.st_mtim.tv_nsec);
	return add(server, name, &item, path, err);
}

int http_server_add_data(struct http_server *server, const char *name, const void *data,
			 size_t size, char **path, struct err *err)
{
	_cleanup_(item_freep) struct http_item *item = new_item();
	char digest[SHA256_TEXT];

	item->data = xmemdup(data, size);
	item->size = size;
	sha256_text(data, size, digest);
	snprintf(item->etag, sizeof(item->etag), "\"%s\"", digest);
	return add(server, name, &item, path, err);
}

int http_server_add_stream(struct http_server *server, const char *name, struct reader *reader,
			   uint64_t size, char **path, struct err *err)
{
	_cleanup_(item_freep) struct http_item *item = new_item();

	item->stream = true;
	item->reader = reader;
	item->size = size;
	return add(server, name, &item, path, err);
}

void http_server_progress(struct http_server *server, const char *path,
			  struct http_progress *progress)
{
	struct http_item *item;

	*progress = (struct http_progress){0};
	pthread_mutex_lock(&server->lock);
	for (item = server->items; item; item = item->next)
		if (text_equal(item->url, path))
			*progress = item->progress;
	pthread_mutex_unlock(&server->lock);
}

/* The server's thread may be in the middle of the stream: its connection is shut, and the thread
   comes back to say so. */
static void end_stream(struct http_server *server, struct http_item *item)
{
	item->taken = true;
	while (item->giving >= 0) {
		shutdown(item->giving, SHUT_RDWR);
		pthread_cond_wait(&server->given, &server->lock);
	}
	reader_closep(&item->reader);
}

void http_server_remove(struct http_server *server, const char *path)
{
	struct http_item *item;

	pthread_mutex_lock(&server->lock);
	for (item = server->items; item; item = item->next) {
		if (!text_equal(item->url, path))
			continue;
		item->removed = true;
		end_stream(server, item);
	}
	pthread_mutex_unlock(&server->lock);
}
