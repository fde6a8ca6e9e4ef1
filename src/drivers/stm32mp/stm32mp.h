// SPDX-License-Identifier: MIT
/*
 * The way into STM32MP1 and MP2 boards through USB: their boot ROM takes TF-A, TF-A takes U-Boot
 * (as a FIP), U-Boot takes a flash layout and then one partition after the other. What comes next
 * is never assumed: the board says it, by GETPHASE. Where the layout allows it, U-Boot is given a
 * script in place of the layout, which makes it a fastboot device; that is ten times as fast. One
 * file a part of the way; driver.c has the tables.
 */
#ifndef ABOARD_DRIVERS_STM32MP_STM32MP_H
#define ABOARD_DRIVERS_STM32MP_STM32MP_H

#include "drivers/stm32mp/getphase.h"
#include "drivers/stm32mp/otp.h"
#include "drivers/stm32mp/script.h"
#include "drivers/stm32mp/tsv.h"
#include "engine/job.h"
#include "engine/job_image.h"
#include "proto/dfu.h"
#include "proto/fastboot.h"

/* One file of the boot chain: it is sent to the phase of its id, and lives in memory only. */
struct boot_file {
	char *path; /* owned */
	struct buf bytes;
	uint8_t phase;
	unsigned int sent; /* how often, since the board was last seen in its ROM */
};

#define BOOT_FILES_MAX  3
#define BOOT_FILE_BYTES ((size_t)32 << 20)

#define MEDIA_MAX 8

/* One partition, or whole medium, that is programmed. */
struct part {
	const struct tsv_line *line;
	char *path; /* as job_image_resolve() wants it; owned */
	struct job_image image;
	bool sent;
};

enum way {
	WAY_AUTO, /* fastboot where it can be, else DFU */
	WAY_FASTBOOT,
	WAY_DFU,
};

struct stm32mp {
	struct tsv *tsv;
	char *tsv_path;                        /* NULL: made here, for a whole image. Owned */
	struct tsv_media media[MEDIA_MAX + 1]; /* what is known of them; ends with an empty row */
	struct buf layout;                     /* as it is sent */
	struct boot_file files[BOOT_FILES_MAX];
	size_t file_count;
	struct part *parts; /* in the order of their ids, as the board will ask for them */
	size_t part_count;
	const struct stm32mp_chip *chip; /* as the files or the board file say; NULL: not known */
	enum way way;                    /* that was asked for */
	bool fast;                       /* the way that is gone now */
	const char *slow_reason;         /* why not fast; a constant; NULL: it is */

	struct dfu *dfu;          /* NULL: not open. Owned */
	struct fastboot fastboot; /* without link: not open */
	bool begun;               /* the board was looked for once */
	bool at_rom;              /* it came back as its ROM, by itself */
	bool spl;                 /* it is a U-Boot SPL, which tells no phase */
	bool loaded;              /* U-Boot has the layout of this job */
	bool failed;              /* the board has told an error: it wants a reset */
	bool resumed;             /* U-Boot may hold an offset that is no longer meant */
	struct getphase phase;    /* as last told */
	struct script script;     /* of the fast way */
	uint64_t erased;          /* bytes of its medium that read as zeros already */

	uint8_t area; /* what is read or written in place of partitions: PHASE_OTP or PHASE_PMIC; 0:
			 nothing */
	struct otp_words words; /* to be written */
};

static inline struct stm32mp *stm32mp_of(struct job *job)
{
	return (struct stm32mp *)job->own;
}

extern const struct usb_mode stm32mp_modes[];
extern const struct usb_mode stm32mp_dfu_modes[];      /* without fastboot */
extern const struct usb_mode stm32mp_fastboot_modes[]; /* nothing else */

/* resolve.c: the verbs, and what is freed after them */
int stm32mp_resolve_flash(struct job *job, struct deadline deadline, struct err *err);
int stm32mp_resolve_dump(struct job *job, struct deadline deadline, struct err *err);
void stm32mp_release(struct job *job);

/* layout.c: the layout, of a .tsv or made for whole images */
int stm32mp_read_layout(struct job *job, const char *path, struct err *err);
int stm32mp_make_layout(struct job *job, struct err *err);
int stm32mp_check_layout(struct job *job, struct err *err);
/* A file that a layout names: in the current folder, or beside the layout. Owned by the caller. */
char *stm32mp_find_file(struct job *job, const char *name);

/* files.c: the boot chain */
int stm32mp_read_files(struct job *job, struct err *err);
struct boot_file *stm32mp_file(struct stm32mp *stm32mp, uint8_t phase);
/* Whether the first bytes of a file (of `total` bytes) are right for this phase: header, chip,
   checksum, package. Facts go into the plan's section. */
