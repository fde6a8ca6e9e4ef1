// SPDX-License-Identifier: MIT
/* The transport that misbehaves on purpose. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "io/stream.h"

#define GARBAGE_MAX 16

struct faulty {
	struct stream stream;
	struct stream *below;
	struct stream_fault fault;
	uint64_t passed; /* bytes, both ways */
	bool done;       /* a fault that happens once has happened */
};

static struct faulty *self_of(struct stream *stream)
{
	return container_of(stream, struct faulty, stream);
}

static uint64_t left(const struct faulty *self)
{
	return self->passed < self->fault.after ? self->fault.after - self->passed : 0;
}

static int wait_for_nothing(struct deadline deadline, struct err *err)
{
	return deadline_poll(NULL, 0, deadline, err);
}

static int read_below(struct faulty *self, void *data, size_t size, size_t *got,
		      struct deadline deadline, struct err *err)
{
	int rc = stream_read(self->below, data, size, got, deadline, err);

	self->passed += *got;
	return rc;
}

/* Random bytes, then what came, as far as both have room. */
static int read_garbage(struct faulty *self, uint8_t *data, size_t size, size_t *got,
			struct deadline deadline, struct err *err)
{
	size_t garbage = size / 2 < GARBAGE_MAX ? size / 2 : GARBAGE_MAX;
	int rc = read_below(self, data + garbage, size - garbage, got, deadline, err);

	if (rc < 0 || !*got)
		return rc;
	if (getrandom(data, garbage, 0) != (ssize_t)garbage)
		abort();
	*got += garbage;
	self->done = true;
	return 0;
}

static int read_fault(struct stream *stream, void *data, size_t size, size_t *got,
		      struct deadline deadline, struct err *err)
{
	struct faulty *self = self_of(stream);
	uint64_t before = left(self);

	if (before)
		return read_below(self, data, before < size ? (size_t)before : size, got, deadline,
				  err);
	switch (self->fault.kind) {
	case FAULT_CUT:
		return 0;
	case FAULT_STALL:
		return wait_for_nothing(deadline, err);
	case FAULT_SHORT:
		return read_below(self, data, 1, got, deadline, err);
	case FAULT_GARBAGE:
		if (!self->done)
			return read_garbage(self, data, size, got, deadline, err);
		break;
	case FAULT_DROP:
		break;
	}
	return read_below(self, data, size, got, deadline, err);
}

/* How many bytes of a write that begins where the fault begins are lost. */
static int lose(struct faulty *self, size_t size, size_t *lost, struct err *err)
{
	*lost = 0;
	if (self->fault.kind == FAULT_CUT)
		return err_set(err, ERR_CONSOLE, "the other side has closed the stream");
	if (self->fault.kind == FAULT_STALL)
		*lost = size;
	if (self->fault.kind == FAULT_DROP && !self->done) {
		*lost = 1;
		self->done = true;
	}
	return 0;
}

static int write_fault(struct stream *stream, const void *data, size_t size,
		       struct deadline deadline, struct err *err)
{
	struct faulty *self = self_of(stream);
	size_t good = left(self) < size ? (size_t)left(self) : size, lost;
	const char *bytes = data;
	int rc = stream_write(self->below, bytes, good, deadline, err);

	self->passed += good;
	if (rc == 0 && good < size) {
		rc = lose(self, size - good, &lost, err);
		if (rc < 0)
			return rc;
		self->passed += size - good;
		good += lost;
		rc = stream_write(self->below, bytes + good, size - good, deadline, err);
	}
	return rc;
}

static void close_fault(struct stream *stream)
{
	struct faulty *self = self_of(stream);

	stream_close(self->below);
	free(self);
}

static int poll_fd_fault(struct stream *stream)
{
	struct stream *below = self_of(stream)->below;

	return below->ops->poll_fd(below);
}

static const struct stream_ops ops = {
	.read = read_fault,
	.write = write_fault,
	.close = close_fault,
	.poll_fd = poll_fd_fault,
};

struct stream *stream_fault(struct stream *below, struct stream_fault fault)
{
	struct faulty *self = xcalloc(1, sizeof(*self));

	*self = (struct faulty){.stream.ops = &ops, .below = below, .fault = fault};
	return &self->stream;
}
