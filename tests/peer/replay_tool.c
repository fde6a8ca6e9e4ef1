// SPDX-License-Identifier: MIT
/* A session that aboard has had with a DFU device, once more from its log, with no device:

     replay-tool LOG ALT FILE

   sends the file to the alternate setting and reads it back, as the driver did. "same" when the
   device in the log gives the same bytes; an error is told with its kind, and the exit status is
   that of aboard. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/reader.h"
#include "proto/dfu.h"

#define TIME_MS 20000

static int keep(void *context, const void *data, size_t size, struct err *err)
{
	struct buf *back = context;

	return buf_add(back, data, size) ? 0 : err_set(err, ERR_BOARD, "it gives too much");
}

static int send_and_read(struct dfu *dfu, const struct dfu_alt *alt, const struct buf *file,
			 struct err *err)
{
	struct bytes_reader bytes;
	_cleanup_(buf_free) struct buf back = {0};
	struct dfu_sink sink = {keep, &back};
	struct deadline deadline = deadline_in(DEADLINE_NEVER, TIME_MS);
	enum dfu_end end;
	uint64_t got;
	int rc = dfu_select(dfu, alt, deadline, err);

	reader_of_bytes(&bytes, file->data, file->size);
	if (rc == 0)
		rc = dfu_download(dfu, &bytes.reader, NULL, &end, deadline, err);
	if (rc == 0)
		rc = dfu_select(dfu, alt, deadline, err);
	if (rc == 0)
		rc = dfu_upload(dfu, file->size, &sink, &got, deadline, err);
	if (rc < 0)
		return rc;
	puts(back.size == file->size && memcmp(back.data, file->data, file->size) == 0 ? "same"
										       : "other");
	return 0;
}

static int run(char **argv, struct err *err)
{
	_cleanup_(freep) struct dfu *dfu = xcalloc(1, sizeof(*dfu));
	_cleanup_(usb_closep) struct usb_device *usb = NULL;
	_cleanup_(buf_free) struct buf file = {0};
	const struct dfu_alt *alt;
	int rc;

	if ((rc = path_read(argv[3], BUF_MAX_DEFAULT, &file, err)) < 0 ||
	    (rc = usb_replay(&usb, argv[1], 0, err)) < 0 ||
	    (rc = dfu_open(dfu, usb, deadline_in(DEADLINE_NEVER, TIME_MS), err)) < 0)
		return rc;
	alt = dfu_find(dfu, argv[2]);
	rc = alt ? send_and_read(dfu, alt, &file, err) : err_set(err, ERR_TARGET, "no such name");
	dfu_close(dfu);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = {0};
	int rc;

	if (argc != 4)
		return 2;
	rc = run(argv, &err);
	if (rc == 0)
		return 0;
	printf("%s: %s\n", err_kind_name(err.kind), err.text);
	return err_exit_status(err.kind);
}
