// SPDX-License-Identifier: MIT
/*
 * Files as this layer moves them: read as a stream, hashed, linked or copied.
 */
#ifndef ABOARD_BUNDLE_FILE_H
#define ABOARD_BUNDLE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/reader.h"

/* A reader of a file from byte `offset` on. */
int file_reader(struct reader **reader, const char *path, uint64_t offset, struct err *err);

/* All bytes of an open file from where it stands: their number and digest ("sha256:..." when
   `algorithm` is "sha256"). */
int file_digest(int fd, const char *algorithm, uint64_t *size, char digest[136], struct err *err);
int file_digest_path(const char *path, uint64_t *size, char digest[136], struct err *err);

/* Writes all of it, or fails with errno. */
int file_write(int fd, const void *data, size_t size);

/* Copies into a new file (mode 0444). */
int file_copy(const char *from, const char *to, struct err *err);

/* Makes `to` (which must not be there) the same file as `from`: a hard link, or a copy where the
   file system has none. Folders on the way are made. */
int file_link(const char *from, const char *to, struct err *err);

/* The names in a folder but "." and "..", in order, with how many there are; owned by the caller.
 */
struct file_names {
	char **names;
	size_t count;
};
int file_list(struct file_names *list, const char *folder, struct err *err);
void file_names_free(struct file_names *list);

#endif
