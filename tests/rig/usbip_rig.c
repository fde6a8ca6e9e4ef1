// SPDX-License-Identifier: MIT
#include "rig/usbip_rig.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "io/usbip_wire.h"

#define CLIENTS  16
#define KEPT_MAX (1 << 20)
#define RESET_   (-104)

struct client {
	int fd; /* -1: free */
	bool imported;
	char busid[USBIP_BUSID + 1];
	unsigned int address;
	uint32_t held; /* sequence number of the transfer that is not answered */
	uint32_t held_endpoint;
};

struct usbip_rig {
	pthread_t thread;
	pthread_mutex_t lock;
	int listener, wake;
	bool stop;
	char address[64];
	struct rig_device devices[RIG_DEVICES];
	size_t count;
	struct client clients[CLIENTS];
	struct usb_setup last;
	unsigned int imports;
	uint8_t *kept;
	size_t kept_size;
};

static bool read_all(int fd, void *data, size_t size)
{
	return !size || recv(fd, data, size, MSG_WAITALL) == (ssize_t)size;
}

static void write_all(int fd, const void *data, size_t size)
{
	const char *at = data;
	ssize_t step;

	for (; size > 0; at += step, size -= (size_t)step) {
		step = send(fd, at, size, MSG_NOSIGNAL);
		if (step < 0)
			return;
	}
}

static void drop(struct client *client)
{
	closep(&client->fd);
	*client = (struct client){.fd = -1};
}

static struct rig_device *find(struct usbip_rig *rig, const char *busid)
{
	size_t i;

	for (i = 0; i < rig->count; i++)
		if (strcmp(rig->devices[i].busid, busid) == 0)
			return &rig->devices[i];
	return NULL;
}

static bool is_there(struct usbip_rig *rig, const struct client *client)
{
	const struct rig_device *device = find(rig, client->busid);

	return device && device->address == client->address;
}

static void put_device(const struct rig_device *device, uint8_t out[USBIP_DEVICE_SIZE])
{
	struct usbip_device wire = {
		.path = "/sys/devices/rig",
		.bus = 1,
		.device = device->address,
		.speed = usbip_speed_of(device->speed ? device->speed : USB_SPEED_HIGH),
		.class = device->class,
		.vid = device->vid,
		.pid = device->pid,
		.release = 0x0100,
		.configuration = device->unconfigured ? 0 : 1,
		.configuration_count = 1,
		.interface_count = device->unconfigured ? 0 : 1,
	};

	snprintf(wire.busid, sizeof(wire.busid), "%s", device->busid);
	usbip_put_device(out, &wire);
}

static void reply(int fd, uint16_t code, uint32_t status)
{
	struct usbip_op op = {USBIP_VERSION, code, status};
	uint8_t bytes[USBIP_OP_SIZE];

	usbip_put_op(bytes, &op);
	write_all(fd, bytes, sizeof(bytes));
}

static void devlist(struct usbip_rig *rig, int fd)
{
	uint8_t bytes[USBIP_DEVICE_SIZE], count[4];
	size_t i;

	reply(fd, USBIP_OP_REP_DEVLIST, 0);
	put_be32(count, (uint32_t)rig->count);
	write_all(fd, count, sizeof(count));
	for (i = 0; i < rig->count; i++) {
		const struct usb_class *class = &rig->devices[i].interface;
		const uint8_t interface[4] = {class->class, class->subclass, class->protocol};

		put_device(&rig->devices[i], bytes);
		write_all(fd, bytes, sizeof(bytes));
		if (!rig->devices[i].unconfigured)
			write_all(fd, interface, sizeof(interface));
	}
}

/* False: the connection is over. */
static bool operation(struct usbip_rig *rig, struct client *client)
{
	uint8_t bytes[USBIP_DEVICE_SIZE];
	struct rig_device *device;
	struct usbip_op op;

	if (!read_all(client->fd, bytes, USBIP_OP_SIZE))
		return false;
	usbip_get_op(bytes, &op);
	if (op.code == USBIP_OP_REQ_DEVLIST)
		devlist(rig, client->fd);
	if (op.code != USBIP_OP_REQ_IMPORT || !read_all(client->fd, client->busid, USBIP_BUSID))
		return false;
	device = find(rig, client->busid);
	reply(client->fd, USBIP_OP_REP_IMPORT, !device ? 4 : device->busy ? 2 : 0);
	if (!device || device->busy)
		return false;
	put_device(device, bytes);
	write_all(client->fd, bytes, sizeof(bytes));
	client->imported = true;
	client->address = device->address;
	rig->imports++;
	return true;
}

