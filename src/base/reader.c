// SPDX-License-Identifier: MIT
#include "base/reader.h"

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

void reader_closep(struct reader **reader)
{
	if (*reader)
		(*reader)->close(*reader);
	*reader = NULL;
}
