// SPDX-License-Identifier: MIT
#include "build/stm32.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/text.h"
#include "build/finding.h"

/* From the checksum on. */
enum {
	AT_VERSION = 4,
	AT_LENGTH = 8,
	AT_ENTRY = 12,
	AT_RESERVED1 = 16,
	AT_LOAD = 20,
	AT_RESERVED2 = 24,
	AT_VERSION_NUMBER = 28,
};

#define FLAG1_NOT_SIGNED  0x1u
#define FLAG2_SIGNED      0x1u
#define FLAG2_ENCRYPTED   0x2u
#define FLAG2_PADDING     0x80000000u
#define EXTENSION_PADDING 0xffff5453u
#define ALGORITHM_P256    1
#define AT_ALGORITHM      0x68 /* version 1 only */

const struct stm32_layout stm32_layouts[] = {
	{"1.0", "STM32MP15", 0x00010000, 0x100, 64, 0x44, 0x64, 0xff, 0, 0xac, 83, 247 << 10},
	{"2.0", "STM32MP13", 0x00020000, 0x200, 64, 0x44, 0x64, 0x6c, 0x80, 0x70, 16, 128 << 10},
	{"2.2", "STM32MP23, STM32MP25", 0x00020200, 0x200, 64, 0x44, 0x64, 0x6c, 0x80, 0x70, 16, 0},
	{"2.3", "STM32MP21", 0x00020300, 0x240, 96, 0x64, 0x84, 0x8c, 0xa0, 0x90, 8, 0},
	{0},
};

const struct stm32_layout *stm32_layout_find(const char *name)
{
	const struct stm32_layout *layout;

	if (text_equal(name, "1"))
		name = "1.0";
	if (text_equal(name, "2"))
		name = "2.0";
	for (layout = stm32_layouts; layout->name; layout++)
		if (text_equal(layout->name, name))
			return layout;
	return NULL;
}

bool stm32_is(const uint8_t *data, size_t size)
{
	return size >= 4 && memcmp(data, "STM2", 4) == 0;
}

/* Version 2.3 has a longer signature before the version field than the others. */
static const struct stm32_layout *layout_of(const uint8_t *data, size_t size)
{
	const struct stm32_layout *layout;

	for (layout = stm32_layouts; layout->name; layout++)
		if (size >= layout->size &&
		    le32_at(data + layout->fields + AT_VERSION) == layout->version)
			return layout;
	return NULL;
}

static bool is_zero(const uint8_t *data, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (data[i])
			return false;
	return true;
}

static void read_flags(const uint8_t *data, struct stm32_header *header)
{
	const struct stm32_layout *layout = header->layout;

	header->flags = le32_at(data + layout->flags);
	if (layout->extension) {
		header->is_signed = header->flags & FLAG2_SIGNED;
		header->is_encrypted = header->flags & FLAG2_ENCRYPTED;
	} else {
		header->is_signed = !(header->flags & FLAG1_NOT_SIGNED);
	}
}

int stm32_parse(const uint8_t *data, size_t size, struct stm32_header *header, struct err *err)
{
	const struct stm32_layout *layout;
	const uint8_t *fields;

	if (!stm32_is(data, size))
		return err_set(err, ERR_IMAGE, "there is no STM32 header");
	layout = layout_of(data, size);
	if (!layout)
		return err_set(err, ERR_IMAGE,
			       "the STM32 header is cut short, or of none of the versions 1.0, "
			       "2.0, 2.2 and 2.3");
	fields = data + layout->fields;
	*header = (struct stm32_header){
		.layout = layout,
		.checksum = le32_at(fields),
		.length = le32_at(fields + AT_LENGTH),
		.entry = le32_at(fields + AT_ENTRY),
		.load = le32_at(fields + AT_LOAD),
		.version_number = le32_at(fields + AT_VERSION_NUMBER),
		.type = data[layout->type],
		.reserved_clean = is_zero(fields + AT_RESERVED1, 4) &&
				  is_zero(fields + AT_RESERVED2, 4) &&
				  is_zero(data + layout->padding, layout->padding_size),
	};
	read_flags(data, header);
	return 0;
}

uint32_t stm32_checksum(uint32_t checksum, const uint8_t *data, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		checksum += data[i];
	return checksum;
}

void stm32_make(const struct stm32_header *header, uint8_t out[STM32_HEADER_MAX])
{
	const struct stm32_layout *layout = header->layout;
	uint8_t *fields = out + layout->fields;
	uint32_t rest = (uint32_t)(layout->size - layout->extension);

	memset(out, 0, STM32_HEADER_MAX);
	memcpy(out, "STM2", 4);
	put_le32(fields, header->checksum);
	put_le32(fields + AT_VERSION, layout->version);
	put_le32(fields + AT_LENGTH, header->length);
	put_le32(fields + AT_ENTRY, header->entry);
	put_le32(fields + AT_LOAD, header->load);
	put_le32(fields + AT_VERSION_NUMBER, header->version_number);
	out[layout->type] = header->type;
	if (!layout->extension) {
		put_le32(out + layout->flags, FLAG1_NOT_SIGNED);
		put_le32(out + AT_ALGORITHM, ALGORITHM_P256);
		return;
	}
	put_le32(out + layout->flags, FLAG2_PADDING);
	put_le32(out + layout->flags + 4, rest);
	put_le32(out + layout->extension, EXTENSION_PADDING);
	put_le32(out + layout->extension + 4, rest);
}

const char *stm32_type_name(uint8_t type)
{
	static const struct {
		uint8_t first, last;
		const char *name;
	} names[] = {
		{0x00, 0x00, "U-Boot"},
		{0x10, 0x1f, "TF-A"},
		{0x20, 0x2f, "OP-TEE"},
		{0x30, 0x30, "Cortex-M33 firmware"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (type >= names[i].first && type <= names[i].last)
			return names[i].name;
	return "unknown";
}