/* Standard requests; returns how many bytes of `out`, or RIG_STALLED. */

static int device_descriptor(const struct rig_device *device, uint8_t *out)
{
	const uint8_t bytes[18] = {
		18,
		1,
		0,
		2,
		0,
		0,
		0,
		64,
		(uint8_t)device->vid,
		(uint8_t)(device->vid >> 8),
		(uint8_t)device->pid,
		(uint8_t)(device->pid >> 8),
		0,
		1,
		device->manufacturer ? 1 : 0,
		device->product ? 2 : 0,
		device->serial ? 3 : 0,
		1,
	};

	memcpy(out, bytes, sizeof(bytes));
	return sizeof(bytes);
}

static int configuration(const struct rig_device *device, uint8_t *out)
{
	const struct usb_class *class = &device->interface;
	const uint8_t type = device->report ? 3 : 2;
	const uint8_t bytes[] = {
		9,
		2,
		32,
		0,
		1,
		7,
		0,
		0xc0,
		50,
		9,
		4,
		0,
		0,
		2,
		class->class,
		class->subclass,
		class->protocol,
		0,
		7,
		5,
		0x81,
		type,
		0,
		2,
		0, /* */
		7,
		5,
		0x01,
		type,
		0,
		2,
		0,
	};

	memcpy(out, bytes, sizeof(bytes));
	return sizeof(bytes);
}

static int string(struct rig_device *device, uint8_t index, uint8_t *out)
{
	const char *const texts[] = {"", device->manufacturer, device->product, device->serial};
	const char *text = index < ARRAY_SIZE(texts) ? texts[index] : NULL;
	size_t i;

	if (device->bad_strings > 0) {
		device->bad_strings--;
		return RIG_STALLED;
	}
	if (!text)
		return RIG_STALLED;
	if (!index) {
		memcpy(out, "\4\3\t\4", 4);
		return 4;
	}
	out[0] = (uint8_t)(2 + 2 * strlen(text));
	out[1] = 3;
	for (i = 0; text[i]; i++)
		put_le16(out + 2 + 2 * i, (uint8_t)text[i]);
	return out[0];
}

static int standard(struct rig_device *device, struct usb_setup setup, uint8_t *out)
{
	if (setup.request_type != 0x80 || setup.request != 6)
		return RIG_STANDARD;
	switch (setup.value >> 8) {
	case 1:
		return device_descriptor(device, out);
	case 2:
		return configuration(device, out);
	case 3:
		return string(device, (uint8_t)setup.value, out);
	default:
		return RIG_STALLED;
	}
}

static int control(struct usbip_rig *rig, struct rig_device *device, const uint8_t *bytes,
		   uint8_t *out)
{
	struct usb_setup setup;
	int size = RIG_STANDARD;
	uint16_t length;

	usb_get_setup(bytes, &setup, &length);
	if (device->control)
		size = device->control(device->context, setup, out);
	if (size == RIG_STANDARD)
		size = standard(device, setup, out);
	if (size != RIG_STANDARD)
		return size;
	rig->last = setup;
	/* Vendor request 1 gives what it is asked for, 2 as much less as its value says. */
	if (setup.request_type == 0xc0 && setup.request == 1)
		return length;
	if (setup.request_type == 0xc0 && setup.request == 2)
		return length - setup.value;
	return setup.request_type & 0x80 || setup.request_type == 0x40 ? RIG_STALLED : 0;
}

static void answer(int fd, const struct usbip_header *to, int32_t status, uint32_t actual,
		   const uint8_t *data)
{
	struct usbip_header header = {
		.command = USBIP_RET_SUBMIT,
		.sequence = to->sequence,
		.status = status,
		.actual = actual,
	};
	uint8_t bytes[USBIP_HEADER_SIZE];

	usbip_put_header(bytes, &header);
	write_all(fd, bytes, sizeof(bytes));
	if (data)
		write_all(fd, data, actual);
}

