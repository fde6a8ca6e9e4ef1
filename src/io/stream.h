// SPDX-License-Identifier: MIT
/*
 * Byte streams both ways: a serial port, a TCP or Unix socket, a pseudo terminal, a program. Opened
 * by an address; the transports trace and fault stack on any other stream. What a transport can do
 * beyond bytes (baud rate, modem lines) is a record of its own that it may have or not.
 */
#ifndef ABOARD_IO_STREAM_H
#define ABOARD_IO_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/err.h"

struct stream;

/* Lines of a serial port that has them. */
struct stream_lines {
	int (*set_dtr)(struct stream *stream, bool on, struct err *err);
	int (*set_rts)(struct stream *stream, bool on, struct err *err);
	int (*set_baud)(struct stream *stream, unsigned int baud, struct err *err);
	int (*send_break)(struct stream *stream, struct err *err);
};

struct stream_ops {
	/* At least 1 byte, or *got == 0 for the end of the stream (the other side closed). */
	int (*read)(struct stream *stream, void *data, size_t size, size_t *got,
		    struct deadline deadline, struct err *err);
	/* All of it, or an error. */
	int (*write)(struct stream *stream, const void *data, size_t size, struct deadline deadline,
		     struct err *err);
	void (*close)(struct stream *stream); /* frees it */
	/* A descriptor that polls readable when read() has something to look at; for interactive
	 * use. */
	int (*poll_fd)(struct stream *stream);
	const struct stream_lines *lines; /* NULL: a transport without lines */
};

struct stream {
	const struct stream_ops *ops;
};

struct stream_settings {
	unsigned int baud; /* any number the port can do, also non-standard ones; 0: 115200 */
};

/* Opens a stream by its address (8N1, flow control off, raw; a local port is locked for us alone);
   the caller closes it with stream_close().

     /dev/ttyUSB0               serial port; any path to one that begins with /, ./ or ../
     socket://HOST:PORT         TCP, bytes as they are
     rfc2217://HOST:PORT        telnet with RFC 2217 COM port control
     unix:PATH                  Unix socket
     unix:PATH?listen           the same as its server: PATH is made now, the other side may come
				later, go and come again (nothing is an end of stream)
     pty:PATH                   makes a pseudo terminal and a symbolic link PATH to its other end
     exec:PROGRAM ARG...        a program's standard input and output (and error); words quoted as
				in sh, no shell

   ERR_CONFIG: the address or what it names is wrong; ERR_NOT_FOUND: no such device or socket;
   ERR_BUSY: another program has it; ERR_HOST, ERR_NETWORK: it cannot be opened. */
int stream_open(struct stream **stream, const char *address, const struct stream_settings *settings,
		struct deadline deadline, struct err *err);

int stream_read(struct stream *stream, void *data, size_t size, size_t *got,
		struct deadline deadline, struct err *err);
int stream_write(struct stream *stream, const void *data, size_t size, struct deadline deadline,
		 struct err *err);
void stream_close(struct stream *stream);
void stream_closep(struct stream **stream);

/* Checks the form of an address without opening anything; ERR_CONFIG with a remedy that names the
 * forms. */
int stream_check(const char *address, struct err *err);

/* The transport that writes what passes through `below` (which it then owns) to a readable log
   file, one line a transfer: seconds, direction, escaped bytes. After an error `below` is still the
   caller's. */
int stream_trace(struct stream **stream, struct stream *below, const char *log_path,
		 struct err *err);

/* The transport that misbehaves on purpose, for tests of everything above it. It owns `below`. */
enum stream_fault_kind {
	FAULT_CUT,     /* the stream ends */
	FAULT_STALL,   /* nothing comes any more */
	FAULT_SHORT,   /* reads give one byte at a time */
	FAULT_GARBAGE, /* one read gives random bytes in front of what came */
	FAULT_DROP,    /* one written byte is lost */
};

struct stream_fault {
	enum stream_fault_kind kind;
	uint64_t after; /* begins when this many bytes have passed in both directions together */
};

struct stream *stream_fault(struct stream *below, struct stream_fault fault);

#endif
