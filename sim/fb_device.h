// SPDX-License-Identifier: MIT
/*
 * U-Boot's fastboot (drivers/fastboot, doc/android/fastboot.rst), without a transport: commands and
 * data in, answers out.
 */
#ifndef ABOARD_SIM_FB_DEVICE_H
#define ABOARD_SIM_FB_DEVICE_H

#include "base/buf.h"
#include "sim/env.h"
#include "sim/media.h"

#define FB_ANSWER  64 /* bytes of U-Boot's answers at most; longer texts are cut */
#define FB_ANSWERS 64 /* that may wait */

/* What comes after the answers are read. */
enum fb_end {
	FB_STAYS,
	FB_CONTINUE,
	FB_REBOOT,
	FB_BOOT
};

struct fb_answer {
	char text[FB_ANSWER + 1];
};

struct fb_device {
	struct sim_device *device; /* borrowed, as are media and env */
	struct media_set *media;
	struct env *env;
	unsigned int mmc;     /* default device */
	uint32_t buffer_size; /* bytes */
	const char *product;
	bool no_user_area; /* the default device has no name of its own */
	bool old;          /* no getvar:all */
	/* Runs a command line of U-Boot (oem run, UCmd, ACmd); false: it failed. NULL: not built.
	 */
	bool (*run)(void *context, const char *command);
	void *context;
	uint8_t *memory; /* where the buffer lies in the board's memory; NULL: nowhere */

	struct buf buffer;  /* the last download */
	uint32_t receiving; /* bytes of it that are still to come */
	struct fb_answer answers[FB_ANSWERS];
	size_t first, count;
	enum fb_end end;
	char after[FB_ANSWER + 1]; /* ACmd: to be run once the answer is read */
};

void fb_begin(struct fb_device *fb); /* nothing received, nothing to say */
void fb_free(struct fb_device *fb);

/* A command packet, or data while a download is received (more than is due is dropped). */
void fb_take(struct fb_device *fb, const uint8_t *data, size_t size);

/* The next answer; false: there is none yet. */
bool fb_give(struct fb_device *fb, struct fb_answer *answer);

/* Puts an answer in the queue: "OKAY", "FAIL", "INFO"... and a text. */
void fb_answer(struct fb_device *fb, const char *word, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* fb_part.c: what a name means (drivers/fastboot/fb_mmc.c, disk/part.c). */
enum fb_kind {
	FB_PART,
	FB_BOOT_PART,
	FB_GPT,
	FB_MBR
};

struct fb_target {
	enum fb_kind kind;
	struct media *media;
	struct medium *medium;
	uint64_t start, size; /* bytes */
};

bool fb_resolve(struct fb_device *fb, const char *name, struct fb_target *target);

/* fb_write.c: each answers. */
void fb_flash(struct fb_device *fb, const char *name);
void fb_erase(struct fb_device *fb, const char *name);

/* fb_sparse.c: NULL, or what is wrong with it (lib/image-sparse.c). */
bool fb_is_sparse(const uint8_t *data, size_t size);
const char *fb_write_sparse(const struct fb_target *target, const uint8_t *data, size_t size);

/* fb_getvar.c */
void fb_getvar(struct fb_device *fb, const char *name);

/* fb_oem.c: commands that begin with "oem", by what follows up to the colon; false: unknown. */
bool fb_oem(struct fb_device *fb, const char *name, const char *argument);

#endif