static bool do_control(struct usbip_rig *rig, struct client *client,
		       const struct usbip_header *header)
{
	uint8_t out[65536] = {0};
	int size = control(rig, find(rig, client->busid), header->setup, out);

	if (size < 0)
		answer(client->fd, header, size, 0, NULL);
	else if (!header->in)
		answer(client->fd, header, 0, header->length, NULL);
	else
		answer(client->fd, header, 0,
		       (uint32_t)size < header->length ? (uint32_t)size : header->length, out);
	return true;
}

static bool do_data(struct usbip_rig *rig, struct client *client, const struct usbip_header *header,
		    const uint8_t *data)
{
	const struct rig_device *device = find(rig, client->busid);
	uint32_t length = header->length;

	if (!header->in) {
		memcpy(rig->kept, data, length);
		rig->kept_size = length;
		if (device->report)
			device->report(device->context, rig->kept);
		answer(client->fd, header, 0, length, NULL);
		return true;
	}
	if (length > rig->kept_size)
		length = (uint32_t)rig->kept_size;
	answer(client->fd, header, 0, length, rig->kept);
	return true;
}

/* False: the device is gone. */
static bool endpoint(struct usbip_rig *rig, struct client *client, struct usbip_header *header,
		     const uint8_t *data)
{
	static const uint8_t zeros[64];

	switch ((enum rig_endpoint)header->endpoint) {
	case RIG_DATA:
		return do_data(rig, client, header, data);
	case RIG_STALL:
		answer(client->fd, header, RIG_STALLED, 0, NULL);
		return true;
	case RIG_GONE:
		return false;
	case RIG_TOO_MUCH:
		answer(client->fd, header, 0, header->length + 1, NULL);
		return true;
	case RIG_UNKNOWN:
		header->sequence += 100;
		answer(client->fd, header, 0, 0, zeros);
		return true;
	case RIG_SILENT:
	case RIG_LATE:
	case RIG_DEAF:
		client->held = header->sequence;
		client->held_endpoint = header->endpoint;
		return true;
	}
	answer(client->fd, header, RIG_STALLED, 0, NULL);
	return true;
}

static void unlink_one(struct client *client, const struct usbip_header *header)
{
	struct usbip_header done = {.command = USBIP_RET_UNLINK, .sequence = header->sequence};
	struct usbip_header held = {.sequence = header->unlink};
	uint8_t bytes[USBIP_HEADER_SIZE];

	if (header->unlink == client->held && client->held_endpoint == RIG_DEAF)
		return;
	if (header->unlink == client->held && client->held_endpoint == RIG_SILENT)
		done.status = RESET_;
	usbip_put_header(bytes, &done);
	write_all(client->fd, bytes, sizeof(bytes));
	/* As Linux's server may do: the answer comes behind the news that it was too late. */
	if (header->unlink == client->held && client->held_endpoint == RIG_LATE)
		answer(client->fd, &held, 0, 3, (const uint8_t *)"end");
}

static bool message(struct usbip_rig *rig, struct client *client)
{
	static uint8_t data[KEPT_MAX];
	uint8_t bytes[USBIP_HEADER_SIZE];
	struct usbip_header header;

	if (!client->imported)
		return operation(rig, client);
	if (!is_there(rig, client))
		return false;
	if (!read_all(client->fd, bytes, sizeof(bytes)) || !usbip_get_header(bytes, &header))
		return false;
	if (header.command == USBIP_CMD_UNLINK) {
		unlink_one(client, &header);
		return true;
	}
	if (!header.in && (header.length > KEPT_MAX || !read_all(client->fd, data, header.length)))
		return false;
	if (!header.endpoint)
		return do_control(rig, client, &header);
	return endpoint(rig, client, &header, data);
}

static void drop_what_left(struct usbip_rig *rig)
{
	size_t i;

	for (i = 0; i < CLIENTS; i++)
		if (rig->clients[i].imported && !is_there(rig, &rig->clients[i]))
			drop(&rig->clients[i]);
}

static void welcome(struct usbip_rig *rig)
{
	int fd = accept(rig->listener, NULL, NULL), yes = 1;
	size_t i;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	for (i = 0; fd >= 0 && i < CLIENTS; i++)
		if (rig->clients[i].fd < 0)
			rig->clients[i].fd = steal_fd(&fd);
	closep(&fd);
}

