// SPDX-License-Identifier: MIT
#include "drivers/stm32mp/otp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/finding.h"

#define HEAD_SIZE 8 /* version, state */
#define WORD_SIZE 8 /* value, status */

static int bad_line(const char *file, unsigned int line, const char *what, struct err *err)
{
	err_set(err, ERR_CONFIG, "%s:%u: %s", file, line, what);
	return err_remedy(err, "a line is NUMBER VALUE, or NUMBER VALUE lock: 57 0x12345678");
}

static const struct otp_word *find_word(const struct otp_words *words, unsigned int number)
{
	size_t i;

	for (i = 0; i < words->count; i++)
		if (words->items[i].number == number)
			return &words->items[i];
	return NULL;
}

static int parse_line(struct otp_words *words, const char *file, unsigned int line, char *text,
		      struct err *err)
{
	struct otp_word word = {.line = line};
	char *number, *value, *lock, *rest = NULL;
	uint64_t n, v;

	text[strcspn(text, "#")] = '\0';
	number = strtok_r(text, " \t\r", &rest);
	value = strtok_r(NULL, " \t\r", &rest);
	lock = strtok_r(NULL, " \t\r", &rest);
	if (!number)
		return 0;
	if (!value || !text_u64(number, 4095, &n) || !text_u64(value, UINT32_MAX, &v))
		return bad_line(file, line, "this is no word and value", err);
	if (lock && (strcmp(lock, "lock") != 0 || strtok_r(NULL, " \t\r", &rest)))
		return bad_line(file, line, "only 'lock' may follow", err);
	word.number = (unsigned int)n;
	word.value = (uint32_t)v;
	word.lock = lock;
	if (find_word(words, word.number))
		return bad_line(file, line, "this word is there twice", err);
	if (words->count == OTP_WORDS_MAX)
		return bad_line(file, line, "too many words", err);
	words->items[words->count++] = word;
	return 0;
}

int otp_words_parse(struct otp_words *words, const char *file, const void *data, size_t size,
		    struct err *err)
{
	_cleanup_(freep) char *text = xstrndup(size ? data : "", strnlen(size ? data : "", size));
	char *line = text, *next;
	unsigned int number;
	int rc;

	words->count = 0;
	for (number = 1; line; line = next, number++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		rc = parse_line(words, file, number, line, err);
		if (rc < 0)
			return rc;
	}
	return words->count ? 0 : err_set(err, ERR_CONFIG, "%s: there is no word in it", file);
}

void otp_words_text(const struct otp_words *words, struct buf *out)
{
	size_t i;

	for (i = 0; i < words->count; i++)
		buf_addf(out, "%s%u=0x%08" PRIx32 "%s", i ? ", " : "", words->items[i].number,
			 words->items[i].value, words->items[i].lock ? " (locked)" : "");
}

int otp_check(const uint8_t *otp, size_t size, size_t *count, struct err *err)
{
	if (size < HEAD_SIZE + WORD_SIZE || size > OTP_SIZE_MAX || size % WORD_SIZE != 0 ||
	    le32_at(otp) != OTP_VERSION)
		return err_set(err, ERR_BOARD,
			       "the board's OTP structure (%zu bytes, version %u) is not known",
			       size, size >= 4 ? le32_at(otp) : 0);
	*count = (size - HEAD_SIZE) / WORD_SIZE;
	return 0;
}

static void put32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
	at[2] = (uint8_t)(value >> 16);
	at[3] = (uint8_t)(value >> 24);
}

/* Where a word is in the structure. */
static size_t place_of(const struct otp_word *word)
{
	return HEAD_SIZE + (size_t)word->number * WORD_SIZE;
}

static int apply_word(uint8_t *at, const struct otp_word *word, struct err *err)
{
	uint32_t now = le32_at(at), status = le32_at(at + 4);

	if (status & OTP_ERRORS)
		return err_set(err, ERR_BOARD,
			       "OTP word %u cannot be read (status 0x%08" PRIx32 ")", word->number,
			       status);
	if (now == word->value && (!word->lock || (status & OTP_LOCK)))
		return 0;
	if (status & (OTP_LOCK | OTP_LOCKED_NOW))
		return err_set(err, ERR_BOARD,
			       "OTP word %u is locked at 0x%08" PRIx32 ", 0x%08" PRIx32
			       " cannot be written",
			       word->number, now, word->value);
	if (now & ~word->value)
		return err_set(err, ERR_BOARD,
			       "OTP word %u is 0x%08" PRIx32 ": bits that are set cannot be "
			       "cleared to get 0x%08" PRIx32,
			       word->number, now, word->value);
	put32(at, word->value);
	put32(at + 4, OTP_UPDATE | (word->lock ? OTP_LOCK : 0));
	return 0;
}

/* All are looked at before the structure is changed. */
int otp_apply(uint8_t *otp, size_t size, const struct otp_words *words, struct err *err)
{
	_cleanup_(freep) uint8_t *copy = xmemdup(otp, size);
	size_t count, i;
	int rc = otp_check(otp, size, &count, err);

	for (i = 0; rc == 0 && i < words->count; i++) {
		if (words->items[i].number >= count)
			return err_set(err, ERR_BOARD, "there is no OTP word %u: the board has %zu",
				       words->items[i].number, count);
		rc = apply_word(copy + place_of(&words->items[i]), &words->items[i], err);
	}
	if (rc == 0)
		memcpy(otp, copy, size);
	return rc;
}

int otp_compare(const uint8_t *otp, size_t size, const struct otp_words *words, struct err *err)
{
	size_t count, i;
	int rc = otp_check(otp, size, &count, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < words->count; i++) {
		const struct otp_word *word = &words->items[i];
		uint32_t now = word->number < count ? le32_at(otp + place_of(word)) : 0;

		if (word->number >= count || now != word->value)
			return err_set(err, ERR_VERIFY,
				       "OTP word %u reads back as 0x%08" PRIx32
				       " instead of 0x%08" PRIx32,
				       word->number, now, word->value);
		if (word->lock && !(le32_at(otp + place_of(word) + 4) & OTP_LOCK))
			return err_set(err, ERR_VERIFY, "OTP word %u is not locked", word->number);
	}
	return 0;
}
