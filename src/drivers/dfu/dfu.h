// SPDX-License-Identifier: MIT
/*
 * The way into boards whose loader speaks DFU: alternate settings are targets. Where the loader has
 * to be brought in first, a boot chain does that: a table of files, each for the alternate setting
 * by which the ROM or the loader before it asks for it.
 */
#ifndef ABOARD_DRIVERS_DFU_DFU_H
#define ABOARD_DRIVERS_DFU_DFU_H

#include "engine/job_image.h"
#include "engine/job_usb.h"
#include "proto/dfu_suffix.h"

/* One thing to write, or to read. */
struct dfu_item {
	const struct request_item *request;
	const char *alt; /* name or number of the alternate setting; NULL: the device's only one */
	char *describe;  /* "alternate setting 'rootfs'"; owned */
	struct job_image image;
	/* What is sent: the image without its suffix. */
	uint64_t size;            /* bytes; IMAGE_SIZE_UNKNOWN until it was read */
	char sha256[SHA256_TEXT]; /* empty until then */
	bool has_suffix;
	struct dfu_suffix suffix;
	enum dfu_end end;     /* how its download ended */
	bool stayed;          /* it was reset after that, and did not leave the bus */
	const char *unproven; /* why it cannot be read back; NULL: it can */
};

/* One file of a boot chain, in memory. */
struct chain_file {
	const struct chain_row *row;
	struct buf bytes;
	unsigned int sent; /* how often */
};

#define CHAIN_FILES 4

struct dfu_work {
	struct dfu *dfu; /* NULL while the device is not open; owned */
	size_t in_flight;
	struct dfu_item *items;
	size_t item_count;
	const struct chain *chain; /* NULL: none */
	struct chain_file files[CHAIN_FILES];
	size_t file_count;
};

static inline struct dfu_work *work_of(struct job *job)
{
	return (struct dfu_work *)job->own;
}

extern const struct usb_mode dfu_usb_modes[];

/* resolve.c */
int dfu_resolve_flash(struct job *job, struct deadline deadline, struct err *err);
int dfu_resolve_dump(struct job *job, struct deadline deadline, struct err *err);
int dfu_resolve_loader(struct job *job, struct deadline deadline, struct err *err);
void dfu_release(struct job *job);
extern const struct check dfu_flash_checks[], dfu_dump_checks[], dfu_loader_checks[];

/* link.c: the board's device, opened as DFU. ERR_BOARD: it speaks DfuSe. */
int link_open(struct job *job, struct deadline deadline, struct err *err);
/* The same for one that is about to enumerate anew. */
int link_reopen(struct job *job, struct deadline deadline, struct err *err);
void link_close(struct job *job);
/* The item's alternate setting on the device that is open: ERR_TARGET with the list of what there
   is. */
int link_find(struct job *job, const struct dfu_item *item, const struct dfu_alt **alt,
	      struct err *err);
/* Selects it. */
int link_select(struct job *job, const struct dfu_item *item, struct deadline deadline,
		struct err *err);

/* chain.c: resolve reads and checks the files; run sends what the board asks for until its loader
   is there, and leaves that open. */
int chain_resolve(struct job *job, struct err *err);
int chain_run(struct job *job, struct deadline deadline, struct err *err);

/* stages: flash.c, dump.c */
int dfu_connect(struct job *job, struct deadline deadline, struct err *err);
int dfu_write(struct job *job, struct deadline deadline, struct err *err);
int dfu_verify(struct job *job, struct deadline deadline, struct err *err);
int dfu_leave(struct job *job, struct deadline deadline, struct err *err);
int dfu_dump(struct job *job, struct deadline deadline, struct err *err);

/* The image of an item once, from its beginning: what is to be sent of it. */
struct item_stream {
	struct image *image;   /* owned */
	struct reader *strip;  /* owned */
	struct digest *digest; /* of what was read; owned */
	uint64_t size;         /* bytes of it */
	struct reader reader;  /* reads that, and counts */
	struct dfu_suffix suffix;
	bool found;                        /* a suffix; known at the end */
	const struct usb_info *for_device; /* what it must be for; NULL: not looked at. Borrowed */
};

int item_stream_open(struct job *job, struct dfu_item *item, struct item_stream *stream,
		     struct deadline deadline, struct err *err);
/* At the end of the stream: it was the image of the plan; fills in what is known only now. */
int item_stream_end(struct dfu_item *item, struct item_stream *stream, struct err *err);
void item_stream_close(struct item_stream *stream);

#endif
