// SPDX-License-Identifier: MIT
/* Loaders of Rockchip and Allwinner. Rockchip loader file: rkdeveloptool; ID block: U-Boot
   tools/rkcommon.c; eGON: U-Boot include/sunxi_image.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "build/fit_hash.h"
#include "build/inspect.h"
#include "build/inspect_rows.h"

#define LOADER_HEADER  102
#define LOADER_ENTRY   57
#define LOADER_CRC     4
#define LOADER_ENTRIES 3 /* kinds: 0x471, 0x472, loader */
#define CRC_POLYNOMIAL 0x04c10db7u

bool rockchip_loader_match(const struct input *input)
{
	return input->head_size >= LOADER_HEADER &&
	       (input_has(input, 0, "BOOT", 4) || input_has(input, 0, "LDR ", 4)) &&
	       le16_at(input->head + 4) == LOADER_HEADER;
}

/* Rockchip's own CRC: another polynomial than everybody's, most significant bit first. */
static void crc_piece(void *context, const uint8_t *data, size_t size)
{
	uint32_t *crc = context;
	size_t i;
	int bit;

	for (i = 0; i < size; i++) {
		*crc ^= (uint32_t)data[i] << 24;
		for (bit = 0; bit < 8; bit++)
			*crc = *crc & 0x80000000u ? *crc << 1 ^ CRC_POLYNOMIAL : *crc << 1;
	}
}

/* 20 characters of UTF-16; names are ASCII. */
static void entry_name(const uint8_t *at, char out[21])
{
	size_t i;

	for (i = 0; i < 20 && le16_at(at + 2 * i); i++)
		out[i] = le16_at(at + 2 * i) < 127 ? (char)at[2 * i] : '?';
	out[i] = '\0';
}

static void loader_entry(const struct input *input, const uint8_t *at, const char *kind,
			 json_t *entries, struct finding *finding)
{
	uint64_t offset = le32_at(at + 45), size = le32_at(at + 49);
	json_t *row = json_object();
	char name[21];

	entry_name(at + 5, name);
	fact_text(row, "name", name);
	fact_text(row, "kind", kind);
	fact_number(row, "offset", offset);
	fact_number(row, "size", size);
	fact_number(row, "delay-ms", le32_at(at + 53));
	json_array_append_new(entries, row);
	if (offset > input->size || size > input->size - offset)
		finding_check(finding, name, false, "its data lie outside the file");
}

static void loader_entries(const struct input *input, struct finding *finding)
{
	static const char *const kinds[LOADER_ENTRIES] = {"471", "472", "loader"};
	json_t *entries = json_array();
	size_t kind, i;

	for (kind = 0; kind < LOADER_ENTRIES; kind++) {
		const uint8_t *list = input->head + 25 + 6 * kind;

		for (i = 0; i < list[0] && list[5] == LOADER_ENTRY; i++) {
			uint8_t entry[LOADER_ENTRY];

			if (!input_read(input, le32_at(list + 1) + (uint64_t)i * LOADER_ENTRY,
					entry, sizeof(entry))) {
				finding_check(finding, "entries", false, "the file ends in them");
				break;
			}
			loader_entry(input, entry, kinds[kind], entries, finding);
		}
	}
	json_object_set_new(finding->facts, "entries", entries);
}

void rockchip_loader_explain(const struct input *input, struct finding *finding)
{
	const uint8_t *head = input->head;
	char text[64];
	uint8_t stored[LOADER_CRC];
	uint32_t crc = 0;

	fact_field(finding->facts, "tag", head, 4);
	snprintf(text, sizeof(text), "%x.%02x", head[7], head[6]);
	fact_text(finding->facts, "version", text);
	snprintf(text, sizeof(text), "%04u-%02u-%02u %02u:%02u:%02u", le16_at(head + 14), head[16],
		 head[17], head[18], head[19], head[20]);
	fact_text(finding->facts, "time", text);
	snprintf(text, sizeof(text), "%c%c%c%c", head[24], head[23], head[22], head[21]);
	fact_text(finding->facts, "chip", text);
	fact_flag(finding->facts, "signed", head[43] == 'S');
	fact_flag(finding->facts, "rc4", head[44] != 1);
	loader_entries(input, finding);
	if (!input->whole)
		return;
	finding_check(finding, "CRC",
		      input_each(input, 0, input->size - LOADER_CRC, crc_piece, &crc) &&
			      input_read(input, input->size - LOADER_CRC, stored, LOADER_CRC) &&
			      le32_at(stored) == crc,
		      "the file is not what was written");
}