static void serve(struct usbip_rig *rig, const struct pollfd *fds)
{
	uint64_t count;
	size_t i;

	if (fds[0].revents)
		welcome(rig);
	if (fds[1].revents && read(rig->wake, &count, sizeof(count)) > 0)
		drop_what_left(rig);
	for (i = 0; i < CLIENTS; i++)
		if (rig->clients[i].fd >= 0 && rig->clients[i].fd == fds[i + 2].fd &&
		    fds[i + 2].revents && !message(rig, &rig->clients[i]))
			drop(&rig->clients[i]);
}

static void *run(void *context)
{
	struct usbip_rig *rig = context;
	struct pollfd fds[CLIENTS + 2];
	bool stop = false;
	size_t i;

	while (!stop) {
		fds[0] = (struct pollfd){rig->listener, POLLIN, 0};
		fds[1] = (struct pollfd){rig->wake, POLLIN, 0};
		for (i = 0; i < CLIENTS; i++)
			fds[i + 2] = (struct pollfd){rig->clients[i].fd, POLLIN, 0};
		poll(fds, CLIENTS + 2, -1);
		pthread_mutex_lock(&rig->lock);
		serve(rig, fds);
		stop = rig->stop;
		pthread_mutex_unlock(&rig->lock);
	}
	return NULL;
}

static void wake(struct usbip_rig *rig)
{
	uint64_t one = 1;

	if (write(rig->wake, &one, sizeof(one)) != sizeof(one))
		abort();
}

struct usbip_rig *usbip_rig_new(void)
{
	struct usbip_rig *rig = xcalloc(1, sizeof(*rig));
	struct sockaddr_in name = {.sin_family = AF_INET};
	socklen_t size = sizeof(name);
	size_t i;

	for (i = 0; i < CLIENTS; i++)
		rig->clients[i].fd = -1;
	rig->kept = xcalloc(1, KEPT_MAX);
	rig->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rig->wake = eventfd(0, EFD_CLOEXEC);
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(rig->listener, (struct sockaddr *)&name, size) < 0 ||
	    listen(rig->listener, CLIENTS) < 0 ||
	    getsockname(rig->listener, (struct sockaddr *)&name, &size) < 0)
		abort();
	snprintf(rig->address, sizeof(rig->address), "usbip://127.0.0.1:%d", ntohs(name.sin_port));
	pthread_mutex_init(&rig->lock, NULL);
	if (pthread_create(&rig->thread, NULL, run, rig))
		abort();
	return rig;
}

void usbip_rig_free(struct usbip_rig *rig)
{
	size_t i;

	pthread_mutex_lock(&rig->lock);
	rig->stop = true;
	pthread_mutex_unlock(&rig->lock);
	wake(rig);
	pthread_join(rig->thread, NULL);
	pthread_mutex_destroy(&rig->lock);
	for (i = 0; i < CLIENTS; i++)
		drop(&rig->clients[i]);
	closep(&rig->listener);
	closep(&rig->wake);
	free(rig->kept);
	free(rig);
}

void usbip_rig_freep(struct usbip_rig **rig)
{
	if (*rig)
		usbip_rig_free(*rig);
}

const char *usbip_rig_address(const struct usbip_rig *rig)
{
	return rig->address;
}

void usbip_rig_plug(struct usbip_rig *rig, const struct rig_device *devices, size_t count)
{
	pthread_mutex_lock(&rig->lock);
	if (count > 0)
		memcpy(rig->devices, devices, count * sizeof(*devices));
	rig->count = count;
	pthread_mutex_unlock(&rig->lock);
	wake(rig);
}

unsigned int usbip_rig_imports(struct usbip_rig *rig)
{
	unsigned int imports;

	pthread_mutex_lock(&rig->lock);
	imports = rig->imports;
	pthread_mutex_unlock(&rig->lock);
	return imports;
}

struct usb_setup usbip_rig_last(struct usbip_rig *rig)
{
	struct usb_setup last;

	pthread_mutex_lock(&rig->lock);
	last = rig->last;
	pthread_mutex_unlock(&rig->lock);
	return last;
}
