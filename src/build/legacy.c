// SPDX-License-Identifier: MIT
#include "build/legacy.h"

#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"

#define MAGIC 0x27051956U

void legacy_header(const struct legacy *legacy, uint8_t header[LEGACY_HEADER])
{
	memset(header, 0, LEGACY_HEADER);
	put_be32(header, MAGIC);
	put_be32(header + 8, legacy->time);
	put_be32(header + 12, legacy->size);
	put_be32(header + 16, legacy->load);
	put_be32(header + 20, legacy->entry);
	put_be32(header + 24, legacy->data_crc);
	header[28] = legacy->os;
	header[29] = legacy->arch;
	header[30] = legacy->type;
	header[31] = legacy->compression;
	memcpy(header + 32, legacy->name, strnlen(legacy->name, LEGACY_NAME));
	put_be32(header + 4, crc32_add(0, header, LEGACY_HEADER));
}

int legacy_parse(const uint8_t *header, size_t size, struct legacy *legacy, struct err *err)
{
	uint8_t copy[LEGACY_HEADER];

	if (size < LEGACY_HEADER || be32(header) != MAGIC)
		return err_set(err, ERR_IMAGE, "no U-Boot legacy image");
	memcpy(copy, header, LEGACY_HEADER);
	put_be32(copy + 4, 0);
	if (crc32_add(0, copy, LEGACY_HEADER) != be32(header + 4))
		return err_set(err, ERR_IMAGE, "the header of the legacy image is damaged");
	*legacy = (struct legacy){
		.time = be32(header + 8),
		.size = be32(header + 12),
		.load = be32(header + 16),
		.entry = be32(header + 20),
		.data_crc = be32(header + 24),
		.os = header[28],
		.arch = header[29],
		.type = header[30],
		.compression = header[31],
	};
	memcpy(legacy->name, header + 32, LEGACY_NAME);
	return 0;
}

int legacy_script(const char *text, size_t size, uint64_t address, uint32_t time, struct buf *out,
		  struct err *err)
{
	uint8_t table[8] = {0}, header[LEGACY_HEADER];
	struct legacy legacy = {
		.time = time,
		.load = (uint32_t)address,
		.entry = (uint32_t)address,
		.os = LEGACY_OS_LINUX,
		.arch = LEGACY_ARM64,
		.type = LEGACY_SCRIPT,
	};

	put_be32(table, (uint32_t)size);
	legacy.size = (uint32_t)(size + sizeof(table));
	legacy.data_crc = crc32_add(crc32_add(0, table, sizeof(table)), text, size);
	legacy_header(&legacy, header);
	if (!buf_add(out, header, sizeof(header)) || !buf_add(out, table, sizeof(table)) ||
	    !buf_add(out, text, size))
		return err_set(err, ERR_CONFIG, "the boot script is too long");
	return 0;
}

struct number_name {
	unsigned int number;
	const char *name;
};

static const struct number_name arch_names[] = {
	{LEGACY_ARM, "ARM"}, {LEGACY_ARM64, "AArch64"},
	{3, "Intel x86"},    {24, "Intel x86_64"},
	{26, "RISC-V"},      {0, NULL},
};

static const struct number_name type_names[] = {
	{LEGACY_KERNEL, "Kernel Image"}, {3, "RAMDisk Image"},
	{4, "Multi-File Image"},         {5, "Firmware"},
	{LEGACY_SCRIPT, "Script"},       {0, NULL},
};

static const struct number_name compression_names[] = {
	{0, "uncompressed"},
	{1, "gzip compressed"},
	{2, "bzip2 compressed"},
	{3, "lzma compressed"},
	{5, "lz4 compressed"},
	{6, "zstd compressed"},
	{0, NULL},
};

static const char *name_of(const struct number_name *names, unsigned int number)
{
	for (; names->name; names++)
		if (names->number == number)
			return names->name;
	return "Unknown";
}

void legacy_text(const struct legacy *legacy, struct buf *out)
{
	time_t seconds = (time_t)legacy->time;
	char date[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
	buf_addf(out, "Image Name:   %s\nCreated:      %s\n", legacy->name, date);
	buf_addf(out, "Image Type:   %s %s %s (%s)\n", name_of(arch_names, legacy->arch),
		 legacy->os == LEGACY_OS_LINUX ? "Linux" : "Unknown",
		 name_of(type_names, legacy->type),
		 name_of(compression_names, legacy->compression));
	buf_addf(out, "Data Size:    %u Bytes = %.2f KiB = %.2f MiB\n", legacy->size,
		 legacy->size / 1024.0, legacy->size / 1048576.0);
	buf_addf(out, "Load Address: %08x\nEntry Point:  %08x\n", legacy->load, legacy->entry);
}

int legacy_time(const char *epoch, int64_t now, uint32_t *time, struct err *err)
{
	uint64_t value = (uint64_t)now;

	if (epoch && *epoch && !text_u64(epoch, UINT32_MAX, &value))
		return err_set(err, ERR_CONFIG,
			       "SOURCE_DATE_EPOCH=%s is no number of seconds since 1970", epoch);
	*time = (uint32_t)value;
	return 0;
}
