// SPDX-License-Identifier: MIT
/* Programs and archives. arm64 Image: Linux Documentation/arch/arm64/booting.rst; zImage:
   arch/arm/boot/compressed/head.S; cpio: cpio(5), "newc". */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "build/inspect_rows.h"

bool arm64_kernel_match(const struct input *input)
{
	return input_has(input, 56, "ARM\x64", 4) && input->head_size >= 64;
}

void arm64_kernel_explain(const struct input *input, struct finding *finding)
{
	static const char *const pages[] = {"not said", "4 KiB", "16 KiB", "64 KiB"};
	uint64_t claimed = le64_at(input->head + 16), flags = le64_at(input->head + 24);

	fact_hex(finding->facts, "text-offset", le64_at(input->head + 8));
	fact_number(finding->facts, "memory", claimed);
	fact_text(finding->facts, "endian", flags & 1 ? "big" : "little");
	fact_text(finding->facts, "page", pages[flags >> 1 & 3]);
	fact_flag(finding->facts, "efi-stub", input_has(input, 0, "MZ", 2));
	/* 0 in kernels before 3.17; the memory it takes includes what is not in the file */
	if (claimed && input->whole)
		finding_check(finding, "size", claimed >= input->size || input->depth > 0,
			      "the file is larger than the memory the kernel asks for");
}

bool zimage_match(const struct input *input)
{
	return input_has(input, 36, "\x18\x28\x6f\x01", 4) && input->head_size >= 48;
}

void zimage_explain(const struct input *input, struct finding *finding)
{
	uint32_t start = le32_at(input->head + 40), end = le32_at(input->head + 44);

	fact_hex(finding->facts, "start", start);
	fact_hex(finding->facts, "end", end);
	if (end >= start)
		finding->size = end - start;
	finding_check(finding, "length", end >= start && finding->size <= input->size,
		      "the file is shorter than the header says");
}

struct machine {
	uint16_t number;
	const char *name;
};

static void fact_machine(json_t *facts, const struct machine *machines, size_t count,
			 uint16_t number)
{
	size_t i;

	fact_hex(facts, "machine", number);
	for (i = 0; i < count; i++)
		if (machines[i].number == number)
			fact_text(facts, "machine", machines[i].name);
}

bool elf_match(const struct input *input)
{
	return input_has(input, 0,
			 "\x7f"
			 "ELF",
			 4) &&
	       input->head_size >= 52;
}

void elf_explain(const struct input *input, struct finding *finding)
{
	static const struct machine machines[] = {{3, "x86"},     {40, "arm"},    {62, "x86_64"},
						  {94, "xtensa"}, {183, "arm64"}, {243, "riscv"}};
	static const char *const types[] = {"none", "relocatable", "executable", "shared", "core"};
	const uint8_t *head = input->head;
	bool wide = head[4] == 2, big = head[5] == 2;
	uint16_t type = big ? be16_at(head + 16) : le16_at(head + 16);

	fact_number(finding->facts, "bits", wide ? 64 : 32);
	fact_text(finding->facts, "endian", big ? "big" : "little");
	fact_text(finding->facts, "type", type < ARRAY_SIZE(types) ? types[type] : "other");
	fact_machine(finding->facts, machines, ARRAY_SIZE(machines),
		     big ? be16_at(head + 18) : le16_at(head + 18));
	if (!big)
		fact_hex(finding->facts, "entry", wide ? le64_at(head + 24) : le32_at(head + 24));
	finding_check(finding, "header", (head[4] == 1 || wide) && (head[5] == 1 || big),
		      "class or byte order is none");
}

static uint32_t pe_offset(const struct input *input)
{
	return le32_at(input->head + 60);
}

bool pe_match(const struct input *input)
{
	return input->head_size >= 64 && input_has(input, 0, "MZ", 2) &&
	       input_has(input, pe_offset(input), "PE\0\0", 4);
}

void pe_explain(const struct input *input, struct finding *finding)
{
	static const struct machine machines[] = {
		{0x14c, "x86"},     {0x1c0, "arm"},    {0x1c2, "arm"},      {0x1c4, "arm"},
		{0x8664, "x86_64"}, {0xaa64, "arm64"}, {0x5064, "riscv64"}, {0x5032, "riscv32"}};
	uint8_t header[4 + 20 + 70];

	if (!input_read(input, pe_offset(input), header, sizeof(header))) {
		finding_check(finding, "header", false, "the file ends inside the header");
		return;
	}
	fact_machine(finding->facts, machines, ARRAY_SIZE(machines), le16_at(header + 4));
	fact_number(finding->facts, "sections", le16_at(header + 6));
	fact_flag(finding->facts, "efi",
		  le16_at(header + 24 + 68) >= 10 && le16_at(header + 24 + 68) <= 13);
}

bool cpio_match(const struct input *input)
{
	return input_has(input, 0, "070701", 6) || input_has(input, 0, "070702", 6) ||
	       input_has(input, 0, "070707", 6);
}

#define NEWC_HEADER   110
#define CPIO_NAME_MAX 4096
#define ENTRIES_MAX   1000000

struct newc {
	uint64_t mode, size, name_size, check;
};

static bool newc_field(const uint8_t *header, size_t index, uint64_t *value)
{
	char text[9];

	memcpy(text, header + 6 + 8 * index, 8);
	text[8] = '\0';
	return text[0] != '0' || text[1] != 'x' ? text_hex(text, value) : false;
}

static bool newc_read(const struct input *input, uint64_t offset, struct newc *entry, char *name)
{
	uint8_t header[NEWC_HEADER];

	if (!input_read(input, offset, header, sizeof(header)) ||
	    (memcmp(header, "070701", 6) != 0 && memcmp(header, "070702", 6) != 0) ||
	    !newc_field(header, 1, &entry->mode) || !newc_field(header, 6, &entry->size) ||
	    !newc_field(header, 11, &entry->name_size) || !newc_field(header, 12, &entry->check))
		return false;
	if (entry->name_size < 1 || entry->name_size > CPIO_NAME_MAX)
		return false;
	return input_read(input, offset + NEWC_HEADER, name, (size_t)entry->name_size) &&
	       name[entry->name_size - 1] == '\0';
}

static uint64_t up4(uint64_t value)
{
	return (value + 3) & ~(uint64_t)3;
}

/* Walks the entries to the trailer. */
void cpio_explain(const struct input *input, struct finding *finding)
{
	_cleanup_(freep) char *name = xmalloc(CPIO_NAME_MAX);
	uint64_t offset = 0, entries = 0, bytes = 0;
	struct newc entry;
	bool ended = false;

	fact_text(finding->facts, "format", input_has(input, 0, "070707", 6) ? "odc" : "newc");
	if (input_has(input, 0, "070707", 6))
		return;
	while (!ended && entries < ENTRIES_MAX && newc_read(input, offset, &entry, name)) {
		offset = up4(offset + NEWC_HEADER + entry.name_size) + up4(entry.size);
		ended = text_equal(name, "TRAILER!!!");
		entries += !ended;
		bytes += entry.size;
	}
	fact_number(finding->facts, "entries", entries);
	fact_number(finding->facts, "bytes", bytes);
	finding->size = ended ? offset : 0;
	if (input->whole)
		finding_check(finding, "entries", ended && offset <= up4(input->size),
			      "it breaks off, or is damaged, at byte %llu",
			      (unsigned long long)offset);
}
