// SPDX-License-Identifier: MIT
/* Boot images of i.MX. IVT: the reference manuals' "Program Image" chapter, U-Boot
   include/imximage.h (i.MX 50 to 8M); AHAB container: U-Boot include/imx8image.h (i.MX 8, 8X, 9).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "build/fit_hash.h"
#include "build/inspect_rows.h"

#define IVT_SIZE       32
#define BOOT_DATA_SIZE 12

static bool is_ivt(const uint8_t *at)
{
	return at[0] == 0xd1 && be16_at(at + 1) == IVT_SIZE && (at[3] & 0xf0) == 0x40;
}

/* In a file for USB at its start; in one for SD cards at 0x400, behind a place for a partition
   table. */
static const uint8_t *find_ivt(const struct input *input)
{
	static const size_t places[] = {0, 0x400};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (input->head_size >= places[i] + IVT_SIZE && is_ivt(input->head + places[i]))
			return input->head + places[i];
	return NULL;
}

bool imx_ivt_match(const struct input *input)
{
	return find_ivt(input) != NULL;
}

/* Place in the file of an address, from what the IVT says about its own. */
static int64_t place_of(const struct input *input, const uint8_t *ivt, uint32_t address)
{
	return (ivt - input->head) + (int64_t)address - (int64_t)le32_at(ivt + 20);
}

static void explain_dcd(const struct input *input, const uint8_t *ivt, struct finding *finding)
{
	int64_t place = place_of(input, ivt, le32_at(ivt + 12));
	uint8_t header[4];

	if (!le32_at(ivt + 12))
		return;
	if (place < 0 || !input_read(input, (uint64_t)place, header, sizeof(header))) {
		finding_check(finding, "DCD", false, "it lies outside the file");
		return;
	}
	fact_number(finding->facts, "dcd-size", be16_at(header + 1));
	finding_check(finding, "DCD",
		      header[0] == 0xd2 && (uint64_t)place + be16_at(header + 1) <= input->size,
		      "there is none where the IVT says, or it is cut short");
}

static void explain_boot_data(const struct input *input, const uint8_t *ivt,
			      struct finding *finding)
{
	int64_t place = place_of(input, ivt, le32_at(ivt + 16)), skipped;
	uint8_t data[BOOT_DATA_SIZE];
	uint32_t start, length;

	if (place < 0 || !input_read(input, (uint64_t)place, data, sizeof(data))) {
		finding_check(finding, "boot data", false, "they lie outside the file");
		return;
	}
	start = le32_at(data);
	length = le32_at(data + 4);
	skipped = (int64_t)le32_at(ivt + 20) - (int64_t)start;
	fact_hex(finding->facts, "start", start);
	fact_number(finding->facts, "length", length);
	fact_flag(finding->facts, "plugin", le32_at(data + 8) & 1);
	finding_check(finding, "boot data", skipped >= 0 && (int64_t)length >= skipped + IVT_SIZE,
		      "start and length leave no room for the IVT");
}

void imx_ivt_explain(const struct input *input, struct finding *finding)
{
	const uint8_t *ivt = find_ivt(input);

	fact_hex(finding->facts, "offset", (uint64_t)(ivt - input->head));
	fact_hex(finding->facts, "version", ivt[3]);
	fact_hex(finding->facts, "entry", le32_at(ivt + 4));
	fact_hex(finding->facts, "dcd", le32_at(ivt + 12));
	fact_hex(finding->facts, "boot-data", le32_at(ivt + 16));
	fact_hex(finding->facts, "self", le32_at(ivt + 20));
	fact_hex(finding->facts, "csf", le32_at(ivt + 24));
	fact_flag(finding->facts, "signed", le32_at(ivt + 24) != 0);
	explain_boot_data(input, ivt, finding);
	explain_dcd(input, ivt, finding);
}

#define CONTAINER_HEADER 16
#define CONTAINER_IMAGE  128
#define CONTAINER_STEP   0x400
#define CONTAINERS_MAX   4
#define IMAGES_MAX       16
#define FLAG_ENCRYPTED   0x400u

