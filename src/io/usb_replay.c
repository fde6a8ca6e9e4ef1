// SPDX-License-Identifier: MIT
/* The transport that answers from a log as the device did. Requests may come in another order as
   far as they were in flight together; anything else is not what was recorded. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "io/usb_log.h"

#define LOG_MAX ((size_t)256 << 20)
#define AHEAD   64 /* so far a transfer may have ended before another one that was begun earlier */

struct replay {
	struct usb_device usb;
	struct usb_log log;
	size_t next; /* all entries before this one have been used */
};

static struct replay *self_of(struct usb_device *usb)
{
	return container_of(usb, struct replay, usb);
}

static void advance(struct replay *self)
{
	while (self->next < self->log.count && self->log.entries[self->next].used)
		self->next++;
}

static int not_recorded(const struct replay *self, const char *request, struct err *err)
{
	const char *next =
		self->next < self->log.count ? self->log.entries[self->next].request : "its end";

	return err_set(err, ERR_USB, "the log has no '%.80s' here, but '%.80s'", request, next);
}

static bool is_transfer(const struct usb_log_entry *entry)
{
	return text_starts(entry->request, "control ") || text_starts(entry->request, "bulk ") ||
	       text_starts(entry->request, "interrupt ");
}

static struct usb_log_entry *find(struct replay *self, const char *request)
{
	struct usb_log_entry *entry;
	size_t i;

	for (i = self->next; i < self->log.count && i < self->next + AHEAD; i++) {
		entry = &self->log.entries[i];
		if (!is_transfer(entry))
			return NULL;
		if (!entry->used && !entry->transfer && strcmp(entry->request, request) == 0)
			return entry;
	}
	return NULL;
}

static int submit(struct usb_device *usb, struct usb_transfer *transfer, struct err *err)
{
	struct replay *self = self_of(usb);
	_cleanup_(buf_free) struct buf request = {0};
	struct usb_log_entry *entry;

	usb_log_request(transfer, &request);
	entry = find(self, buf_text(&request));
	if (!entry || entry->got > transfer->size ||
	    (usb_is_in(transfer) && entry->got != entry->size))
		return not_recorded(self, buf_text(&request), err);
	if (entry->ended) {
		entry->transfer = transfer;
		return 0;
	}
	entry->used = true;
	advance(self);
	return err_set(err, (enum err_kind) - entry->status, "so says the log");
}

/* What was taken back did not end before. */
static bool has_ended(const struct usb_log_entry *entry)
{
	return entry->transfer && (entry->status != -ERR_CANCELLED || entry->cancelled);
}

static int reap(struct usb_device *usb, struct usb_transfer **transfer, struct deadline deadline,
		struct err *err)
{
	struct replay *self = self_of(usb);
	struct usb_log_entry *entry = NULL;
	bool flying = false;
	size_t i;

	(void)deadline;
	for (i = self->next; i < self->log.count && i < self->next + AHEAD; i++) {
		flying = flying || self->log.entries[i].transfer;
		if (!entry && has_ended(&self->log.entries[i]))
			entry = &self->log.entries[i];
	}
	if (!entry)
		return flying ? err_set(err, ERR_TIMEOUT, "timed out, says the log")
			      : err_set(err, ERR_INTERNAL, "no transfer is in flight");
	*transfer = steal(entry->transfer);
	(*transfer)->got = entry->got;
	(*transfer)->status = entry->status;
	if (entry->size > 0)
		memcpy((*transfer)->data, entry->data, entry->size);
	entry->used = true;
	advance(self);
	return 0;
}

static void cancel(struct usb_device *usb)
{
	struct replay *self = self_of(usb);
	size_t i;

	for (i = self->next; i < self->log.count; i++)
		if (self->log.entries[i].transfer)
			self->log.entries[i].cancelled = true;
}

/* What is no transfer is in order. */
static int expect(struct replay *self, char *request, struct err *err)
{
	_cleanup_(freep) char *owned = request;
	struct usb_log_entry *entry;

	if (self->next == self->log.count ||
	    strcmp(self->log.entries[self->next].request, request) != 0)
		return not_recorded(self, request, err);
	entry = &self->log.entries[self->next];
	entry->used = true;
	advance(self);
	if (entry->status == 0)
		return 0;
	return err_set(err, (enum err_kind) - entry->status, "so says the log");
}

static int claim(struct usb_device *usb, uint8_t interface, struct err *err)
{
	return expect(self_of(usb), xasprintf("claim %u", interface), err);
}

static void release(struct usb_device *usb, uint8_t interface)
{
	struct err ignored;

	expect(self_of(usb), xasprintf("release %u", interface), &ignored);
}

static int set_alt(struct usb_device *usb, uint8_t interface, uint8_t alt, struct deadline deadline,
		   struct err *err)
{
	(void)deadline;
	return expect(self_of(usb), xasprintf("alt %u %u", interface, alt), err);
}

static int clear_halt(struct usb_device *usb, uint8_t endpoint, struct deadline deadline,
		      struct err *err)
{
	(void)deadline;
	return expect(self_of(usb), xasprintf("clear %02x", endpoint), err);
}

static int reset(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	(void)deadline;
	return expect(self_of(usb), xstrdup("reset"), err);
}

static int await_gone(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	(void)deadline;
	return expect(self_of(usb), xstrdup("gone"), err);
}

static void close_replay(struct usb_device *usb)
{
	struct replay *self = self_of(usb);

	usb_log_free(&self->log);
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
	.close = close_replay,
};

int usb_replay_text(struct usb_device **usb, const char *text, size_t session, struct err *err)
{
	struct replay *self = xcalloc(1, sizeof(*self));
	_cleanup_(usb_closep) struct usb_device *made = &self->usb;
	int rc = usb_log_read(&self->log, text, session, err);

	self->usb = (struct usb_device){.ops = &ops, .info = self->log.info};
	if (rc == 0)
		*usb = steal(made);
	return rc;
}

int usb_replay(struct usb_device **usb, const char *log_path, size_t session, struct err *err)
{
	_cleanup_(buf_free) struct buf text = {.max = LOG_MAX};
	int rc = path_read(log_path, LOG_MAX, &text, err);

	*usb = NULL;
	if (rc == 0)
		rc = usb_replay_text(usb, buf_text(&text), session, err);
	return rc < 0 ? err_prefix(err, "%s", log_path) : 0;
}
