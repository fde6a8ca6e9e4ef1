// SPDX-License-Identifier: MIT
/* The transport that writes down what passes. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/usb_log.h"
#include "io/trace_log.h"

struct trace {
	struct usb_device usb;
	struct usb_device *below;
	FILE *log;
	int64_t start_ms;
};

static struct trace *self_of(struct usb_device *usb)
{
	return container_of(usb, struct trace, usb);
}

bool usb_is_in(const struct usb_transfer *transfer)
{
	if (transfer->type == USB_CONTROL)
		return transfer->setup.request_type & USB_IN;
	return transfer->endpoint & USB_IN;
}

void usb_log_bytes(const uint8_t *bytes, size_t size, struct buf *out)
{
	_cleanup_(freep) char *text = xmalloc(2 * size + 1);

	text_of_bytes(bytes, size, text);
	buf_add_text(out, size ? text : "-");
}

static void log_out(const struct usb_transfer *transfer, struct buf *out)
{
	char digest[SHA256_TEXT];

	if (usb_is_in(transfer) || transfer->size <= USB_LOG_WHOLE) {
		usb_log_bytes(transfer->data, usb_is_in(transfer) ? 0 : transfer->size, out);
		return;
	}
	sha256_text(transfer->data, transfer->size, digest);
	buf_addf(out, "sha256:%s", digest);
}

void usb_log_request(const struct usb_transfer *transfer, struct buf *out)
{
	const struct usb_setup *setup = &transfer->setup;

	if (transfer->type == USB_CONTROL)
		buf_addf(out, "control %02x/%02x %04x %04x %zu ", setup->request_type,
			 setup->request, setup->value, setup->index, transfer->size);
	else
		buf_addf(out, "%s %02x %zu ", transfer->type == USB_BULK ? "bulk" : "interrupt",
			 transfer->endpoint, transfer->size);
	log_out(transfer, out);
}

static const char *word_of(int rc)
{
	return rc == 0 ? "ok" : err_kind_name((enum err_kind) - rc);
}

/* What cannot be written to the log does not disturb the job. */
static void line(struct trace *self, const char *text)
{
	int64_t ms = clock_ms() - self->start_ms;

	fprintf(self->log, "%" PRId64 ".%03d %s\n", ms / 1000, (int)(ms % 1000), text);
	fflush(self->log);
}

static void log_transfer(struct trace *self, const struct usb_transfer *transfer)
{
	_cleanup_(buf_free) struct buf text = {0};

	usb_log_request(transfer, &text);
	buf_addf(&text, " = %s %zu ", word_of(transfer->status), transfer->got);
	usb_log_bytes(transfer->data, usb_is_in(transfer) ? transfer->got : 0, &text);
	line(self, buf_text(&text));
}

static int log_result(struct trace *self, int rc, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int log_result(struct trace *self, int rc, const char *format, ...)
{
	_cleanup_(freep) char *what = NULL, *text = NULL;
	va_list args;

	va_start(args, format);
	what = xvasprintf(format, args);
	va_end(args);
	text = xasprintf("%s = %s", what, word_of(rc));
	line(self, text);
	return rc;
}

static int submit(struct usb_device *usb, struct usb_transfer *transfer, struct err *err)
{
	struct trace *self = self_of(usb);
	_cleanup_(buf_free) struct buf text = {0};
	int rc = usb_submit(self->below, transfer, err);

	if (rc == 0)
		return 0;
	usb_log_request(transfer, &text);
	return log_result(self, rc, "%s", buf_text(&text));
}

static int reap(struct usb_device *usb, struct usb_transfer **transfer, struct deadline deadline,
		struct err *err)
{
	struct trace *self = self_of(usb);
	int rc = usb_reap(self->below, transfer, deadline, err);

	if (rc == 0)
		log_transfer(self, *transfer);
	return rc;
}

static void cancel(struct usb_device *usb)
{
	usb_cancel(self_of(usb)->below);
}

static int claim(struct usb_device *usb, uint8_t interface, struct err *err)
{
	struct trace *self = self_of(usb);

	return log_result(self, usb_claim(self->below, interface, err), "claim %u", interface);
}

static void release(struct usb_device *usb, uint8_t interface)
{
	struct trace *self = self_of(usb);

	usb_release(self->below, interface);
	log_result(self, 0, "release %u", interface);
}

static int set_alt(struct usb_device *usb, uint8_t interface, uint8_t alt, struct deadline deadline,
		   struct err *err)
{
	struct trace *self = self_of(usb);
	int rc = usb_set_alt(self->below, interface, alt, deadline, err);

	return log_result(self, rc, "alt %u %u", interface, alt);
}

static int clear_halt(struct usb_device *usb, uint8_t endpoint, struct deadline deadline,
		      struct err *err)
{
	struct trace *self = self_of(usb);
	int rc = usb_clear_halt(self->below, endpoint, deadline, err);

	return log_result(self, rc, "clear %02x", endpoint);
}

static int reset(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	struct trace *self = self_of(usb);

	return log_result(self, usb_reset(self->below, deadline, err), "reset");
}

static int await_gone(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	struct trace *self = self_of(usb);

	return log_result(self, usb_await_gone(self->below, deadline, err), "gone");
}

static void close_trace(struct usb_device *usb)
{
	struct trace *self = self_of(usb);

	usb_close(self->below);
	line(self, "close");
	fclose(self->log);
	free(self);
}

static const struct usb_ops ops = {
	.submit = submit,
	.reap = reap,
	.cancel = cancel,
	.claim = claim,
	.release = release,
	.set_alt = set_alt,
	.clear_halt = clear_halt,
	.reset = reset,
	.await_gone = await_gone,
	.close = close_trace,
};

static void log_class(FILE *log, const char *before, const struct usb_class *class)
{
	fprintf(log, "%s %02x/%02x/%02x\n", before, class->class, class->subclass, class->protocol);
}

static void log_session(FILE *log, const struct usb_info *info)
{
	const struct {
		const char *name, *text;
	} rows[] = {
		{"manufacturer", info->manufacturer},
		{"product", info->product},
		{"serial", info->serial},
	};
	size_t i;

	fprintf(log, "session\npath %s\nid %04x:%04x %04x\n", info->path, info->vid, info->pid,
		info->release);
	fprintf(log, "bus %u %d", info->address, (int)info->speed);
	log_class(log, "", &info->device);
	for (i = 0; i < info->interface_count; i++)
		log_class(log, "interface", &info->interfaces[i]);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].text[0])
			fprintf(log, "%s %s\n", rows[i].name, rows[i].text);
	fflush(log);
}

int usb_trace(struct usb_device **usb, struct usb_device *below, const char *log_path,
	      struct err *err)
{
	struct trace *self;
	FILE *log;
	int rc = trace_log_open(&log, log_path, err);

	*usb = NULL;
	if (rc < 0)
		return rc;
	log_session(log, &below->info);
	self = xcalloc(1, sizeof(*self));
	*self = (struct trace){
		.usb = {.ops = &ops, .info = below->info},
		.below = below,
		.log = log,
		.start_ms = clock_ms(),
	};
	*usb = &self->usb;
	return 0;
}