static bool is_container(const uint8_t *at)
{
	uint16_t length = le16_at(at + 1);

	return (at[3] == 0x87 || at[3] == 0x82) && at[0] <= 2 && at[11] <= IMAGES_MAX &&
	       length >= CONTAINER_HEADER + at[11] * CONTAINER_IMAGE && at[14] == 0 && at[15] == 0;
}

bool ahab_match(const struct input *input)
{
	return input->head_size >= CONTAINER_HEADER && is_container(input->head);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Each image has a hash, all zero for one that the ROM does not load. */
static void check_image(const struct input *input, uint64_t place, const uint8_t *image,
			const char *what, struct finding *finding)
{
	static const struct {
		const char *algo;
		size_t size;
	} hashes[] = {{"sha256", 32}, {"sha384", 48}, {"sha512", 64}, {NULL, 0}};
	_cleanup_(buf_free) struct buf data = {.max = (size_t)256 << 20};
	uint64_t offset = place + le32_at(image), size = le32_at(image + 4);
	uint32_t flags = le32_at(image + 24);
	const char *algo = hashes[flags >> 8 & 3].algo;

	if (!size)
		return;
	if (!input_read_part(input, offset, size, &data)) {
		finding_check(finding, what, false, "it lies outside the file");
		return;
	}
	if (is_zero(image + 32, 64) || !algo || flags & FLAG_ENCRYPTED)
		return;
	finding_check(
		finding, what,
		fit_hash_is(algo, data.data, data.size, image + 32, hashes[flags >> 8 & 3].size),
		"its %s is not that of the data", algo);
}

static void explain_image(const struct input *input, uint64_t place, size_t index, json_t *images,
			  struct finding *finding)
{
	uint8_t image[CONTAINER_IMAGE];
	json_t *row = json_object();
	char what[64];

	json_array_append_new(images, row);
	snprintf(what, sizeof(what), "image %zu of the container at 0x%" PRIx64, index, place);
	if (!input_read(input, place + CONTAINER_HEADER + index * CONTAINER_IMAGE, image,
			sizeof(image))) {
		finding_check(finding, what, false, "the file ends inside its header");
		return;
	}
	fact_hex(row, "offset", place + le32_at(image));
	fact_number(row, "size", le32_at(image + 4));
	fact_hex(row, "load", le64_at(image + 8));
	fact_hex(row, "entry", le64_at(image + 16));
	fact_hex(row, "type", le32_at(image + 24) & 0xf);
	fact_number(row, "core", le32_at(image + 24) >> 4 & 0xf);
	fact_flag(row, "encrypted", le32_at(image + 24) & FLAG_ENCRYPTED);
	check_image(input, place, image, what, finding);
}

static void explain_container(const struct input *input, uint64_t place, const uint8_t *header,
			      json_t *containers, struct finding *finding)
{
	json_t *row = json_object(), *images = json_array();
	size_t i;

	fact_hex(row, "place", place);
	fact_number(row, "version", header[0]);
	fact_text(row, "tag", header[3] == 0x87 ? "AHAB" : "V2X");
	fact_number(row, "software-version", le16_at(header + 8));
	fact_number(row, "fuse-version", header[10]);
	fact_flag(row, "signed", (le32_at(header + 4) & 3) != 0);
	for (i = 0; i < header[11]; i++)
		explain_image(input, place, i, images, finding);
	json_object_set_new(row, "images", images);
	json_array_append_new(containers, row);
}

void ahab_explain(const struct input *input, struct finding *finding)
{
	json_t *containers = json_array();
	uint64_t step = input->head[0] >= 2 ? 0x4000 : CONTAINER_STEP, place = 0;
	uint8_t header[CONTAINER_HEADER];
	size_t i;

	for (i = 0; i < CONTAINERS_MAX; i++, place += step) {
		if (!input_read(input, place, header, sizeof(header)) || !is_container(header))
			break;
		explain_container(input, place, header, containers, finding);
	}
	json_object_set_new(finding->facts, "containers", containers);
}
