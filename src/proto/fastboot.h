// SPDX-License-Identifier: MIT
/*
 * Android fastboot from the host's side, over USB, TCP and UDP (AOSP fastboot/README.md), with what
 * U-Boot's does differently (U-Boot doc/android/fastboot.rst, drivers/fastboot).
 */
#ifndef ABOARD_PROTO_FASTBOOT_H
#define ABOARD_PROTO_FASTBOOT_H

#include "base/reader.h"
#include "io/usb.h"

#define FASTBOOT_COMMAND 64  /* bytes that every device takes; no NUL */
#define FASTBOOT_ANSWER  256 /* bytes of an answer at most */
#define FASTBOOT_PORT    5554

/* A way to carry packets: one command or answer each, and bulk data. */
struct fastboot_link {
	const struct fastboot_link_ops *ops;
	size_t packet_max; /* bytes of a command */
};

struct fastboot_link_ops {
	int (*send)(struct fastboot_link *link, const void *data, size_t size,
		    struct deadline deadline, struct err *err);
	/* One packet; *got at most size. */
	int (*receive)(struct fastboot_link *link, void *data, size_t size, size_t *got,
		       struct deadline deadline, struct err *err);
	/* Data of a download; any number of calls, together `total` bytes of the DATA answer. */
	int (*send_data)(struct fastboot_link *link, const void *data, size_t size,
			 struct deadline deadline, struct err *err);
	/* Leaves a half-done exchange behind. */
	int (*recover)(struct fastboot_link *link, struct deadline deadline, struct err *err);
	void (*close)(struct fastboot_link *link);
};

/* Claims the fastboot interface (class ff/42/03) of an open device, which stays the caller's. */
int fastboot_usb(struct fastboot_link **link, struct usb_device *usb, struct deadline deadline,
		 struct err *err);
/* "HOST" or "HOST:PORT". */
int fastboot_tcp(struct fastboot_link **link, const char *address, struct deadline deadline,
		 struct err *err);
int fastboot_udp(struct fastboot_link **link, const char *address, struct deadline deadline,
		 struct err *err);

struct fastboot {
	struct fastboot_link *link; /* owned */
	/* What the device says on the way (INFO and TEXT). NULL: nobody listens. */
	void (*info)(void *context, const char *text);
	void *context;
};

void fastboot_close(struct fastboot *fastboot);

/* An answer, taken apart: pure, of bytes that are not trusted. */
enum fastboot_kind {
	FASTBOOT_INFO,
	FASTBOOT_TEXT,
	FASTBOOT_OKAY,
	FASTBOOT_FAIL,
	FASTBOOT_DATA,
	FASTBOOT_UNKNOWN,
};

struct fastboot_answer {
	enum fastboot_kind kind;
	char text[FASTBOOT_ANSWER]; /* printable, behind the four letters */
	uint32_t size;              /* FASTBOOT_DATA: bytes */
};

void fastboot_parse(const void *data, size_t size, struct fastboot_answer *answer);

/* Sends a command (printf) and waits for its end; `value` (NULL: not wanted) receives the text of
   OKAY. FAIL is ERR_BOARD with the device's words; ERR_USAGE: longer than the link takes. */
int fastboot_command(struct fastboot *fastboot, char value[FASTBOOT_ANSWER],
		     struct deadline deadline, struct err *err, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* A variable; *known false (and success) when the device does not have it. */
int fastboot_getvar(struct fastboot *fastboot, const char *name, char value[FASTBOOT_ANSWER],
		    bool *known, struct deadline deadline, struct err *err);

/* Exactly `size` bytes of a reader into the device's buffer. */
int fastboot_download(struct fastboot *fastboot, struct reader *from, uint32_t size,
		      struct deadline deadline, struct err *err);

#endif
