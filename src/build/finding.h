// SPDX-License-Identifier: MIT
/*
 * What looking at a file found: what it is, facts about it, and what could be verified. Facts are a
 * JSON object, so that the program can print them for people and machines alike. And the input that
 * recognisers read from: a file or memory, of any size, by place.
 */
#ifndef ABOARD_BUILD_FINDING_H
#define ABOARD_BUILD_FINDING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/err.h"

/* Bytes that recognisers may look at without reading: the start of the input. */
#define INPUT_HEAD 4096

struct input {
	const uint8_t *memory;           /* all of it; NULL: read from fd. Borrowed. */
	int fd;                          /* borrowed */
	uint64_t size;                   /* bytes */
	const char *path;                /* the file, whole; NULL: memory, or a part of something */
	uint64_t start;                  /* where in the file or memory this input begins */
	const struct deadline *deadline; /* looked at between pieces; NULL: none */
	bool whole;         /* false: `size` is only what was looked at, there is more */
	bool part;          /* a piece of something else, such as a partition */
	unsigned int depth; /* how deep in other things this is */
	uint8_t head[INPUT_HEAD];
	size_t head_size; /* bytes of `head` that are there */
};

/* Memory of `size` bytes, aligned as malloc() does; borrowed. */
void input_of_memory(struct input *input, const void *data, size_t size);
/* An open regular file or block device; ERR_HOST. */
int input_of_file(struct input *input, const char *path, int fd, struct err *err);

/* A part of an input as one of its own, one deeper; false when it is not inside. */
bool input_of_part(struct input *part, const struct input *input, uint64_t offset, uint64_t size);

/* Reads exactly `size` bytes at `offset`; false when they are not there or cannot be read. */
bool input_read(const struct input *input, uint64_t offset, void *data, size_t size);
/* Reads all of a part into an empty buffer. */
bool input_read_part(const struct input *input, uint64_t offset, uint64_t size, struct buf *out);
/* Goes over a part in pieces; false when a read fails. */
bool input_each(const struct input *input, uint64_t offset, uint64_t size,
		void (*piece)(void *context, const uint8_t *data, size_t size), void *context);
/* Whether the head has these bytes at that place. */
bool input_has(const struct input *input, size_t offset, const void *bytes, size_t size);

/* CRC-32 (zlib) of a part; false when it cannot be read. */
bool input_crc32(const struct input *input, uint64_t offset, uint64_t size, uint32_t *crc);

enum finding_state {
	FINDING_KNOWN,   /* recognised; what it carries to verify itself by is right */
	FINDING_DAMAGED, /* recognised, but something is wrong with it */
	FINDING_UNKNOWN, /* nothing here knows it */
};

extern const char *const finding_state_names[]; /* "good", "damaged", "unknown" */

struct finding {
	const char *kind; /* "stm32", "fit", ... */
	const char *name; /* "STM32 image" */
	enum finding_state state;
	json_t *facts;  /* object, in the order to be told */
	json_t *checks; /* array of {"check", "good", "note"} */
	uint64_t size;  /* bytes that belong to it, from its start; 0: not said */
};

void finding_begin(struct finding *finding, const char *kind, const char *name);
void finding_free(struct finding *finding);

/* Facts. Texts may come from anywhere and be anything. */
void fact_text(json_t *facts, const char *name, const char *text);
void fact_number(json_t *facts, const char *name, uint64_t value);
void fact_hex(json_t *facts, const char *name, uint64_t value); /* as the text "0x..." */
void fact_flag(json_t *facts, const char *name, bool value);
void fact_bytes(json_t *facts, const char *name, const uint8_t *bytes, size_t size);
/* `size` bytes of text, padded with NULs or blanks. */
void fact_field(json_t *facts, const char *name, const uint8_t *bytes, size_t size);

/* Notes that something was verified; what is not good makes the finding damaged. The note says
   what is wrong; it is kept only then. */
void finding_check(struct finding *finding, const char *check, bool good, const char *note, ...)
	__attribute__((format(printf, 4, 5)));

/* {"kind", "name", "state", "size", "facts", "checks"}; new reference. */
json_t *finding_json(const struct finding *finding);

/* Numbers in a header. */
uint16_t le16_at(const uint8_t *bytes);
uint32_t le32_at(const uint8_t *bytes);
uint64_t le64_at(const uint8_t *bytes);
uint16_t be16_at(const uint8_t *bytes);
uint32_t be32_at(const uint8_t *bytes);

#endif
