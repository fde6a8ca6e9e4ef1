// SPDX-License-Identifier: MIT
/*
 * USB Device Firmware Upgrade 1.1 (USB-IF, 2004) from the host's side, in DFU mode: alternate
 * settings by name, download, upload, detach. What many loaders do differently is tolerated here
 * and said where: poll timeouts of 24 bits that may be wrong, names that cannot be read at once, a
 * device that is busy inside a transfer, one that vanishes after the last block.
 */
#ifndef ABOARD_PROTO_DFU_H
#define ABOARD_PROTO_DFU_H

#include "base/reader.h"
#include "io/usb.h"

enum dfu_state { /* section 6.1.2 */
	DFU_APP_IDLE,
	DFU_APP_DETACH,
	DFU_IDLE,
	DFU_DNLOAD_SYNC,
	DFU_DNBUSY,
	DFU_DNLOAD_IDLE,
	DFU_MANIFEST_SYNC,
	DFU_MANIFEST,
	DFU_MANIFEST_WAIT_RESET,
	DFU_UPLOAD_IDLE,
	DFU_ERROR,
};

/* The answer to GETSTATUS. */
#define DFU_STATUS_SIZE 6

#define DFU_STATUS_ADDRESS 8 /* errADDRESS, section 6.1.2: there is no room for what was sent */

struct dfu_status {
	uint8_t status;   /* 0: OK */
	uint32_t poll_ms; /* bwPollTimeout, 24 bits */
	uint8_t state;    /* enum dfu_state */
	uint8_t string;
};

/* Pure. */
void dfu_status_parse(const uint8_t bytes[DFU_STATUS_SIZE], struct dfu_status *status);
const char *dfu_status_name(uint8_t status); /* "errWRITE: ..." in words; never NULL */
const char *dfu_state_name(uint8_t state);   /* "dfuIDLE"; never NULL */

/* The functional descriptor (section 4.1.3). */
#define DFU_CAN_DOWNLOAD           0x01u
#define DFU_CAN_UPLOAD             0x02u
#define DFU_MANIFESTATION_TOLERANT 0x04u
#define DFU_WILL_DETACH            0x08u

struct dfu_function {
	uint8_t attributes;
	uint16_t detach_ms;
	uint16_t transfer_size; /* bytes */
	uint16_t version;       /* bcdDFUVersion */
};

#define DFU_VERSION_DFUSE 0x011a /* ST's DfuSe: another protocol with the same requests */

/* Pure; false: `size` bytes (at least 2) are no functional descriptor. */
bool dfu_function_parse(const uint8_t *bytes, size_t size, struct dfu_function *function);

struct dfu_alt {
	uint8_t alt;
	char name[USB_TEXT]; /* empty: none, or it could not be read */
};

#define DFU_ALTS_MAX 250

struct dfu {
	struct usb_device *usb; /* borrowed */
	uint8_t interface;
	struct dfu_function function;
	struct dfu_alt alts[DFU_ALTS_MAX];
	size_t alt_count;
	size_t block_size;   /* bytes a block has: the transfer size, at most USB_CONTROL_SIZE */
	size_t in_flight;    /* blocks that may be under way at once, each with its GETSTATUS right
				behind it. 2 once the device has taken a first block without asking
				for time; 1 (lockstep) for good when it ever asks for it. A caller may
				set 1 after dfu_open(), and keeps 1 for the next try */
	int64_t transfer_ms; /* how long one control transfer may take: U-Boot writes to the medium
				inside one. Default 60 s */
};

/* The DFU interface of a configuration: pure, of bytes that are not trusted. ERR_BOARD: there is
   none. Names are left empty; `strings[n]` is the index of the name of alts[n]. A function of all
   zeros: the configuration has no functional descriptor. */
int dfu_parse(const uint8_t *configuration, size_t size, struct dfu *dfu,
	      uint8_t strings[DFU_ALTS_MAX], struct err *err);

/* Claims the interface of an open device, reads its descriptors and names (again for a second while
   they cannot be read), and brings it to dfuIDLE: an error is cleared, a transfer that was left
   half-way is aborted. ERR_BOARD: it is no DFU device, or one whose application runs. */
int dfu_open(struct dfu *dfu, struct usb_device *usb, struct deadline deadline, struct err *err);
void dfu_close(struct dfu *dfu); /* the device stays open */

/* By name, by the first word of a name, or by number; NULL: there is none. */
const struct dfu_alt *dfu_find(const struct dfu *dfu, const char *name);

int dfu_select(struct dfu *dfu, const struct dfu_alt *alt, struct deadline deadline,
	       struct err *err);
int dfu_get_status(struct dfu *dfu, struct dfu_status *status, struct deadline deadline,
		   struct err *err);
/* To dfuIDLE from any state; ERR_BOARD when the device does not get there. */
int dfu_make_idle(struct dfu *dfu, struct deadline deadline, struct err *err);

/* How a download ended. */
enum dfu_end {
	DFU_END_IDLE,  /* manifested, and idle again */
	DFU_END_GONE,  /* the device vanished after its last block: it is judged by what comes back
			*/
	DFU_END_RESET, /* it waits for a bus reset */
};

struct dfu_progress {
	void (*step)(void *context, uint64_t done); /* NULL: none */
	void *context;
};

/* Sends all bytes of a reader to the alternate setting that is selected, from block 0 on, and
   manifests. ERR_IMAGE: there are none, and DFU cannot send an empty file. ERR_BOARD: the device
   refused, said in its words and with the block that it was about; when it asked for time while the
   next block was under way already, in_flight is 1 now and another try may do. Whatever went wrong,
   the device has been brought back to dfuIDLE if that was possible. */
int dfu_download(struct dfu *dfu, struct reader *from, const struct dfu_progress *progress,
		 enum dfu_end *end, struct deadline deadline, struct err *err);

/* Reads the alternate setting that is selected from its start: at most `limit` bytes, given to
   `take` in order; less when the device ends earlier. What is left is aborted. */
struct dfu_sink {
	int (*take)(void *context, const void *data, size_t size, struct err *err);
	void *context;
};

int dfu_upload(struct dfu *dfu, uint64_t limit, const struct dfu_sink *sink, uint64_t *got,
	       struct deadline deadline, struct err *err);

/* One UPLOAD of block 0, as some loaders answer a question (ST's GETPHASE). *got is at most size.
 */
int dfu_ask(struct dfu *dfu, void *data, size_t size, size_t *got, struct deadline deadline,
	    struct err *err);

/* DETACH as U-Boot and TF-A take it in DFU mode: leave DFU. That the device is gone before it has
   answered is success. */
int dfu_detach(struct dfu *dfu, struct deadline deadline, struct err *err);

/* The suffix of a .dfu file (appendix B). */
#define DFU_SUFFIX_SIZE 16

struct dfu_suffix {
	uint16_t device, product, vendor; /* 0xffff: any */
	uint16_t version;                 /* 0x0100; 0x011a: DfuSe */
	uint32_t crc;                     /* as stored */
	uint8_t length;                   /* of the suffix; 16 or more */
};

/* Pure; false when the last bytes are no suffix. */
bool dfu_suffix_parse(const uint8_t last[DFU_SUFFIX_SIZE], struct dfu_suffix *suffix);

#endif
