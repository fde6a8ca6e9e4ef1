// SPDX-License-Identifier: MIT
/* Application images of ESP8266 and the ESP32 family (Espressif's "Firmware Image Format"). One
   byte of magic is little, so an image is taken for one only when all its segments fit. */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "build/fit_hash.h"
#include "build/inspect_rows.h"

#define MAGIC         0xe9
#define HEADER        8
#define HEADER_LONG   24
#define SEGMENTS_MAX  16
#define SEGMENT_MAX   (16u << 20)
#define CHECKSUM_SEED 0xef

static const struct {
	uint16_t id;
	const char *name;
} chips[] = {
	{0, "ESP32"},      {2, "ESP32-S2"},  {5, "ESP32-C3"},   {9, "ESP32-S3"},
	{12, "ESP32-C2"},  {13, "ESP32-C6"}, {16, "ESP32-H2"},  {18, "ESP32-P4"},
	{20, "ESP32-C61"}, {23, "ESP32-C5"}, {25, "ESP32-H21"}, {28, "ESP32-H4"},
};

static const char *chip_name(uint16_t id)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(chips); i++)
		if (chips[i].id == id)
			return chips[i].name;
	return NULL;
}

/* Where the segments end; 0 when they do not fit, so that it is no image with such a header. */
static uint64_t walk(const struct input *input, uint64_t offset, json_t *rows)
{
	uint8_t header[8];
	size_t i;

	for (i = 0; i < input->head[1]; i++) {
		uint32_t length;

		if (!input_read(input, offset, header, sizeof(header)))
			return 0;
		length = le32_at(header + 4);
		if (length % 4 || length >= SEGMENT_MAX ||
		    length > input->size - offset - sizeof(header))
			return 0;
		if (rows) {
			json_t *row = json_object();

			fact_hex(row, "load", le32_at(header));
			fact_number(row, "offset", offset + sizeof(header));
			fact_number(row, "size", length);
			json_array_append_new(rows, row);
		}
		offset += sizeof(header) + length;
	}
	return offset;
}

/* Bytes of the header that fits; 0: none does. */
static size_t header_of(const struct input *input)
{
	const uint8_t *head = input->head;
	uint64_t end;

	if (input->head_size < HEADER_LONG || head[0] != MAGIC || head[1] < 1 ||
	    head[1] > SEGMENTS_MAX || head[2] > 5)
		return 0;
	if (chip_name(le16_at(head + 12)) && le32_at(head + 19) == 0 && head[23] <= 1) {
		end = walk(input, HEADER_LONG, NULL);
		if (end && (end | 15) < input->size)
			return HEADER_LONG;
	}
	end = walk(input, HEADER, NULL);
	return end && (end | 15) < input->size ? HEADER : 0;
}

bool esp_match(const struct input *input)
{
	return header_of(input) != 0;
}

static void xor_piece(void *context, const uint8_t *data, size_t size)
{
	uint8_t *checksum = context;
	size_t i;

	for (i = 0; i < size; i++)
		*checksum ^= data[i];
}

static bool segments_xor(const struct input *input, const json_t *rows, uint8_t *checksum)
{
	json_t *row;
	size_t i;

	*checksum = CHECKSUM_SEED;
	json_array_foreach(rows, i, row)
	{
		if (!input_each(input, (uint64_t)json_integer_value(json_object_get(row, "offset")),
				(uint64_t)json_integer_value(json_object_get(row, "size")),
				xor_piece, checksum))
			return false;
	}
	return true;
}

static void check_hash(const struct input *input, uint64_t end, struct finding *finding)
{
	_cleanup_(buf_free) struct buf data = {.max = (size_t)512 << 20};
	uint8_t stored[32];

	finding->size = end + sizeof(stored);
	finding_check(finding, "hash",
		      input_read_part(input, 0, end, &data) &&
			      input_read(input, end, stored, sizeof(stored)) &&
			      fit_hash_is("sha256", data.data, data.size, stored, sizeof(stored)),
		      "the SHA-256 behind the image is not that of the image");
}

void esp_explain(const struct input *input, struct finding *finding)
{
	static const char *const modes[] = {"qio", "qout", "dio", "dout", "fast-read", "slow-read"};
	size_t header = header_of(input);
	const uint8_t *head = input->head;
	json_t *rows = json_array();
	uint64_t end = walk(input, header, rows) | 15;
	uint8_t checksum, stored;

	fact_text(finding->facts, "chip",
		  header == HEADER_LONG ? chip_name(le16_at(head + 12)) : "ESP8266");
	fact_text(finding->facts, "mode", modes[head[2]]);
	fact_hex(finding->facts, "size-and-frequency", head[3]);
	fact_hex(finding->facts, "entry", le32_at(head + 4));
	if (header == HEADER_LONG) {
		fact_number(finding->facts, "min-revision", le16_at(head + 15));
		fact_number(finding->facts, "max-revision", le16_at(head + 17));
	}
	json_object_set_new(finding->facts, "segments", rows);
	finding->size = end + 1;
	finding_check(finding, "checksum",
		      segments_xor(input, rows, &checksum) && input_read(input, end, &stored, 1) &&
			      checksum == stored,
		      "the segments are not what was written");
	if (header == HEADER_LONG && head[23])
		check_hash(input, end + 1, finding);
}
