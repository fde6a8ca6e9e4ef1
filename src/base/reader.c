// SPDX-License-Identifier: MIT
#include "base/reader.h"

#include <string.h>

#include "base/mem.h"

int reader_fill(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	size_t step;
	int rc;

	for (*got = 0; *got < size; *got += step) {
		rc = reader->read(reader, (char *)data + *got, size - *got, &step, err);
		if (rc < 0)
			return rc;
		if (step == 0)
			break;
	}
	return 0;
}

static int bytes_read(struct reader *reader, void *data, size_t size, size_t *got, struct err *err)
{
	struct bytes_reader *bytes = container_of(reader, struct bytes_reader, reader);

	(void)err;
	*got = size < bytes->left ? size : bytes->left;
	if (*got > 0)
		memcpy(data, bytes->at, *got);
	bytes->at += *got;
	bytes->left -= *got;
	return 0;
}

static void bytes_close(struct reader *reader)
{
	(void)reader;
}

void reader_of_bytes(struct bytes_reader *bytes, const void *data, size_t size)
{
	*bytes = (struct bytes_reader){
		.reader = {bytes_read, bytes_close}, .at = data, .left = size};
}

void reader_closep(struct reader **reader)
{
	if (*reader)
		(*reader)->close(*reader);
	*reader = NULL;
}