int stm32mp_check_boot_file(struct job *job, uint8_t phase, const uint8_t *bytes, size_t size,
			    const char *section, struct err *err);

/* parts.c: what is programmed */
int stm32mp_read_parts(struct job *job, struct deadline deadline, struct err *err);
uint64_t stm32mp_total(const struct stm32mp *stm32mp); /* bytes; 0: not known */
struct part *stm32mp_part(struct stm32mp *stm32mp, uint8_t id);
void stm32mp_part_text(const struct part *part, char out[64]); /* "rootfs (0x11) of mmc1" */

/* checks.c */
extern const struct check stm32mp_flash_checks[], stm32mp_dump_checks[];

/* link.c: the board on USB */
int stm32mp_connect(struct job *job, struct deadline deadline, struct err *err);
/* The same for a board that may be in fastboot; then stm32mp->dfu is NULL. */
int stm32mp_find(struct job *job, struct deadline deadline, struct err *err);
/* After DETACH: waits for what comes back. */
int stm32mp_reconnect(struct job *job, const struct usb_mode *modes, struct deadline deadline,
		      struct err *err);
void stm32mp_disconnect(struct job *job);
bool stm32mp_in_uboot(const struct job *job); /* what is attached is U-Boot, not ROM or TF-A */
const struct dfu_alt *stm32mp_alt(const struct stm32mp *stm32mp, uint8_t phase); /* NULL: none */
/* What it waits for; kept in stm32mp->phase as well. */
int stm32mp_getphase(struct job *job, struct getphase *getphase, struct deadline deadline,
		     struct err *err);
int stm32mp_setphase(struct job *job, uint8_t phase, uint32_t offset, struct deadline deadline,
		     struct err *err);
/* Sends all of a reader to the alternate setting of a phase and manifests. Progress: base + what
   was sent, of total (0: not known; base UINT64_MAX: none is told). */
int stm32mp_send(struct job *job, uint8_t phase, struct reader *from, uint64_t base, uint64_t total,
		 struct deadline deadline, struct err *err);
int stm32mp_detach(struct job *job, struct deadline deadline, struct err *err);
/* ERR_BOARD with the board's own text. */
int stm32mp_board_error(struct job *job, const struct getphase *getphase, struct err *err);

/* chain.c: from the ROM on, until the board wants what is not part of the boot chain: the layout
   (only with `layout` is it sent), a partition, the end. */
int stm32mp_chain(struct job *job, bool layout, struct deadline deadline, struct err *err);
/* Gets a board that cannot go on back to its ROM: by its power switch, or by a bus reset, which
   U-Boot takes as one when it leaves DFU. */
int stm32mp_restart(struct job *job, struct deadline deadline, struct err *err);

/* stages.c: stages */
int stm32mp_attach(struct job *job, struct deadline deadline, struct err *err);
int stm32mp_boot(struct job *job, struct deadline deadline, struct err *err);
int stm32mp_layout(struct job *job, struct deadline deadline, struct err *err);
int stm32mp_write(struct job *job, struct deadline deadline, struct err *err);
int stm32mp_verify(struct job *job, struct deadline deadline, struct err *err);
int stm32mp_end(struct job *job, struct deadline deadline, struct err *err);

/* write.c, readback.c: by DFU */
int stm32mp_write_parts(struct job *job, struct deadline deadline, struct err *err);
int stm32mp_read_back(struct job *job, struct deadline deadline, struct err *err);

/* fast.c: by fastboot. Whether this job can go that way: fills stm32mp->fast and slow_reason. */
void stm32mp_choose_way(struct job *job);
/* Whether a whole medium may be erased before, so that zeros need not be written. */
bool stm32mp_may_erase(struct job *job);
int stm32mp_measure(struct job *job, struct deadline deadline, struct err *err);
int stm32mp_fast_begin(struct job *job, struct deadline deadline, struct err *err);
int stm32mp_fast_write(struct job *job, struct deadline deadline, struct err *err);
int stm32mp_fast_verify(struct job *job, struct deadline deadline, struct err *err);
/* Out of fastboot, back to the ROM. */
int stm32mp_fast_reset(struct job *job, struct deadline deadline, struct err *err);
void stm32mp_fast_close(struct stm32mp *stm32mp);
int stm32mp_fast_end(struct job *job, struct deadline deadline, struct err *err);

/* words.c: OTP and PMIC */
int stm32mp_resolve_words(struct job *job, struct err *err);
int stm32mp_dump_words(struct job *job, struct deadline deadline, struct err *err);
int stm32mp_write_words(struct job *job, struct deadline deadline, struct err *err);
int stm32mp_verify_words(struct job *job, struct deadline deadline, struct err *err);

#endif
