// SPDX-License-Identifier: MIT
/* What U-Boot and TF-A load. Legacy header: U-Boot include/image.h. */
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "build/fip.h"
#include "build/fit_json.h"
#include "build/fit_tree.h"
#include "build/inspect.h"
#include "build/inspect_rows.h"
#include "build/stm32.h"

#define TREE_FILE_MAX ((uint64_t)INT32_MAX)

bool stm32_match(const struct input *input)
{
	return stm32_is(input->head, input->head_size);
}

static void stm32_piece(void *context, const uint8_t *data, size_t size)
{
	uint32_t *checksum = context;

	*checksum = stm32_checksum(*checksum, data, size);
}

static void stm32_facts(const struct stm32_header *header, json_t *facts)
{
	fact_text(facts, "version", header->layout->name);
	fact_text(facts, "chips", header->layout->chips);
	fact_number(facts, "header", header->layout->size);
	fact_number(facts, "payload", header->length);
	fact_hex(facts, "load", header->load);
	fact_hex(facts, "entry", header->entry);
	fact_hex(facts, "type", header->type);
	fact_text(facts, "holds", stm32_type_name(header->type));
	fact_number(facts, "version-number", header->version_number);
	fact_flag(facts, "signed", header->is_signed);
	fact_flag(facts, "encrypted", header->is_encrypted);
}

void stm32_explain(const struct input *input, struct finding *finding)
{
	struct stm32_header header;
	uint32_t checksum = 0;
	struct err err;
	bool inside;

	if (stm32_parse(input->head, input->head_size, &header, &err) < 0) {
		finding_check(finding, "header", false, "%s", err.text);
		return;
	}
	stm32_facts(&header, finding->facts);
	finding->size = header.layout->size + header.length;
	inside = input_each(input, header.layout->size, header.length, stm32_piece, &checksum);
	finding_check(finding, "length", inside, "the file is shorter than the header says");
	if (inside)
		finding_check(finding, "checksum", checksum == header.checksum,
			      "it is 0x%08" PRIx32 ", but the payload's is 0x%08" PRIx32,
			      header.checksum, checksum);
	finding_check(finding, "reserved", header.reserved_clean,
		      "reserved words are not zero: U-Boot refuses it");
}

bool fip_match(const struct input *input)
{
	return fip_is(input->head, input->head_size);
}

static void fip_facts(const struct fip *fip, json_t *facts)
{
	json_t *entries = json_array();
	size_t i;

	fact_hex(facts, "serial", fip->serial);
	fact_hex(facts, "flags", fip->flags);
	for (i = 0; i < fip->count; i++) {
		const struct fip_entry *entry = &fip->entries[i];
		json_t *row = json_object();

		fact_text(row, "name", entry->name ? entry->name : "unknown");
		fact_text(row, "help", entry->help);
		fact_text(row, "uuid", entry->uuid);
		fact_number(row, "offset", entry->offset);
		fact_number(row, "size", entry->size);
		json_array_append_new(entries, row);
	}
	json_object_set_new(facts, "entries", entries);
}

void fip_explain(const struct input *input, struct finding *finding)
{
	_cleanup_(freep) struct fip *fip = xcalloc(1, sizeof(*fip));
	struct err err = {0};
	int rc = fip_parse(input->head, input->head_size, input->size, fip, &err);

	fip_facts(fip, finding->facts);
	finding_check(finding, "table of contents", rc == 0, "%s", err.text);
	if (rc == 0)
		finding->size = fip->end;
}

struct legacy_name {
	uint8_t number;
	const char *name;
};

/* Each ends with an empty row. */
static const struct legacy_name legacy_types[] = {
	{1, "standalone"}, {2, "kernel"},     {3, "ramdisk"}, {4, "multi"}, {5, "firmware"},
	{6, "script"},     {7, "filesystem"}, {8, "flat_dt"}, {0},
};
static const struct legacy_name legacy_archs[] = {
	{2, "arm"},    {3, "x86"},     {5, "mips"},   {7, "powerpc"},
	{22, "arm64"}, {24, "x86_64"}, {26, "riscv"}, {0},
};
static const struct legacy_name legacy_oses[] = {
	{5, "linux"}, {17, "u-boot"}, {25, "trusted firmware"}, {26, "tee"}, {28, "efi"}, {0},
};
static const struct legacy_name legacy_codecs[] = {
	{1, "gzip"}, {2, "bzip2"}, {3, "lzma"}, {4, "lzo"}, {5, "lz4"}, {6, "zstd"}, {0},
};

static void fact_named(json_t *facts, const char *fact, const struct legacy_name *table,
		       uint8_t number)
{
	for (; table->name; table++)
		if (table->number == number) {
			fact_text(facts, fact, table->name);
			return;
		}
	fact_number(facts, fact, number);
}

