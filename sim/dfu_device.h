// SPDX-License-Identifier: MIT
/*
 * The state machine of a device in DFU mode (USB DFU 1.1, appendix A), strict or with the
 * deviations of the loaders that models play. What is written and read is the model's.
 */
#ifndef ABOARD_SIM_DFU_DEVICE_H
#define ABOARD_SIM_DFU_DEVICE_H

#include "proto/dfu.h"
#include "sim/face.h"
#include "sim/sim.h"

/* How a loader differs. U-Boot: drivers/usb/gadget/f_dfu.c; TF-A: plat/st/common/usb_dfu.c,
   drivers/st; the ROM of STM32MP as published logs show it. */
struct dfu_manners {
	bool says_sync;     /* GETSTATUS after a block answers dfuDNLOAD-SYNC once */
	bool says_busy;     /* it answers dfuDNBUSY, once or until the poll timeout has passed */
	bool must_wait;     /* a request before the poll timeout has passed is an error */
	bool counts_blocks; /* numbers start at 0 and rise by one */
	bool refusal_keeps; /* what is refused is stalled, and the state stays */
	uint8_t refused;    /* bStatus after a refused request */
	uint8_t miscounted; /* bStatus after a wrong block number */
	bool detaches;      /* DETACH in dfuIDLE leaves DFU */
	bool detaches_ever; /* DETACH in any state but dfuERROR does */
	bool alt_resets;    /* SET_INTERFACE goes to dfuIDLE */
};

extern const struct dfu_manners dfu_strict, dfu_uboot, dfu_tfa, dfu_rom;

struct dfu_device;

struct dfu_device_ops {
	/* One block; the status of DFU (0: OK). `at` counts the bytes before it. */
	uint8_t (*write)(struct dfu_device *dfu, uint64_t at, const uint8_t *data, size_t size);
	/* All blocks are there (`size` bytes): manifest. */
	uint8_t (*finish)(struct dfu_device *dfu, uint64_t size);
	/* Fills up to *size bytes from `at` on; false: refused. Fewer: the end. */
	bool (*read)(struct dfu_device *dfu, uint64_t at, uint8_t *data, size_t *size);
	void (*detach)(struct dfu_device *dfu); /* NULL: none */
};

struct dfu_device {
	const struct dfu_manners *manners;
	const struct dfu_device_ops *ops;
	struct sim_device *device; /* borrowed: whose time and leaving it is */
	struct dfu_function function;
	uint32_t poll_ms, manifest_ms; /* bwPollTimeout of a block, and of manifestation */

	uint8_t alt, state, status;
	uint16_t block;   /* number expected next */
	uint64_t at;      /* bytes moved */
	bool told;        /* dfuDNLOAD-SYNC or dfuDNBUSY was told of this block */
	bool stuck;       /* for ever busy, until it is reset */
	int64_t ready_us; /* when the block is written */
};

/* Back to dfuIDLE, as after enumeration; the alternate setting stays. */
void dfu_device_reset(struct dfu_device *dfu);

/* All class requests, and SET_INTERFACE. */
enum sim_status dfu_device_control(struct dfu_device *dfu, struct usb_setup setup, uint8_t *data,
				   size_t *size);

/* One interface with these alternate settings (names ended by NULL) and the functional
   descriptor. */
void dfu_face(struct sim_face *face, const struct dfu_function *function, const char *const *names);

#endif
