// SPDX-License-Identifier: MIT
/* USB/IP from the client's side, once a device is attached: several transfers in flight on one
   connection, none of which may block another. When the connection ends the device is gone. */
#include "io/usb_ip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/mem.h"

/* How long the server may take to say what became of a transfer that is taken back. */
#define UNLINK_MS 2000

/* One request on its way: first sent, then answered. */
struct request {
	TAILQ_ENTRY(request) next;
	struct usb_transfer *transfer; /* borrowed; NULL: this takes another one back */
	uint32_t sequence, victim;
	bool in, unlinking;
	uint8_t header[USBIP_HEADER_SIZE];
	size_t sent; /* bytes of header and data */
};

TAILQ_HEAD(requests, request);

/* What comes in: a header, then the data of one request. */
struct inbox {
	uint8_t header[USBIP_HEADER_SIZE];
	size_t header_got;
	struct request *request; /* whose data comes; NULL: a header comes */
	size_t data_got, data_size;
	int status; /* of that request */
};

struct link {
	struct usb_device usb;
	int fd; /* -1: the device is gone */
	uint32_t devid, sequence;
	struct requests sending, waiting, done;
	struct inbox inbox;
	int64_t unlink_by_ms; /* INT64_MAX: nothing is being taken back */
	char reason[128];     /* why it is gone */
};

static struct link *self_of(struct usb_device *usb)
{
	return container_of(usb, struct link, usb);
}

static void finish(struct link *self, struct requests *from, struct request *request, int status)
{
	TAILQ_REMOVE(from, request, next);
	if (!request->transfer) {
		free(request);
		return;
	}
	request->transfer->status = status;
	TAILQ_INSERT_TAIL(&self->done, request, next);
}

static void finish_all(struct link *self, struct requests *from, int status)
{
	while (!TAILQ_EMPTY(from))
		finish(self, from, TAILQ_FIRST(from), status);
}

static void lose(struct link *self, const char *reason)
{
	if (self->fd < 0)
		return;
	closep(&self->fd);
	memcpy(self->reason, reason, strnlen(reason, sizeof(self->reason) - 1));
	self->inbox = (struct inbox){0};
	finish_all(self, &self->waiting, -ERR_USB);
	finish_all(self, &self->sending, -ERR_USB);
}

static int gone(const struct link *self, struct err *err)
{
	return err_set(err, ERR_USB, "the device is gone: %s", self->reason);
}

static struct request *find(struct requests *requests, uint32_t sequence)
{
	struct request *request;

	TAILQ_FOREACH(request, requests, next)
	if (request->sequence == sequence)
		return request;
	return NULL;
}

/* Sending. */

static size_t outgoing_size(const struct request *request)
{
	return sizeof(request->header) +
	       (request->transfer && !request->in ? request->transfer->size : 0);
}