#define LEGACY_HEADER 64
#define LEGACY_SCRIPT 6

bool legacy_image_match(const struct input *input)
{
	return input_has(input, 0, "\x27\x05\x19\x56", 4) && input->head_size >= LEGACY_HEADER;
}

static void legacy_facts(const uint8_t *header, json_t *facts)
{
	fact_field(facts, "name", header + 32, 32);
	fact_named(facts, "type", legacy_types, header[30]);
	fact_named(facts, "arch", legacy_archs, header[29]);
	fact_named(facts, "os", legacy_oses, header[28]);
	if (header[31])
		fact_named(facts, "compression", legacy_codecs, header[31]);
	else
		fact_text(facts, "compression", "none");
	fact_number(facts, "timestamp", be32_at(header + 8));
	fact_number(facts, "data", be32_at(header + 12));
	fact_hex(facts, "load", be32_at(header + 16));
	fact_hex(facts, "entry", be32_at(header + 20));
}

/* Lengths of the parts, then a zero, then the parts: a script is a single text. */
static void legacy_script(const struct input *input, uint32_t size, struct finding *finding)
{
	uint8_t table[8];
	uint32_t length;

	if (size < sizeof(table) || !input_read(input, LEGACY_HEADER, table, sizeof(table)))
		return;
	length = be32_at(table);
	finding_check(finding, "script", length <= size - sizeof(table) && be32_at(table + 4) == 0,
		      "the table of lengths says %" PRIu32 " bytes", length);
	fact_number(finding->facts, "script", length);
}

void legacy_image_explain(const struct input *input, struct finding *finding)
{
	uint8_t header[LEGACY_HEADER];
	uint32_t size, crc, header_crc;
	bool inside;

	memcpy(header, input->head, sizeof(header));
	legacy_facts(header, finding->facts);
	header_crc = be32_at(header + 4);
	memset(header + 4, 0, 4);
	finding_check(finding, "header CRC", crc32_add(0, header, sizeof(header)) == header_crc,
		      "the header is not what was written");
	size = be32_at(header + 12);
	finding->size = LEGACY_HEADER + (uint64_t)size;
	inside = input_crc32(input, LEGACY_HEADER, size, &crc);
	finding_check(finding, "length", inside, "the file is shorter than the header says");
	if (inside)
		finding_check(finding, "data CRC", crc == be32_at(header + 24),
			      "the data are not what was written");
	if (inside && header[30] == LEGACY_SCRIPT)
		legacy_script(input, size, finding);
}

bool fdt_match(const struct input *input)
{
	return input_has(input, 0, "\xd0\x0d\xfe\xed", 4);
}

static void dtb_facts(const void *tree, json_t *facts)
{
	int nodes = 0, node = 0, depth = 0;

	for (; node >= 0 && depth >= 0; node = fdt_next_node(tree, node, &depth))
		nodes++;
	fact_text(facts, "model", dt_text(tree, 0, "model"));
	fact_text(facts, "compatible", dt_text(tree, 0, "compatible"));
	fact_number(facts, "nodes", (uint64_t)nodes);
	fact_flag(facts, "overlay",
		  fdt_path_offset(tree, "/fragment@0") >= 0 ||
			  fdt_path_offset(tree, "/__fixups__") >= 0);
	fact_flag(facts, "keys", fdt_path_offset(tree, "/signature") >= 0);
}

static void fit_facts(const struct buf *file, struct finding *finding)
{
	struct fit_report report;
	json_t *facts;
	struct err err;
	int rc = fit_read(file->data, file->size, NULL, &report, &err);

	finding->kind = "fit";
	finding->name = "FIT image";
	finding_check(finding, "structure", rc == 0, "%s", err.text);
	if (rc < 0)
		return;
	facts = fit_report_json(&report);
	json_object_update(finding->facts, facts);
	json_decref(facts);
	fit_report_checks(&report, finding);
	fit_report_free(&report);
}

/* External data of a FIT come after its tree, so the whole file is read. */
void fdt_explain(const struct input *input, struct finding *finding)
{
	_cleanup_(buf_free) struct buf file = {.max = TREE_FILE_MAX + 1};
	const void *tree;
	struct err err = {0};
	int rc;

	if (input->size > TREE_FILE_MAX || !input_read_part(input, 0, input->size, &file)) {
		finding_check(finding, "structure", false, "it cannot be read, or is over 2 GiB");
		return;
	}
	rc = dt_check(file.data, file.size, &err);
	finding_check(finding, "tree", rc == 0, "%s", err.text);
	if (rc < 0)
		return;
	tree = file.data;
	finding->size = fdt_totalsize(tree);
	fact_number(finding->facts, "version", fdt_version(tree));
	if (fdt_path_offset(file.data, "/images") >= 0)
		fit_facts(&file, finding);
	else
		dtb_facts(file.data, finding->facts);
}
