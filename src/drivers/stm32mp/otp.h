// SPDX-License-Identifier: MIT
/*
 * One-time programmable words of an STM32MP: the structure that U-Boot gives and takes at its
 * alternate setting 0xf2, and the list of words a person wants written. Pure. Source of the
 * structure: U-Boot arch/arm/mach-stm32mp/include/mach/stm32prog.h, OP-TEE's NVMEM service:
 * version, state, then a value and a status for each word, all little endian.
 */
#ifndef ABOARD_DRIVERS_STM32MP_OTP_H
#define ABOARD_DRIVERS_STM32MP_OTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define OTP_SIZE_MAX  4096 /* bytes of the structure; 776 on MP1, 2952 on MP2 */
#define OTP_VERSION   2
#define OTP_WORDS_MAX 64 /* in one list */

/* Of a word's status. */
#define OTP_UPDATE     0x80000000u /* set by the host: write this word */
#define OTP_LOCK       0x40000000u /* permanently locked, or to be locked */
#define OTP_LOCKED_NOW 0x18000000u /* shadow and programming locked until the next reset */
#define OTP_ERRORS     0x04000001u /* lock error, read error */

struct otp_word {
	unsigned int number; /* of the word */
	uint32_t value;
	bool lock;         /* lock it for good, too */
	unsigned int line; /* in the file */
};

struct otp_words {
	struct otp_word items[OTP_WORDS_MAX];
	size_t count;
};

/* Lines "NUMBER VALUE" or "NUMBER VALUE lock"; numbers decimal or 0x; "#" begins a comment.
   ERR_CONFIG with FILE:LINE. */
int otp_words_parse(struct otp_words *words, const char *file, const void *text, size_t size,
		    struct err *err);
/* "57=0x12345678, 58=0x00000001 (locked)" */
void otp_words_text(const struct otp_words *words, struct buf *out);

/* How many words a structure has; ERR_BOARD when it is none that is known. */
int otp_check(const uint8_t *otp, size_t size, size_t *count, struct err *err);

/* Marks in a structure as read what shall be written. What cannot be done is ERR_BOARD before
   anything was sent: no such word, locked, a bit that is set and would have to be cleared. */
int otp_apply(uint8_t *otp, size_t size, const struct otp_words *words, struct err *err);

/* Whether all of them are in a structure as read back; ERR_VERIFY. */
int otp_compare(const uint8_t *otp, size_t size, const struct otp_words *words, struct err *err);

#endif