#define SECTOR       512
#define IDB_HASHED   1536
#define IDB_IMAGES   4
#define IDB_IMAGE    88
#define IDB_AT_IMAGE 0x78

/* The older form is enciphered with a key everybody knows; its first word is always this. */
static const uint8_t old_idblock[] = {0x3b, 0x8c, 0xdc, 0xfc};

bool rockchip_idblock_match(const struct input *input)
{
	return input->head_size >= 4 * SECTOR &&
	       (input_has(input, 0, "RKNS", 4) || input_has(input, 0, old_idblock, 4));
}

static size_t size_of(const char *algo)
{
	return strcmp(algo, "sha256") == 0 ? 32 : 64;
}

static void idb_image(const struct input *input, const uint8_t *at, const char *algo, size_t index,
		      json_t *images, struct finding *finding)
{
	_cleanup_(buf_free) struct buf data = {.max = (size_t)64 << 20};
	uint64_t offset = (uint64_t)le16_at(at) * SECTOR, size = (uint64_t)le16_at(at + 2) * SECTOR;
	json_t *row = json_object();
	char what[32];
	bool inside;

	fact_number(row, "offset", offset);
	fact_number(row, "size", size);
	json_array_append_new(images, row);
	snprintf(what, sizeof(what), "image %zu", index);
	inside = input_read_part(input, offset, size, &data);
	if (!inside)
		finding_check(finding, what, false, "it lies outside the file");
	else if (algo)
		finding_check(finding, what,
			      fit_hash_is(algo, data.data, data.size, at + 24, size_of(algo)),
			      "its %s is not that of the data", algo);
}

void rockchip_idblock_explain(const struct input *input, struct finding *finding)
{
	static const char *const hashes[] = {NULL, "sha256", "sha512"};
	const uint8_t *head = input->head;
	json_t *images = json_array();
	uint32_t kind = le32_at(head + 12) & 0xf;
	const char *algo = kind < ARRAY_SIZE(hashes) ? hashes[kind] : NULL;
	size_t i;

	json_object_set_new(finding->facts, "images", images);
	if (!input_has(input, 0, "RKNS", 4)) {
		fact_text(finding->facts, "form", "old, enciphered");
		return;
	}
	fact_text(finding->facts, "form", "new");
	fact_text(finding->facts, "hash", algo ? algo : "none");
	if (algo)
		finding_check(finding, "header",
			      fit_hash_is(algo, head, IDB_HASHED, head + IDB_HASHED, size_of(algo)),
			      "its %s is not that of the header", algo);
	for (i = 0; i < IDB_IMAGES; i++)
		if (le16_at(head + IDB_AT_IMAGE + i * IDB_IMAGE))
			idb_image(input, head + IDB_AT_IMAGE + i * IDB_IMAGE, algo, i, images,
				  finding);
}

#define EGON_SEED 0x5f0a6c39u

bool egon_match(const struct input *input)
{
	return input->head_size >= 32 && input_has(input, 4, "eGON.BT", 7);
}

struct word_sum {
	uint32_t sum;
	uint8_t rest[4]; /* bytes of a word that spans two pieces */
	size_t held;
};

static void sum_piece(void *context, const uint8_t *data, size_t size)
{
	struct word_sum *sum = context;
	size_t i;

	for (i = 0; i < size; i++) {
		sum->rest[sum->held++] = data[i];
		if (sum->held == 4) {
			sum->sum += le32_at(sum->rest);
			sum->held = 0;
		}
	}
}

void egon_explain(const struct input *input, struct finding *finding)
{
	uint32_t stored = le32_at(input->head + 12), length = le32_at(input->head + 16);
	struct word_sum sum = {0};
	bool inside =
		length >= 32 && length % 4 == 0 && input_each(input, 0, length, sum_piece, &sum);
	uint64_t next = length > 0x8000 ? length : 0x8000;

	fact_field(finding->facts, "stage", input->head + 9, 3);
	fact_number(finding->facts, "length", length);
	if (input_has(input, 20, "SPL", 3))
		fact_number(finding->facts, "spl-version", input->head[23]);
	finding->size = length;
	finding_check(finding, "length", inside, "the file is shorter than the header says");
	if (!inside)
		return;
	finding_check(finding, "checksum", 2 * stored - EGON_SEED - sum.sum == 0,
		      "the loader is not what was written");
	if (input->size > next)
		inspect_part(input, next, input->size - next, "what follows", finding->facts,
			     finding);
}
