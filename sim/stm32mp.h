// SPDX-License-Identifier: MIT
/*
 * The model of a board with an STM32MP1 or MP2 in USB recovery, as its parts see it: boot ROM, TF-A
 * BL2, U-Boot's `stm32prog`, and what U-Boot may become after it. Sources: TF-A
 * plat/st/common/stm32cubeprogrammer_usb.c, plat/st/stm32mp1/stm32mp1_usb_dfu.c; U-Boot
 * arch/arm/mach-stm32mp/cmd_stm32prog; published logs for the ROM, which has no public source.
 */
#ifndef ABOARD_SIM_STM32MP_H
#define ABOARD_SIM_STM32MP_H

#include "sim/dfu_device.h"
#include "sim/fb_usb.h"
#include "sim/media.h"
#include "sim/models.h"
#include "sim/stm32mp_layout.h"
#include "sim/uboot.h"
#include "sim/ums_device.h"

enum stm_stage {
	STM_ROM,
	STM_TFA,
	STM_SPL, /* U-Boot's SPL in TF-A's place: a plain DFU device */
	STM_UBOOT,
	STM_FASTBOOT,
	STM_UMS,
	STM_PROMPT
};

enum { /* phases */
	PHASE_LAYOUT = 0x00,
	PHASE_FSBL = 0x01,
	PHASE_DDR = 0x02,
	PHASE_SSBL = 0x03,
	PHASE_VIRTUAL = 0xf1,
	PHASE_OTP = 0xf2,
	PHASE_PMIC = 0xf4,
	PHASE_END = 0xfe,
	PHASE_RESET = 0xff,
};

struct stm_chip {
	const char *name; /* "mp15" */
	uint16_t device_id, rom_revision, tfa_revision, uboot_revision;
	const char *soc;                               /* as the product string tells it */
	uint32_t header;                               /* version of the STM32 header, as stored */
	const char *const *rom_alts, *const *tfa_alts; /* ended by NULL */
	bool keeps_session;                            /* TF-A goes on with the ROM's USB session */
	bool wants_ddr;                                /* TF-A wants the DDR firmware first */
	bool reset_reboots; /* a bus reset after DETACH to U-Boot reboots the board */
	uint32_t tfa_address, layout_address;
	size_t fsbl_max; /* bytes of payload that fit */
	size_t otp_words;
	unsigned int fastboot_mmc; /* default device of U-Boot's fastboot */
	uint64_t ram_base, fastboot_address;
};

/* NULL when there is none of that name. */
const struct stm_chip *stm_chip_find(const char *name);

#define STM_ALTS_MAX 250
#define PMIC_SIZE    8

struct stm_alt {
	uint8_t phase;
	char name[64];
	const struct stm_line *line; /* NULL: none */
};

struct stm32mp {
	struct sim_device device;
	struct sim_face face;
	struct dfu_device dfu;
	struct stm_settings settings; /* pointers in it are not valid any more */
	const struct stm_chip *chip;
	struct media_set media;
	int64_t absent_ms;
	bool realistic;
	uint64_t transfer_us; /* as it was asked for; 0: what is realistic */

	enum stm_stage stage, next; /* next: after it has left the bus */
	struct stm_alt alts[STM_ALTS_MAX];
	size_t alt_count;
	uint8_t phase;
	bool need_detach;
	char error[STM_ERROR];
	bool error_read; /* U-Boot resets when the second session ends */
	bool second;     /* U-Boot's session with the partitions */
	bool detached;   /* it lingers on the bus */

	struct buf image; /* what is being received */
	bool kept_layout; /* old TF-A: the layout is in RAM already, in `kept` */
	struct buf kept;
	struct stm_layout layout;
	uint64_t resume;                  /* offset of SETPHASE, which nothing clears */
	uint64_t write_base, buffered_at; /* of the partition being written */
	struct buf buffer;                /* U-Boot's DFU buffer */
	uint32_t *otp, *otp_status;       /* shadow: words and their flags */
	uint8_t pmic[PMIC_SIZE];
	struct medium otp_file;
	struct env env;
	struct uboot uboot;
	struct fb_device fastboot;
	struct ums_device ums;
	int console; /* what U-Boot prints; -1: nowhere */
};

/* Sets the phase to PHASE_RESET with a text; the first one stays. */
void stm_fail(struct stm32mp *model, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* stm32mp_face.c: alternate settings and descriptors of the stage it is in. */
void stm_make_face(struct stm32mp *model);

/* stm32mp_stage.c: into a stage, as after a reset or a jump. */
void stm_enter(struct stm32mp *model, enum stm_stage stage);
/* It leaves the bus and comes back in this stage; STM_PROMPT: it does not come back. */
void stm_leave(struct stm32mp *model, enum stm_stage stage, int64_t realistic_ms);

/* stm32mp_phase.c: the alternate setting 0xF1. */
bool stm_get_phase(struct stm32mp *model, uint64_t at, uint8_t *data, size_t *size);
bool stm_set_phase(struct stm32mp *model);

/* stm32mp_boot.c: what the ROM and TF-A do with an image they have received. */
void stm_rom_image(struct stm32mp *model);
void stm_tfa_image(struct stm32mp *model);

/* stm32mp_uboot.c: U-Boot. */
uint8_t stm_uboot_write(struct stm32mp *model, const struct stm_alt *alt, uint64_t at,
			const uint8_t *data, size_t size);
uint8_t stm_uboot_finish(struct stm32mp *model, const struct stm_alt *alt);
bool stm_uboot_read(struct stm32mp *model, const struct stm_alt *alt, uint64_t at, uint8_t *data,
		    size_t *size);
void stm_uboot_detach(struct stm32mp *model);
/* Starts `stm32prog`: with a layout that is in RAM already, or without. */
void stm_uboot_begin(struct stm32mp *model);
/* The second session: media are prepared, partitions are alternate settings. */
void stm_uboot_partitions(struct stm32mp *model);

/* stm32mp_otp.c */
void stm_otp_read(struct stm32mp *model, struct buf *out);
bool stm_otp_write(struct stm32mp *model, const uint8_t *data, size_t size);

/* stm32mp_script.c: the script that was sent in the layout's place. */
bool stm_script_is(const uint8_t *data, size_t size);
void stm_script_run(struct stm32mp *model);
/* Makes U-Boot's command line and its fastboot ready. */
void stm_script_begin(struct stm32mp *model);
/* What the script makes of the board: fastboot, or a disk. */
void stm_gadget_enter(struct stm32mp *model);
enum sim_status stm_gadget_control(struct stm32mp *model, struct usb_setup setup, uint8_t *data,
				   size_t *size);
enum sim_status stm_gadget_bulk(struct stm32mp *model, uint8_t endpoint, uint8_t *data,
				size_t *size, bool *pending);
void stm_gadget_reset(struct stm32mp *model);

#endif