/* Header and data in one piece, so that a small request is one segment. */
static ssize_t send_some(int fd, struct request *request)
{
	struct usb_transfer *transfer = request->transfer;
	size_t head = sizeof(request->header), sent = request->sent;
	struct iovec parts[2] = {{0}};
	struct msghdr message = {.msg_iov = parts};

	if (sent < head)
		parts[message.msg_iovlen++] = (struct iovec){request->header + sent, head - sent};
	sent = sent < head ? 0 : sent - head;
	if (outgoing_size(request) > head + sent)
		parts[message.msg_iovlen++] = (struct iovec){(char *)transfer->data + sent,
							     outgoing_size(request) - head - sent};
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static bool is_passing(int reason)
{
	return reason == EAGAIN || reason == EINTR;
}

static void push(struct link *self)
{
	struct request *request;
	ssize_t count;

	while (self->fd >= 0 && (request = TAILQ_FIRST(&self->sending))) {
		count = send_some(self->fd, request);
		if (count < 0 && is_passing(errno))
			return;
		if (count < 0) {
			lose(self, strerror(errno));
			return;
		}
		request->sent += (size_t)count;
		if (request->sent < outgoing_size(request))
			continue;
		TAILQ_REMOVE(&self->sending, request, next);
		TAILQ_INSERT_TAIL(&self->waiting, request, next);
	}
}

static struct request *queue(struct link *self, struct usbip_header *header)
{
	struct request *request = xcalloc(1, sizeof(*request));

	header->sequence = request->sequence = ++self->sequence;
	header->devid = self->devid;
	request->in = header->in;
	usbip_put_header(request->header, header);
	TAILQ_INSERT_TAIL(&self->sending, request, next);
	return request;
}

/* Receiving. */

/* Negative errno of Linux, as the server's kernel has it: fixed numbers on the wire. */
static int status_of(int32_t status, bool unlinking)
{
	enum {
		L_ENOENT = 2,
		L_EPIPE = 32,
		L_ECONNRESET = 104,
	};

	if (status == 0)
		return 0;
	if (status == -L_EPIPE)
		return -ERR_BOARD;
	if (unlinking && (status == -L_ENOENT || status == -L_ECONNRESET))
		return -ERR_CANCELLED;
	return -ERR_USB;
}

static void take_submitted(struct link *self, const struct usbip_header *header)
{
	struct request *request = find(&self->waiting, header->sequence);
	int status;

	if (!request || !request->transfer || header->actual > request->transfer->size) {
		lose(self, "the server answers what was not asked");
		return;
	}
	status = status_of(header->status, request->unlinking);
	request->transfer->got = header->actual;
	if (!request->in || !header->actual) {
		finish(self, &self->waiting, request, status);
		return;
	}
	self->inbox.request = request;
	self->inbox.data_got = 0;
	self->inbox.data_size = header->actual;
	self->inbox.status = status;
}

/* A status of 0 means that the transfer had ended before: then its own answer comes, or came. */
static void take_unlinked(struct link *self, const struct usbip_header *header)
{
	struct request *request = find(&self->waiting, header->sequence), *victim;

	if (!request || request->transfer) {
		lose(self, "the server answers what was not asked");
		return;
	}
	victim = find(&self->waiting, request->victim);
	finish(self, &self->waiting, request, 0);
	if (victim && header->status != 0)
		finish(self, &self->waiting, victim, -ERR_CANCELLED);
}

static void take_header(struct link *self)
{
	struct usbip_header header;

	self->inbox.header_got = 0;
	if (!usbip_get_header(self->inbox.header, &header))
		lose(self, "the server does not keep to the protocol");
	else if (header.command == USBIP_RET_SUBMIT)
		take_submitted(self, &header);
	else if (header.command == USBIP_RET_UNLINK)
		take_unlinked(self, &header);
	else
		lose(self, "the server sends requests");
}

static void take_data(struct link *self)
{
	struct request *request = self->inbox.request;

	self->inbox.request = NULL;
	finish(self, &self->waiting, request, self->inbox.status);
}

/* Reads what is there of one header, or of one request's data. False: nothing more now. */
static bool pull_some(struct link *self)
{
	struct inbox *inbox = &self->inbox;
	bool data = inbox->request != NULL;
	size_t *got = data ? &inbox->data_got : &inbox->header_got;
	size_t size = data ? inbox->data_size : sizeof(inbox->header);
	uint8_t *to = data ? inbox->request->transfer->data : inbox->header;
	ssize_t count = recv(self->fd, to + *got, size - *got, 0);

	if (count < 0 && is_passing(errno))
		return false;
	if (count <= 0) {
		lose(self, count < 0 ? strerror(errno) : "the server has closed the connection");
		return false;
	}
	*got += (size_t)count;
	if (*got < size)
		return true;
	if (data)
		take_data(self);
	else
		take_header(self);
	return self->fd >= 0;
}

static int pump(struct link *self, struct deadline deadline, struct err *err)
{
	struct pollfd ready = {.fd = self->fd, .events = POLLIN};
	int rc;

	if (!TAILQ_EMPTY(&self->sending))
		ready.events |= POLLOUT;
	rc = deadline_poll(&ready, 1, deadline, err);
	if (rc < 0)
		return rc;
	push(self);
	while (self->fd >= 0 && pull_some(self))
		continue;
	return 0;
}

/* The operations. */

static int submit(struct usb_device *usb, struct usb_transfer *transfer, struct err *err)
{
	struct link *self = self_of(usb);
	struct usbip_header header = {
		.command = USBIP_CMD_SUBMIT,
		.in = (transfer->type == USB_CONTROL ? transfer->setup.request_type
						     : transfer->endpoint) &
		      USB_IN,
		.endpoint = transfer->endpoint & 0x0f,
		.length = (uint32_t)transfer->size,
	};

	if (self->fd < 0)
		return gone(self, err);
	if (transfer->size > USBIP_DATA_MAX)
		return err_set(err, ERR_INTERNAL, "a transfer of %zu bytes", transfer->size);
	if (transfer->type == USB_CONTROL)
		usb_put_setup(header.setup, &transfer->setup, (uint16_t)transfer->size);
	queue(self, &header)->transfer = transfer;
	push(self);
	return 0;
}

static bool is_idle(const struct link *self)
{
	return TAILQ_EMPTY(&self->sending) && TAILQ_EMPTY(&self->waiting);
}

static int reap(struct usb_device *usb, struct usb_transfer **transfer, struct deadline deadline,
		struct err *err)
{
	struct link *self = self_of(usb);
	struct request *request;
	struct deadline wait = deadline;
	int rc;

	if (wait.at_ms > self->unlink_by_ms)
		wait.at_ms = self->unlink_by_ms;
	while (TAILQ_EMPTY(&self->done)) {
		if (is_idle(self))
			return err_set(err, ERR_INTERNAL, "no transfer is in flight");
		rc = pump(self, wait, err);
		if (rc == -ERR_TIMEOUT && wait.at_ms < deadline.at_ms)
			lose(self, "the server does not give transfers back");
		else if (rc < 0)
			return rc;
	}
	request = TAILQ_FIRST(&self->done);
	TAILQ_REMOVE(&self->done, request, next);
	*transfer = request->transfer;
	free(request);
	if (is_idle(self))
		self->unlink_by_ms = INT64_MAX;
	return 0;
}

static void take_back(struct link *self, struct request *request)
{
	struct usbip_header header = {.command = USBIP_CMD_UNLINK, .unlink = request->sequence};

	if (!request->transfer || request->unlinking)
		return;
	request->unlinking = true;
	queue(self, &header)->victim = request->sequence;
}

/* What has not begun to go out needs no unlink. */
static void cancel(struct usb_device *usb)
{
	struct link *self = self_of(usb);
	struct request *request, *next;

	if (self->fd < 0)
		return;
	for (request = TAILQ_FIRST(&self->sending); request; request = next) {
		next = TAILQ_NEXT(request, next);
		if (request->transfer && !request->sent)
			finish(self, &self->sending, request, -ERR_CANCELLED);
		else
			take_back(self, request);
	}
	TAILQ_FOREACH(request, &self->waiting, next)
	take_back(self, request);
	if (self->unlink_by_ms == INT64_MAX)
		self->unlink_by_ms = clock_ms() + UNLINK_MS;
	push(self);
}

/* Who imports a device has all of it. */
static int claim(struct usb_device *usb, uint8_t interface, struct err *err)
{
	struct link *self = self_of(usb);

	(void)interface;
	return self->fd < 0 ? gone(self, err) : 0;
}

static void release(struct usb_device *usb, uint8_t interface)
{
	(void)usb;
	(void)interface;
}

static int set_alt(struct usb_device *usb, uint8_t interface, uint8_t alt, struct deadline deadline,
		   struct err *err)
{
	struct usb_setup set_interface = {0x01, 11, alt, interface};

	return usb_control(usb, set_interface, NULL, 0, NULL, deadline, err);
}

static int clear_halt(struct usb_device *usb, uint8_t endpoint, struct deadline deadline,
		      struct err *err)
{
	struct usb_setup clear_feature = {0x02, 1, 0, endpoint};

	return usb_control(usb, clear_feature, NULL, 0, NULL, deadline, err);
}

/* Linux's server resets the device and then passes the request on, which the device cannot know. */
static int reset(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	int rc = usb_control(usb, USBIP_RESET, NULL, 0, NULL, deadline, err);

	return rc == -ERR_BOARD ? 0 : rc;
}

static int await_gone(struct usb_device *usb, struct deadline deadline, struct err *err)
{
	struct link *self = self_of(usb);
	int rc = 0;

	while (rc == 0 && self->fd >= 0)
		rc = pump(self, deadline, err);
	return rc;
}

static void free_all(struct requests *requests)
{
	struct request *request;

	while ((request = TAILQ_FIRST(requests))) {
		TAILQ_REMOVE(requests, request, next);
		free(request);
	}
}

/* The server takes everything back when the connection ends. */
static void close_link(struct usb_device *usb)
{
	struct link *self = self_of(usb);

	closep(&self->fd);
	free_all(&self->sending);
	free_all(&self->waiting);
	free_all(&self->done);
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
	.close = close_link,
};

struct usb_device *usb_ip_link_new(int fd, const struct usbip_device *device,
				   const struct usb_info *info)
{
	struct link *self = xcalloc(1, sizeof(*self));

	self->usb = (struct usb_device){.ops = &ops, .info = *info};
	self->fd = fd;
	self->devid = device->bus << 16 | (device->device & 0xffff);
	self->unlink_by_ms = INT64_MAX;
	TAILQ_INIT(&self->sending);
	TAILQ_INIT(&self->waiting);
	TAILQ_INIT(&self->done);
	return &self->usb;
}
