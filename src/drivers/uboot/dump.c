// SPDX-License-Identifier: MIT
/* Reading a target: the board sends the device as it is, this host compresses it, and the board's
 * own digest proves it. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "drivers/uboot/uboot.h"
#include "engine/job_dump.h"
#include "serve/receiver.h"

/* Where what comes goes. Used by the receiver's thread until it has ended. */
struct dumping {
	struct job_dump file;
	struct receiver *receiver;
};

static int take(void *context, const void *data, size_t size, struct err *err)
{
	struct dumping *dumping = context;

	return job_dump_take(&dumping->file, data, size, err);
}

static int watch(void *context, struct err *err)
{
	const struct dumping *dumping = context;
	struct receiver_progress progress;

	receiver_progress(dumping->receiver, &progress);
	if (!progress.failed)
		return 0;
	*err = progress.err;
	return -(int)err->kind;
}

/* The board has sent all; what is on its way still has to come in. */
static int wait_for_end(struct dumping *dumping, uint64_t size, struct deadline deadline,
			struct err *err)
{
	struct receiver_progress progress;
	int rc = 0;

	for (;;) {
		receiver_progress(dumping->receiver, &progress);
		if (progress.ended || rc < 0)
			break;
		rc = deadline_pause(20, deadline, err);
	}
	if (rc == 0)
		rc = watch(dumping, err);
	if (rc == 0 && progress.bytes != size)
		rc = err_set(err, ERR_NETWORK, "%" PRIu64 " of %" PRIu64 " bytes came",
			     progress.bytes, size);
	return rc;
}

/* busybox nc copies a kilobyte at a time; with -e dd writes to the socket itself. */
static int receive(struct job *job, const struct item *item, struct dumping *dumping,
		   struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *what = xasprintf("reading %s", item->describe);
	_cleanup_(buf_free) struct buf output = {0};
	_cleanup_(freep) char *pipeline = NULL;
	struct background how = {.what = what,
				 .sysfs = item->sysfs,
				 .reads = true,
				 .total = 2 * item->device_size,
				 .watch = watch,
				 .context = dumping};
	struct receiver_settings settings = {
		.address = uboot_of(job)->host_address, .take = take, .context = dumping};
	char host[INET_ADDRSTRLEN];
	int rc = receiver_start(&dumping->receiver, &settings, err);

	if (rc < 0)
		return rc;
	pipeline = xasprintf("nc %s %u -e dd if=%s bs=1M", uboot_host_text(uboot_of(job), host),
			     receiver_port(dumping->receiver), item->device);
	rc = background_run(job, &how, pipeline, &output, deadline, err);
	if (rc == 0)
		rc = wait_for_end(dumping, item->device_size, deadline, err);
	receiver_stop(steal(dumping->receiver));
	return rc;
}

static int prove(struct job *job, struct item *item, const char *sha256, struct deadline deadline,
		 struct err *err)
{
	uint64_t size = item->device_size;
	char on_board[SHA256_TEXT];
	int rc = uboot_digest_on_board(job, item, size, size, 2 * size, on_board, deadline, err);

	if (rc < 0)
		return rc;
	if (strcmp(on_board, sha256) != 0)
		return err_set(err, ERR_VERIFY, "the board reads %s as %s, what came is %s",
			       item->device, on_board, sha256);
	return 0;
}

int uboot_dump(struct job *job, struct deadline deadline, struct err *err)
{
	struct item *item = &uboot_of(job)->items[0];
	struct dumping dumping = {.file = JOB_DUMP_NONE};
	char sha256[SHA256_TEXT];
	int rc = job_dump_begin(&dumping.file, item->request->file, err);

	if (rc == 0)
		rc = receive(job, item, &dumping, deadline, err);
	if (rc == 0)
		rc = job_dump_finish(&dumping.file, sha256, err);
	if (rc == 0)
		rc = prove(job, item, sha256, deadline, err);
	if (rc == 0)
		rc = job_dump_keep(job, &dumping.file, err);
	job_dump_end(&dumping.file);
	return rc;
}
