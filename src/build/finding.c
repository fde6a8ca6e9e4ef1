// SPDX-License-Identifier: MIT
#include "build/finding.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

#define PIECE ((size_t)256 << 10)

const char *const finding_state_names[] = {"good", "damaged", "unknown"};

static void fill_head(struct input *input)
{
	size_t want = input->size < INPUT_HEAD ? (size_t)input->size : INPUT_HEAD;

	if (input_read(input, 0, input->head, want))
		input->head_size = want;
}

void input_of_memory(struct input *input, const void *data, size_t size)
{
	*input = (struct input){.memory = data, .fd = -1, .size = size, .whole = true};
	fill_head(input);
}

int input_of_file(struct input *input, const char *path, int fd, struct err *err)
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0)
		return err_errno(err, ERR_HOST, "cannot tell the size of %s", path);
	*input = (struct input){.fd = fd, .size = (uint64_t)size, .path = path, .whole = true};
	fill_head(input);
	if (size && !input->head_size)
		return err_errno(err, ERR_HOST, "cannot read %s", path);
	return 0;
}

bool input_of_part(struct input *part, const struct input *input, uint64_t offset, uint64_t size)
{
	if (offset > input->size || size > input->size - offset)
		return false;
	*part = (struct input){.memory = input->memory,
			       .fd = input->fd,
			       .size = size,
			       .start = input->start + offset,
			       .deadline = input->deadline,
			       .whole = input->whole,
			       .part = true,
			       .depth = input->depth + 1};
	fill_head(part);
	return size == 0 || part->head_size > 0;
}

bool input_read(const struct input *input, uint64_t offset, void *data, size_t size)
{
	char *place = data;
	ssize_t got;

	if (offset > input->size || size > input->size - offset)
		return false;
	offset += input->start;
	if (input->memory) {
		if (size)
			memcpy(data, input->memory + offset, size);
		return true;
	}
	for (; size; place += got, offset += (uint64_t)got, size -= (size_t)got) {
		got = pread(input->fd, place, size, (off_t)offset);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			return false;
	}
	return true;
}

bool input_each(const struct input *input, uint64_t offset, uint64_t size,
		void (*piece)(void *context, const uint8_t *data, size_t size), void *context)
{
	_cleanup_(freep) uint8_t *data = NULL;
	size_t step;

	if (offset > input->size || size > input->size - offset)
		return false;
	if (input->memory) {
		piece(context, input->memory + input->start + offset, (size_t)size);
		return true;
	}
	data = xmalloc(PIECE);
	for (; size; offset += step, size -= step) {
		step = size < PIECE ? (size_t)size : PIECE;
		if (input->deadline && deadline_check(*input->deadline, NULL) < 0)
			return false;
		if (!input_read(input, offset, data, step))
			return false;
		piece(context, data, step);
	}
	return true;
}

bool input_read_part(const struct input *input, uint64_t offset, uint64_t size, struct buf *out)
{
	if (offset > input->size || size > input->size - offset)
		return false;
	if (size >= out->max)
		return false;
	buf_free(out);
	out->data = xmalloc((size_t)size + 1);
	out->size = (size_t)size;
	out->space = (size_t)size + 1;
	out->data[size] = '\0';
	return input_read(input, offset, out->data, (size_t)size);
}

bool input_has(const struct input *input, size_t offset, const void *bytes, size_t size)
{
	return offset <= input->head_size && size <= input->head_size - offset &&
	       memcmp(input->head + offset, bytes, size) == 0;
}

static void crc_piece(void *context, const uint8_t *data, size_t size)
{
	uint32_t *crc = context;

	*crc = crc32_add(*crc, data, size);
}

bool input_crc32(const struct input *input, uint64_t offset, uint64_t size, uint32_t *crc)
{
	*crc = 0;
	return input_each(input, offset, size, crc_piece, crc);
}

void finding_begin(struct finding *finding, const char *kind, const char *name)
{
	*finding = (struct finding){
		.kind = kind, .name = name, .facts = json_object(), .checks = json_array()};
}

void finding_free(struct finding *finding)
{
	json_decref(finding->facts);
	json_decref(finding->checks);
	*finding = (struct finding){0};
}

void fact_text(json_t *facts, const char *name, const char *text)
{
	if (text)
		json_object_set_new(facts, name, json_text(text));
}

void fact_number(json_t *facts, const char *name, uint64_t value)
{
	json_object_set_new(facts, name,
			    json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value));
}

void fact_hex(json_t *facts, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	fact_text(facts, name, text);
}

void fact_flag(json_t *facts, const char *name, bool value)
{
	json_object_set_new(facts, name, json_boolean(value));
}

void fact_bytes(json_t *facts, const char *name, const uint8_t *bytes, size_t size)
{
	_cleanup_(freep) char *text = xmalloc(2 * size + 1);

	text_of_bytes(bytes, size, text);
	fact_text(facts, name, text);
}

void fact_field(json_t *facts, const char *name, const uint8_t *bytes, size_t size)
{
	_cleanup_(freep) char *text = xstrndup((const char *)bytes, size);

	fact_text(facts, name, text_trim(text));
}

void finding_check(struct finding *finding, const char *check, bool good, const char *note, ...)
{
	json_t *row = json_pack("{s:s,s:b}", "check", check, "good", good);
	_cleanup_(freep) char *text = NULL;
	va_list args;

	if (!good) {
		va_start(args, note);
		text = xvasprintf(note, args);
		va_end(args);
		json_object_set_new(row, "note", json_text(text));
		finding->state = FINDING_DAMAGED;
	}
	json_array_append_new(finding->checks, row);
}

json_t *finding_json(const struct finding *finding)
{
	json_t *out = json_pack("{s:s,s:s,s:s,s:O,s:O}", "kind", finding->kind, "name",
				finding->name, "state", finding_state_names[finding->state],
				"facts", finding->facts, "checks", finding->checks);

	if (finding->size)
		fact_number(out, "size", finding->size);
	return out;
}

uint16_t le16_at(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

uint32_t le32_at(const uint8_t *bytes)
{
	return (uint32_t)le16_at(bytes) | (uint32_t)le16_at(bytes + 2) << 16;
}

uint64_t le64_at(const uint8_t *bytes)
{
	return le32_at(bytes) | (uint64_t)le32_at(bytes + 4) << 32;
}

uint16_t be16_at(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

uint32_t be32_at(const uint8_t *bytes)
{
	return (uint32_t)be16_at(bytes) << 16 | be16_at(bytes + 2);
}
