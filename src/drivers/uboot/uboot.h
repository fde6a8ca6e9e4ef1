// SPDX-License-Identifier: MIT
/*
 * The way in through U-Boot over the network: interrupt autoboot, load a kernel and an initramfs by
 * TFTP, boot them, let that Linux fetch the image over HTTP, write it, and read it back. One file a
 * part of the way, in the order of the stages; driver.c has the tables.
 */
#ifndef ABOARD_DRIVERS_UBOOT_UBOOT_H
#define ABOARD_DRIVERS_UBOOT_UBOOT_H

#include <netinet/in.h>

#include "bundle/bundle.h"
#include "drivers/uboot/blockdev.h"
#include "engine/job.h"
#include "engine/job_image.h"
#include "serve/http_server.h"
#include "serve/tftp_server.h"

/* One file that U-Boot loads. */
struct load {
	const char *what;    /* "kernel" */
	const char *address; /* as in the manifest */
	char *path;          /* on this host; owned */
	char name[80];       /* under which it is served: unguessable */
	uint64_t size;
	uint32_t crc;
	char sha256[SHA256_TEXT];
};

#define LOADS_MAX 3

/* One thing to write or to read back. */
struct item {
	const struct request_item *request;
	const char *target;     /* name */
	const char *selector;   /* "/dev/..." or "/sys/class/block#TEXT"; borrowed */
	char *describe;         /* "emmc" or "partition 'root' of emmc"; owned */
	struct job_image image; /* flash only */
	char device[64];        /* "/dev/mmcblk0"; empty until resolved on the board */
	char sysfs[64];         /* "/sys/class/block/mmcblk0" */
	uint64_t device_size;   /* bytes */
};

struct uboot {
	struct bundle *bundle;
	const struct manifest *manifest;
	const struct manifest_variant *variant; /* NULL: the manifest has no DTB */
	struct item *items;
	size_t item_count;
	struct load loads[LOADS_MAX];
	size_t load_count;

	/* The network as the board file says and as it turned out. */
	struct in_addr board_address, netmask, gateway; /* network byte order; 0: none */
	struct in_addr host_address; /* ours, as the board sees us; 0: not known yet */
	char board_mac[18];          /* U-Boot's ethaddr; empty: unknown */

	struct tftp_server *tftp;
	struct http_server *http;
	char *probe_path; /* of a small file that proves the board reaches us; owned */
	char probe[33];   /* what it holds */
	bool sleeping;    /* the board is off, or in nobody's hands: nothing must be typed */
};

static inline struct uboot *uboot_of(struct job *job)
{
	return (struct uboot *)job->own;
}

/* resolve.c */
int uboot_resolve_flash(struct job *job, struct deadline deadline, struct err *err);
int uboot_resolve_dump(struct job *job, struct deadline deadline, struct err *err);
int uboot_resolve_bootloader(struct job *job, struct deadline deadline, struct err *err);
int uboot_resolve_linux(struct job *job, struct deadline deadline, struct err *err);
int uboot_resolve_console(struct job *job, struct deadline deadline, struct err *err);
void uboot_release(struct job *job);
/* The plan's section of an item: "image", or "image 2" when there are several. */
void uboot_section(const struct uboot *uboot, const struct item *item, const char *kind,
		   char out[32]);

/* checks.c */
extern const struct check uboot_flash_checks[], uboot_dump_checks[], uboot_linux_checks[],
	uboot_shell_checks[], uboot_console_checks[];

/* power.c: stages */
int uboot_power_cycle(struct job *job, struct deadline deadline, struct err *err);
int uboot_power_restore(struct job *job, struct deadline deadline, struct err *err);
int uboot_power_off(struct job *job, struct deadline deadline, struct err *err);

/* command.c: one command on the board (printf), with the timeout `command`. `output` may be NULL.
 * board_cmd() wants return code 0. */
int board_try(struct job *job, enum console_shell shell, struct deadline deadline,
	      struct buf *output, int *status, struct err *err, const char *format, ...)
	__attribute__((format(printf, 7, 8)));
int board_cmd(struct job *job, enum console_shell shell, struct deadline deadline,
	      struct buf *output, struct err *err, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* The last line of what a command printed: mostly the one that says why. Borrowed from the buffer.
 */
const char *board_last_line(struct buf *output);

/* bootloader.c: stages */
int uboot_stage_files(struct job *job, struct deadline deadline, struct err *err);
int uboot_interrupt(struct job *job, struct deadline deadline, struct err *err);
int uboot_load(struct job *job, struct deadline deadline, struct err *err);
int uboot_boot(struct job *job, struct deadline deadline, struct err *err);

/* network.c: stages, and the address by which the board reaches us */
int uboot_network(struct job *job, struct deadline deadline, struct err *err);
int uboot_read_network(struct job *job, struct err *err);
int uboot_serve(struct job *job, struct deadline deadline, struct err *err);
int uboot_serve_end(struct job *job, struct deadline deadline, struct err *err);
const char *uboot_host_text(const struct uboot *uboot, char out[INET_ADDRSTRLEN]);

/* linux.c: stages */
int uboot_linux_network(struct job *job, struct deadline deadline, struct err *err);
int uboot_prepare(struct job *job, struct deadline deadline, struct err *err);

/* target.c */
int uboot_target(struct job *job, struct deadline deadline, struct err *err);

/* write.c, verify.c, dump.c: stages */
int uboot_write(struct job *job, struct deadline deadline, struct err *err);
int uboot_flush(struct job *job, struct deadline deadline, struct err *err);
int uboot_verify(struct job *job, struct deadline deadline, struct err *err);
int uboot_dump(struct job *job, struct deadline deadline, struct err *err);

/* SHA-256 of the first `size` bytes of the item's device, as the board reads them. Progress:
 * base + what was read, of total. */
int uboot_digest_on_board(struct job *job, const struct item *item, uint64_t size, uint64_t base,
			  uint64_t total, char sha256[SHA256_TEXT], struct deadline deadline,
			  struct err *err);

/* direct.c: whether the board can pull an image of this name itself, and unpack it; and the shell
 * pipeline, owned by the caller, that does. */
int direct_check_ref(const char *file, struct err *err);
int direct_check(const struct job_image *image, struct err *err);
int direct_pipeline(struct job *job, const struct item *item, char **source,
		    struct deadline deadline, struct err *err);

/* background.c: a pipeline that runs on the board while we watch it */
struct background {
	const char *what;     /* "writing emmc", for messages */
	const char *sysfs;    /* of the device whose counters tell the progress */
	bool reads;           /* count what is read; else what is written */
	uint64_t base, total; /* progress of the stage: base + what was done, of total */
	int (*watch)(
		void *context,
		struct err *err); /* called at every look; an error ends the pipeline; NULL: none */
	void *context;
};

/* Runs `pipeline` (POSIX shell, its last command's return code counts) in the background and waits
   for its end, reporting progress. `output` receives what it printed. A return code other than 0 is
   ERR_BOARD. No progress for the time `stall` is ERR_TIMEOUT. Ended on the board as well when the
   wait ends early. */
int background_run(struct job *job, const struct background *how, const char *pipeline,
		   struct buf *output, struct deadline deadline, struct err *err);

#endif
