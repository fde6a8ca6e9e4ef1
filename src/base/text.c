// SPDX-License-Identifier: MIT
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool text_equal(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool text_starts(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

bool text_ends(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);

	return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

static bool whole_number(const char *text, int base, uint64_t *value, const char **rest)
{
	char *end;

	if (!isalnum((unsigned char)text[0]))
		return false;
	errno = 0;
	*value = strtoull(text, &end, base);
	*rest = end;
	return errno == 0 && end != text;
}

bool text_u64(const char *text, uint64_t max, uint64_t *value)
{
	int base = text_starts(text, "0x") || text_starts(text, "0X") ? 16 : 10;
	const char *rest;

	return whole_number(text, base, value, &rest) && *rest == '\0' && *value <= max;
}

bool text_hex(const char *text, uint64_t *value)
{
	const char *rest;

	return whole_number(text, 16, value, &rest) && *rest == '\0';
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit *unit_of(const struct unit *units, const char *name)
{
	for (; units->name; units++)
		if (strcmp(units->name, name) == 0)
			return units;
	return NULL;
}

static const struct unit size_units[] = {
	{"", 1},
	{"B", 1},
	{"K", 1ULL << 10},
	{"KiB", 1ULL << 10},
	{"kB", 1000},
	{"M", 1ULL << 20},
	{"MiB", 1ULL << 20},
	{"MB", 1000000},
	{"G", 1ULL << 30},
	{"GiB", 1ULL << 30},
	{"GB", 1000000000},
	{"T", 1ULL << 40},
	{"TiB", 1ULL << 40},
	{"TB", 1000000000000},
	{NULL, 0},
};

bool text_size(const char *text, uint64_t *bytes)
{
	int base = text_starts(text, "0x") ? 16 : 10;
	const struct unit *unit;
	const char *rest;

	if (!whole_number(text, base, bytes, &rest))
		return false;
	unit = unit_of(size_units, rest);
	return unit && !__builtin_mul_overflow(*bytes, unit->factor, bytes);
}

static const struct unit time_units[] = {
	{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}, {NULL, 0},
};

bool text_duration(const char *text, int64_t *ms)
{
	const struct unit *unit;
	double number;
	char *rest;

	if (!isdigit((unsigned char)text[0]))
		return false;
	number = strtod(text, &rest);
	unit = unit_of(time_units, rest);
	if (!unit || !(number * (double)unit->factor < 1e15))
		return false;
	*ms = (int64_t)(number * (double)unit->factor + 0.5);
	return true;
}

const char *text_of_size(uint64_t bytes, char out[TEXT_SIZE])
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
	double number = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(out, TEXT_SIZE, "%" PRIu64 " B", bytes);
		return out;
	}
	for (; number >= 1023.95 && i + 1 < ARRAY_SIZE(names); i++)
		number /= 1024;
	snprintf(out, TEXT_SIZE, "%.1f %s", number, names[i]);
	return out;
}

const char *text_of_duration(int64_t ms, char out[TEXT_SIZE])
{
	int64_t s = (ms + 500) / 1000;

	if (ms < 9950)
		snprintf(out, TEXT_SIZE, "%.1f s", (double)ms / 1000);
	else if (s < 120)
		snprintf(out, TEXT_SIZE, "%" PRId64 " s", s);
	else if (s < 7200)
		snprintf(out, TEXT_SIZE, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else
		snprintf(out, TEXT_SIZE, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
	return out;
}

#define NEAR_MAX 64

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance, letter case ignored; words longer than NEAR_MAX are never near. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NEAR_MAX + 1], length = strlen(b), corner, above, i, j;

	if (length > NEAR_MAX || strlen(a) > NEAR_MAX)
		return NEAR_MAX;
	for (j = 0; j <= length; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		corner = row[0];
		row[0] = i + 1;
		for (j = 0; j < length; j++) {
			above = row[j + 1];
			if (tolower((unsigned char)a[i]) == tolower((unsigned char)b[j]))
				row[j + 1] = corner;
			else
				row[j + 1] = 1 + smaller(corner, smaller(above, row[j]));
			corner = above;
		}
	}
	return row[length];
}

const char *text_nearest(const char *text, const char *const *words)
{
	size_t best = strlen(text) / 3 + 2, d;
	const char *nearest = NULL;

	for (; *words; words++) {
		d = distance(text, *words);
		if (d < best && d < strlen(*words)) {
			best = d;
			nearest = *words;
		}
	}
	return nearest;
}

void text_of_bytes(const uint8_t *bytes, size_t size, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < size; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool text_bytes(const char *text, uint8_t *bytes, size_t size)
{
	int high, low;
	size_t i;

	if (strlen(text) != 2 * size)
		return false;
	for (i = 0; i < size; i++) {
		high = hex_digit(text[2 * i]);
		low = hex_digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

char *text_trim(char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	for (length = strlen(text); length && isspace((unsigned char)text[length - 1]);)
		text[--length] = '\0';
	return text;
}
