// SPDX-License-Identifier: MIT
/*
 * Text: numbers and sizes read strictly (the whole word or nothing), sizes, times and rates written
 * for people, and the nearest word for "did you mean".
 */
#ifndef ABOARD_BASE_TEXT_H
#define ABOARD_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_equal(const char *a, const char *b); /* false when either is NULL */
bool text_starts(const char *text, const char *start);
bool text_ends(const char *text, const char *end);

/* Decimal, or hexadecimal with 0x. The whole text must be the number, 0..max. */
bool text_u64(const char *text, uint64_t max, uint64_t *value);

/* Hexadecimal with or without 0x, as U-Boot prints and reads. */
bool text_hex(const char *text, uint64_t *value);

/* A size in bytes: 4096, 64K, 16MiB, 2G, 1GB (K, M, G, T and KiB... are powers of 1024; kB, MB...
 * of 1000). */
bool text_size(const char *text, uint64_t *bytes);

/* A time: 90, 90s, 1.5s, 250ms, 5m, 2h. In milliseconds. A bare number is seconds. */
bool text_duration(const char *text, int64_t *ms);

/* "512 B", "33.1 MiB"; into a buffer of TEXT_SIZE bytes; returns it. */
#define TEXT_SIZE 32
const char *text_of_size(uint64_t bytes, char out[TEXT_SIZE]);

/* "0.3 s", "12 s", "3 min 20 s". */
const char *text_of_duration(int64_t ms, char out[TEXT_SIZE]);

/* The word of the list (NULL-terminated) that is nearest to `text`, or NULL if none is near enough
 * to be meant. */
const char *text_nearest(const char *text, const char *const *words);

/* Lower-case hexadecimal of `size` bytes; out has 2 * size + 1 bytes. */
void text_of_bytes(const uint8_t *bytes, size_t size, char *out);

/* The reverse: exactly 2 * size hexadecimal digits. */
bool text_bytes(const char *text, uint8_t *bytes, size_t size);

/* Removes white space at both ends, in place; returns the new start. */
char *text_trim(char *text);

#endif
