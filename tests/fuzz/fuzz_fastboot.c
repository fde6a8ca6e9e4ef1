// SPDX-License-Identifier: MIT
/* Everything a fastboot device can say: to the parsers, and as one side of a whole exchange over
   TCP whose stream is the input. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proto/fastboot_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	struct stream stream;
	const uint8_t *data;
	size_t size;
};

static int input_read(struct stream *stream, void *data, size_t size, size_t *got,
		      struct deadline deadline, struct err *err)
{
	struct input *input = container_of(stream, struct input, stream);

	(void)deadline;
	(void)err;
	*got = input->size < size ? input->size : size;
	if (*got > 0)
		memcpy(data, input->data, *got);
	input->data += *got;
	input->size -= *got;
	return 0;
}

static int input_write(struct stream *stream, const void *data, size_t size,
		       struct deadline deadline, struct err *err)
{
	(void)stream;
	(void)data;
	(void)size;
	(void)deadline;
	(void)err;
	return 0;
}

static void input_close(struct stream *stream)
{
	(void)stream;
}

static int take(void *context, const void *data, size_t size, struct err *err)
{
	size_t *total = context;

	(void)data;
	(void)err;
	*total += size;
	return 0;
}

static void converse(const uint8_t *data, size_t size)
{
	static const struct stream_ops ops = {
		.read = input_read, .write = input_write, .close = input_close};
	struct input input = {{&ops}, data, size};
	struct fastboot fastboot = {.link = fastboot_tcp_over(&input.stream)};
	char value[FASTBOOT_ANSWER];
	size_t total = 0;
	struct fastboot_sink sink = {take, &total};
	uint64_t number;
	struct err err;
	bool known;

	fastboot_getvar(&fastboot, "version", value, &known, DEADLINE_NEVER, &err);
	fastboot_getvar_number(&fastboot, "max-download-size", &number, &known, DEADLINE_NEVER,
			       &err);
	fastboot_download_bytes(&fastboot, "abcd", 4, DEADLINE_NEVER, &err);
	fastboot_command(&fastboot, value, DEADLINE_NEVER, &err, "flash:boot");
	if (fastboot_fetch(&fastboot, "boot", 0, 64, &sink, DEADLINE_NEVER, &err) == 0 &&
	    total != 64)
		abort();
	fastboot_close(&fastboot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fastboot_udp_packet packet;
	struct fastboot_answer answer;
	uint8_t *copy;

	fastboot_parse(data, size, &answer);
	if (strnlen(answer.text, sizeof(answer.text)) == sizeof(answer.text))
		abort();
	if (fastboot_udp_parse(data, size, &packet)) {
		copy = xmalloc(size);
		if (fastboot_udp_build(copy, &packet) != size)
			abort();
		free(copy);
	}
	converse(data, size);
	return 0;
}
