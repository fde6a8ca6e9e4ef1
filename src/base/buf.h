// SPDX-License-Identifier: MIT
/*
 * A growing byte buffer with a ceiling. What it holds is always followed by a NUL that does not
 * count, so text can be read as a string. Going over the ceiling is an ordinary error: what does
 * not fit is left out, and buf_over() tells.
 */
#ifndef ABOARD_BASE_BUF_H
#define ABOARD_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;   /* owned; NULL while empty and untouched: use buf_text() for text */
	size_t size;  /* bytes held */
	size_t space; /* bytes allocated */
	size_t max;   /* ceiling in bytes; 0 means BUF_MAX_DEFAULT */
	bool over;    /* something did not fit */
};

#define BUF_MAX_DEFAULT ((size_t)16 << 20)

/* `struct buf b = {.max = N}` or `= {0}` is a ready, empty buffer. */
void buf_free(struct buf *buf);

/* Forgets what it holds, keeps the memory. */
void buf_clear(struct buf *buf);

/* Append; return false, and add nothing, when it would go over the ceiling. */
bool buf_add(struct buf *buf, const void *data, size_t size);
bool buf_add_text(struct buf *buf, const char *text);
bool buf_add_char(struct buf *buf, char c);
bool buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Removes `size` bytes from the front. */
void buf_drop(struct buf *buf, size_t size);

bool buf_over(const struct buf *buf);

/* The bytes as NUL-terminated text, never NULL; valid until the next change. */
const char *buf_text(const struct buf *buf);

/* Gives the text away; the caller frees it. The buffer is empty afterwards. */
char *buf_steal(struct buf *buf);

#endif
