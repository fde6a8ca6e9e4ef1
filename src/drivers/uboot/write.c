// SPDX-License-Identifier: MIT
/* Writing: this host decodes the image and serves it as a stream; the board fetches it and writes
 * it as it comes. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/uboot/uboot.h"

/* What this busybox's dd can do, as operands. Without direct I/O the board's page cache is in the
 * way, but works. */
struct dd {
	const char *in, *out;
};

static int know_dd(struct job *job, uint64_t size, struct dd *dd, struct deadline deadline,
		   struct err *err)
{
	_cleanup_(buf_free) struct buf help = {0};
	bool full, direct;
	int status, rc;

	rc = board_try(job, SHELL_POSIX, deadline, &help, &status, err, "dd --help 2>&1");
	if (rc < 0)
		return rc;
	full = strstr(buf_text(&help), "fullblock");
	direct = full && strstr(buf_text(&help), "oflag") && strstr(buf_text(&help), "direct");
	/* Direct writes come in whole sectors only; 4096 suits every medium. */
	direct = direct && size != IMAGE_SIZE_UNKNOWN && size % 4096 == 0;
	dd->in = full ? "bs=1M iflag=fullblock" : "bs=64k";
	dd->out = direct ? "oflag=direct conv=notrunc,fsync" : "conv=notrunc,fsync";
	return 0;
}

struct serving {
	struct http_server *http;
	const char *path;
};

/* Damage in the image must not look like a board that stopped reading. */
static int watch_stream(void *context, struct err *err)
{
	const struct serving *serving = context;
	struct http_progress progress = {0};

	http_server_progress(serving->http, serving->path, &progress);
	if (!progress.failed)
		return 0;
	*err = progress.err;
	return err_prefix(err, "decoding the image");
}

static int open_stream(struct job *job, struct item *item, struct image **image, char **path,
		       struct err *err)
{
	struct deadline deadline =
		deadline_of_cancel(job->cancel_fd, board_timeout_ms(job->board, "write"));
	int rc;

	rc = job_image_take(job, &item->image, image, deadline, err);
	if (rc < 0)
		return rc;
	return http_server_add_stream(uboot_of(job)->http, "image", image_stream(*image),
				      item->image.size, path, err);
}

/* The whole stream was given, and it was the image of the plan. */
static int check_stream(struct item *item, const struct serving *serving, const struct image *image,
			struct err *err)
{
	struct http_progress progress = {0};
	int rc = watch_stream((void *)(uintptr_t)serving, err);

	if (rc < 0)
		return rc;
	http_server_progress(serving->http, serving->path, &progress);
	if (!progress.done || !image_info(image)->sha256[0])
		return err_set(err, ERR_NETWORK,
			       "the board took only %" PRIu64 " bytes of the image", progress.sent);
	return job_image_read(&item->image, image, err);
}

/* `source` is the shell text that gives the decoded bytes. */
static int run_dd(struct job *job, struct item *item, const char *source,
		  const struct background *how, struct deadline deadline, struct err *err)
{
	_cleanup_(buf_free) struct buf output = {0};
	_cleanup_(freep) char *pipeline = NULL;
	struct dd dd;
	int rc = know_dd(job, item->image.size, &dd, deadline, err);

	if (rc < 0)
		return rc;
	pipeline = xasprintf("%s | dd of=%s %s %s && [ ! -e /tmp/aboard/bad ]", source,
			     item->device, dd.in, dd.out);
	rc = background_run(job, how, pipeline, &output, deadline, err);
	if (rc == -ERR_BOARD && strstr(err->text, "No space left"))
		err_set(err, ERR_TARGET, "the image is larger than %s", item->device);
	return rc < 0 ? -(int)err->kind : 0;
}

static int write_stream(struct job *job, struct item *item, const struct background *how,
			struct deadline deadline, struct err *err)
{
	_cleanup_(image_closep) struct image *image = NULL;
	struct serving serving = {.http = uboot_of(job)->http};
	struct background own_how = *how;
	_cleanup_(freep) char *path = NULL;
	_cleanup_(freep) char *source = NULL;
	char host[INET_ADDRSTRLEN];
	struct err own;
	int rc = open_stream(job, item, &image, &path, err);

	if (rc < 0)
		return rc;
	serving.path = path;
	own_how.watch = watch_stream;
	own_how.context = &serving;
	source = xasprintf("{ wget -q -O - http://%s:%u%s || : >/tmp/aboard/bad; }",
			   uboot_host_text(uboot_of(job), host), http_server_port(serving.http),
			   path);
	rc = run_dd(job, item, source, &own_how, deadline, err);
	/* When both sides complain, ours is the cause. */
	if (rc < 0 && watch_stream(&serving, &own) < 0) {
		*err = own;
		rc = -(int)own.kind;
	}
	if (rc == 0)
		rc = check_stream(item, &serving, image, err);
	http_server_remove(serving.http, path);
	return rc;
}

static int write_direct(struct job *job, struct item *item, const struct background *how,
			struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *source = NULL;
	int rc = direct_pipeline(job, item, &source, deadline, err);

	return rc < 0 ? rc : run_dd(job, item, source, how, deadline, err);
}

static int write_item(struct job *job, struct item *item, uint64_t base, uint64_t total,
		      struct deadline deadline, struct err *err)
{
	_cleanup_(freep) char *what = xasprintf("writing %s", item->describe);
	struct background how = {.what = what, .sysfs = item->sysfs, .base = base, .total = total};

	if (job->request->direct)
		return write_direct(job, item, &how, deadline, err);
	return write_stream(job, item, &how, deadline, err);
}

int uboot_write(struct job *job, struct deadline deadline, struct err *err)
{
	struct uboot *uboot = uboot_of(job);
	uint64_t base = 0, total = 0;
	size_t i;
	int rc = 0;

	for (i = 0; i < uboot->item_count; i++)
		total = uboot->items[i].image.size == IMAGE_SIZE_UNKNOWN
				? 0
				: total + uboot->items[i].image.size;
	for (i = 0; rc == 0 && i < uboot->item_count; i++) {
		rc = write_item(job, &uboot->items[i], base, total, deadline, err);
		base += uboot->items[i].image.size;
	}
	return rc;
}

/* dd has synced already; this is for what does not: the page cache is emptied so that the read-back
 * comes from the medium. */
int uboot_flush(struct job *job, struct deadline deadline, struct err *err)
{
	int status, rc;

	rc = console_run(job->console, SHELL_POSIX, "sync; echo 3 >/proc/sys/vm/drop_caches", NULL,
			 &status, deadline, err);
	if (rc == 0 && status != 0)
		rc = err_set(err, ERR_BOARD, "the board could not empty its caches (%d)", status);
	return rc;
}
