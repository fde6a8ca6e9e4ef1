// SPDX-License-Identifier: MIT
/*
 * What the transports of io/stream.h share: the openers that the table of schemes names, and the
 * stream that is nothing but one non-blocking descriptor. For the files of src/io only.
 */
#ifndef ABOARD_IO_STREAM_KINDS_H
#define ABOARD_IO_STREAM_KINDS_H

#include "io/stream.h"

/* Each is given the part of the address behind its scheme; see stream_open(). */
int stream_open_tty(struct stream **stream, const char *path,
		    const struct stream_settings *settings, struct deadline deadline,
		    struct err *err);
int stream_open_tcp(struct stream **stream, const char *host_port,
		    const struct stream_settings *settings, struct deadline deadline,
		    struct err *err);
int stream_open_rfc2217(struct stream **stream, const char *host_port,
			const struct stream_settings *settings, struct deadline deadline,
			struct err *err);
int stream_open_unix(struct stream **stream, const char *path,
		     const struct stream_settings *settings, struct deadline deadline,
		     struct err *err);
int stream_open_pty(struct stream **stream, const char *path,
		    const struct stream_settings *settings, struct deadline deadline,
		    struct err *err);
int stream_open_exec(struct stream **stream, const char *words,
		     const struct stream_settings *settings, struct deadline deadline,
		     struct err *err);

/* The forms of those parts. */
int stream_check_host_port(const char *host_port, struct err *err);
int stream_check_path(const char *path, struct err *err);
int stream_check_unix(const char *path, struct err *err);
int stream_check_words(const char *words, struct err *err);

/* A TCP connection with keepalive, non-blocking; every address of the host is tried. The
   descriptor is the caller's. */
int tcp_connect(int *fd, const char *host_port, struct deadline deadline, struct err *err);

/* One descriptor as a stream. The ops below serve any struct that begins with it. */
struct fd_stream {
	struct stream stream;
	int fd;     /* owned, non-blocking */
	char *name; /* owned; for messages */
};

int fd_stream_read(struct stream *stream, void *data, size_t size, size_t *got,
		   struct deadline deadline, struct err *err);
int fd_stream_write(struct stream *stream, const void *data, size_t size, struct deadline deadline,
		    struct err *err);
void fd_stream_close(struct stream *stream);
int fd_stream_poll_fd(struct stream *stream);

/* The same on a bare descriptor. A peer that is gone is the end for fd_read() (*got == 0) and
   ERR_CONSOLE for fd_write(), which tells in *done how much went out. */
int fd_read(int fd, void *data, size_t size, size_t *got, struct deadline deadline,
	    struct err *err);
int fd_write(int fd, const void *data, size_t size, size_t *done, struct deadline deadline,
	     struct err *err);

/* Fills the common part. Takes `fd` over, copies `name`. */
void fd_stream_init(struct fd_stream *stream, const struct stream_ops *ops, int fd,
		    const char *name);

#endif
