// SPDX-License-Identifier: MIT
/* The transport that writes down what passes. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/stream.h"
#include "io/trace_log.h"

struct trace {
	struct stream stream;
	struct stream *below;
	FILE *log;
	int64_t start_ms;
};

static struct trace *self_of(struct stream *stream)
{
	return container_of(stream, struct trace, stream);
}

static void log_byte(FILE *log, unsigned char byte)
{
	static const char *const names[256] = {
		['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t", ['\\'] = "\\\\"};

	if (names[byte])
		fputs(names[byte], log);
	else if (byte >= 0x20 && byte < 0x7f)
		fputc(byte, log);
	else
		fprintf(log, "\\x%02x", byte);
}

/* What cannot be written to the log does not disturb the job. */
static void log_line(struct trace *self, char direction, const void *data, size_t size)
{
	const unsigned char *bytes = data;
	int64_t ms = clock_ms() - self->start_ms;
	size_t i;

	fprintf(self->log, "%" PRId64 ".%03d %c ", ms / 1000, (int)(ms % 1000), direction);
	for (i = 0; i < size; i++)
		log_byte(self->log, bytes[i]);
	fputc('\n', self->log);
	fflush(self->log);
}

static int read_trace(struct stream *stream, void *data, size_t size, size_t *got,
		      struct deadline deadline, struct err *err)
{
	struct trace *self = self_of(stream);
	int rc = stream_read(self->below, data, size, got, deadline, err);

	if (rc == 0)
		log_line(self, '<', data, *got);
	return rc;
}

static int write_trace(struct stream *stream, const void *data, size_t size,
		       struct deadline deadline, struct err *err)
{
	struct trace *self = self_of(stream);

	log_line(self, '>', data, size);
	return stream_write(self->below, data, size, deadline, err);
}

static void close_trace(struct stream *stream)
{
	struct trace *self = self_of(stream);

	stream_close(self->below);
	fclose(self->log);
	free(self);
}

static int poll_fd_trace(struct stream *stream)
{
	struct stream *below = self_of(stream)->below;

	return below->ops->poll_fd(below);
}

static int set_dtr(struct stream *stream, bool on, struct err *err)
{
	struct stream *below = self_of(stream)->below;

	return below->ops->lines->set_dtr(below, on, err);
}

static int set_rts(struct stream *stream, bool on, struct err *err)
{
	struct stream *below = self_of(stream)->below;

	return below->ops->lines->set_rts(below, on, err);
}

static int set_baud(struct stream *stream, unsigned int baud, struct err *err)
{
	struct stream *below = self_of(stream)->below;

	return below->ops->lines->set_baud(below, baud, err);
}

static int send_break(struct stream *stream, struct err *err)
{
	struct stream *below = self_of(stream)->below;

	return below->ops->lines->send_break(below, err);
}

static const struct stream_lines lines = {
	.set_dtr = set_dtr,
	.set_rts = set_rts,
	.set_baud = set_baud,
	.send_break = send_break,
};

static const struct stream_ops plain_ops = {
	.read = read_trace,
	.write = write_trace,
	.close = close_trace,
	.poll_fd = poll_fd_trace,
};

static const struct stream_ops lines_ops = {
	.read = read_trace,
	.write = write_trace,
	.close = close_trace,
	.poll_fd = poll_fd_trace,
	.lines = &lines,
};

int stream_trace(struct stream **stream, struct stream *below, const char *log_path,
		 struct err *err)
{
	struct trace *self;
	FILE *log;
	int rc = trace_log_open(&log, log_path, err);

	*stream = NULL;
	if (rc < 0)
		return rc;
	self = xcalloc(1, sizeof(*self));
	*self = (struct trace){.below = below, .log = log, .start_ms = clock_ms()};
	self->stream.ops = below->ops->lines ? &lines_ops : &plain_ops;
	*stream = &self->stream;
	return 0;
}
