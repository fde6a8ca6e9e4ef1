// SPDX-License-Identifier: MIT
/*
 * A whole image into a partition of a fastboot device, whatever its size: as Android sparse pieces
 * that fit the device's buffer, or raw where the partition takes nothing else. For every driver
 * whose board speaks fastboot.
 */
#ifndef ABOARD_DRIVERS_FASTBOOT_SEND_H
#define ABOARD_DRIVERS_FASTBOOT_SEND_H

#include "image/image.h"
#include "image/sparse_out.h"
#include "proto/fastboot.h"

/* What must read back from the partition: grows with all that is sent. */
struct fastboot_proof {
	struct sparse_range *ranges; /* owned; offsets in the partition */
	size_t count, space;
};

void fastboot_proof_free(struct fastboot_proof *proof);

enum fastboot_form {
	FASTBOOT_FORM_AUTO,   /* raw when it is small and fits, else sparse */
	FASTBOOT_FORM_SPARSE, /* always sparse */
	FASTBOOT_FORM_RAW,    /* in one download, or not at all */
};

/* The largest image that AUTO sends raw. */
#define FASTBOOT_RAW_MAX ((uint64_t)4 << 20)

struct fastboot_send {
	const char *partition;
	enum fastboot_form form;
	uint64_t size;   /* of the image in bytes; IMAGE_SIZE_UNKNOWN: never raw */
	uint64_t buffer; /* bytes of the device's buffer; see fastboot_buffer() */
	uint64_t rate;   /* bytes a second that the medium writes at least; 0: 1 MB/s. So long,
			    and half a minute, the device may be silent */
	uint64_t erased; /* bytes of the partition, from its start, that read as zeros already */
	struct fastboot_proof *proof; /* NULL: not wanted */
	/* Bytes of the image that are done; NULL: nobody listens. */
	void (*progress)(void *context, uint64_t done);
	void *context;
};

/* Whether `how` sends the image raw. */
bool fastboot_is_raw(const struct fastboot_send *how);

/* The device's `max-download-size`, or FASTBOOT_BUFFER when it does not tell. ERR_BOARD: it is too
   small for anything. */
#define FASTBOOT_BUFFER ((uint64_t)8 << 20)
int fastboot_buffer(struct fastboot *fastboot, uint64_t *bytes, struct deadline deadline,
		    struct err *err);

/* The image must not have been read yet; it is read to its end. ERR_TARGET: raw, and too large for
   the buffer. Errors of the device name the piece. */
int fastboot_send_image(struct fastboot *fastboot, const struct fastboot_send *how,
			struct image *image, struct deadline deadline, struct err *err);

#endif
