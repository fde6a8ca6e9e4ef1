// SPDX-License-Identifier: MIT
/*
 * What each model is made of: settings in, a device out.
 */
#ifndef ABOARD_SIM_MODELS_H
#define ABOARD_SIM_MODELS_H

#include "base/err.h"
#include "sim/sim.h"

/* What every model takes. */
struct sim_settings {
	unsigned int number;       /* of the device, from 1 */
	const char *serial;        /* NULL: made from the number */
	struct sim_faults *faults; /* the device's from now on; NULL: none */
	uint64_t transfer_us, bulk_rate, write_rate, read_rate;
	int64_t absent_ms; /* how long it is away when it enumerates anew */
};

/* Fills what is the same for all; `serial` is a pattern for snprintf with the number, used when
   none is given. */
void sim_device_begin(struct sim_device *device, const struct sim_model *model,
		      const struct sim_settings *settings, const char *serial);

/* A file name with each "%d" replaced by the number of the device; the caller's. */
char *sim_file_name(const char *pattern, unsigned int number);

/* "FILE[:SIZE]" taken apart; *path is NULL for memory (":SIZE") and the caller's; *size 0: none. */
void sim_file_split(const char *text, unsigned int number, char **path, uint64_t *size);

/* One alternate setting of the plain DFU model: "NAME=FILE[:SIZE]", "NAME=:SIZE" for memory. */
struct dfu_settings {
	const char *const *alts; /* ended by NULL; none: "firmware", 1 MiB of memory */
	uint16_t vid, pid;
	uint16_t transfer_size;
	uint32_t poll_ms, manifest_ms;
	uint16_t version; /* bcdDFUVersion */
	bool intolerant;  /* of manifestation: waits for a reset */
	bool no_upload, no_download;
	bool uboot;
};

int dfu_model_new(struct sim_device **device, const struct sim_settings *common,
		  const struct dfu_settings *settings, struct err *err);

/* A board with a TI K3 SoC in USB peripheral boot. The texts live as long as the program. */
struct k3_settings {
	const char *soc, *type;   /* "am62x"; "gp", "hs-fs", "hs-se" */
	const char *const *media; /* ended by NULL; none: U-Boot is no DFU device */
	bool wait_detach;         /* after tispl.bin */
	bool answers_last;        /* the ROM answers the last GETSTATUS */
	bool stalls_last;         /* it stalls it */
	uint32_t manifest_ms;
};

int k3_model_new(struct sim_device **device, const struct sim_settings *common,
		 const struct k3_settings *settings, struct err *err);

/* A board in U-Boot's `ums`. */
struct ums_settings {
	const char *const *media; /* ended by NULL */
	uint16_t vid, pid;
	bool eject_ends;
};

int ums_model_new(struct sim_device **device, const struct sim_settings *common,
		  const struct ums_settings *settings, struct err *err);

/* A board in U-Boot's fastboot. */
struct loop;

struct fastboot_settings {
	const char *const *media; /* ended by NULL */
	const char *const *env;   /* "NAME=VALUE", ended by NULL */
	unsigned int mmc;
	uint32_t buffer;
	uint16_t vid, pid, udp_sequence;
	bool no_user_area, old, uboot_tcp;
	bool oem_run;          /* commands of U-Boot can be sent: oem run, UCmd, ACmd */
	const char *tcp, *udp; /* "HOST:PORT"; NULL: not served */
	uint64_t lose;
	struct loop *loop;
	struct buf *lines; /* a line for each server */
};

int fastboot_model_new(struct sim_device **device, const struct sim_settings *common,
		       const struct fastboot_settings *settings, struct err *err);

/* A board with an STM32MP in USB recovery. */
struct stm_settings {
	const char *chip;         /* "mp15" */
	const char *const *media; /* "mmc0=FILE:SIZE", ended by NULL */
	const char *otp;          /* file of the OTP words; NULL: memory */
	const char *console;      /* file that gets what U-Boot prints; NULL: none */
	uint64_t dfu_buffer;      /* bytes that U-Boot gathers before it writes */
	uint64_t fastboot_buffer;
	bool spl;       /* U-Boot's SPL in TF-A's place */
	bool old_tfa;   /* TF-A v2.0 to v2.4 of ST: asks for the layout first */
	bool realistic; /* poll timeouts, costs and absences as measured */
	bool closed;    /* a secured chip: no OTP */
	bool no_pmic;   /* the board has no STPMIC: reading it fails */
	bool no_script_slot, no_crc32, no_hash, no_fastboot, no_ums;
};

int stm_model_new(struct sim_device **device, const struct sim_settings *common,
		  const struct stm_settings *settings, struct err *err);

#endif
