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
	/* Data of a download; any number of calls, together `total` bytes of the DATA answer. All
	   but the last have a multiple of FASTBOOT_STEP bytes. */
	int (*send_data)(struct fastboot_link *link, const void *data, size_t size,
			 struct deadline deadline, struct err *err);
	/* Data that the device sends: some of at most `size` bytes that are still to come. */
	int (*receive_data)(struct fastboot_link *link, void *data, size_t size, size_t *got,
			    struct deadline deadline, struct err *err);
	/* Leaves a half-done exchange behind, also one of an earlier host. ERR_NETWORK: this link
	   cannot; it has to be opened anew. */
	int (*recover)(struct fastboot_link *link, struct deadline deadline, struct err *err);
	void (*close)(struct fastboot_link *link);
};

#define FASTBOOT_STEP ((size_t)1 << 20)

/* Claims the fastboot interface (class ff/42/03) of an open device, which stays the caller's.
   ERR_BOARD: it has none. */
int fastboot_usb(struct fastboot_link **link, struct usb_device *usb, struct deadline deadline,
		 struct err *err);
/* "HOST" or "HOST:PORT", an IPv6 address in brackets. ERR_NETWORK: nothing answers. */
int fastboot_tcp(struct fastboot_link **link, const char *address, struct deadline deadline,
		 struct err *err);
int fastboot_udp(struct fastboot_link **link, const char *address, struct deadline deadline,
		 struct err *err);

/* HOST with `:5554` behind it where it gives no port; owned by the caller. */
char *fastboot_address(const char *address);

struct fastboot {
	struct fastboot_link *link; /* owned */
	/* What the device says on the way (INFO and TEXT). NULL: nobody listens. */
	void (*info)(void *context, const char *text);
	void *info_context;
	/* How many bytes of a download, or of a fetch, have passed. NULL: nobody listens. */
	void (*moved)(void *context, uint64_t bytes);
	void *moved_context;
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
	char text[FASTBOOT_ANSWER]; /* printable, behind the four letters; UNKNOWN: all of it */
	uint32_t size;              /* FASTBOOT_DATA: bytes */
};

void fastboot_parse(const void *data, size_t size, struct fastboot_answer *answer);

/* Sends a command (printf) and waits for its end; `value` (NULL: not wanted) receives the text of
   OKAY. FAIL is ERR_BOARD with the device's words; ERR_USAGE: longer than the link takes;
   ERR_TIMEOUT: no end of it before the deadline, whatever the device said on the way. */
int fastboot_command(struct fastboot *fastboot, char value[FASTBOOT_ANSWER],
		     struct deadline deadline, struct err *err, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* The same for a command that the device may refuse: *refused (and success) when it answers FAIL,
   and `value` has its words. */
int fastboot_try(struct fastboot *fastboot, char value[FASTBOOT_ANSWER], bool *refused,
		 struct deadline deadline, struct err *err, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* A variable; *known false (and success) when the device does not have it: U-Boot answers FAIL,
   AOSP an empty OKAY. */
int fastboot_getvar(struct fastboot *fastboot, const char *name, char value[FASTBOOT_ANSWER],
		    bool *known, struct deadline deadline, struct err *err);

/* The same for a number: with or without 0x, hexadecimal only with it. Not a number is not known.
 */
int fastboot_getvar_number(struct fastboot *fastboot, const char *name, uint64_t *value,
			   bool *known, struct deadline deadline, struct err *err);

/* Exactly `size` bytes of a reader, or of memory, into the device's buffer. */
int fastboot_download(struct fastboot *fastboot, struct reader *from, uint32_t size,
		      struct deadline deadline, struct err *err);
int fastboot_download_bytes(struct fastboot *fastboot, const void *data, uint32_t size,
			    struct deadline deadline, struct err *err);

/* Part of a partition from the device (AOSP fastbootd's `fetch`), given to `take` in order. */
struct fastboot_sink {
	int (*take)(void *context, const void *data, size_t size, struct err *err);
	void *context;
};

int fastboot_fetch(struct fastboot *fastboot, const char *partition, uint64_t offset, uint32_t size,
		   const struct fastboot_sink *sink, struct deadline deadline, struct err *err);

/* Asks for a variable that every device has, and when that is not answered as it should, leaves
   the half-done exchange of an earlier host behind and asks again. */
int fastboot_hello(struct fastboot *fastboot, struct deadline deadline, struct err *err);

#endif
