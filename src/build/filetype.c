// SPDX-License-Identifier: MIT
#include "build/filetype.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "build/unpack.h"

struct magic {
	size_t offset, size;
	const char *bytes;
	enum file_kind kind;
};

/* In this order: an arm64 Image with an EFI stub also begins with MZ. */
static const struct magic magics[] = {
	{56, 4, "ARM\x64", FILE_ARM64_IMAGE},
	{36, 4, "\x18\x28\x6f\x01", FILE_ZIMAGE},
	{0, 4,
	 "\x7f"
	 "ELF",
	 FILE_ELF},
	{0, 2, "MZ", FILE_PE},
	{0, 4, "\x27\x05\x19\x56", FILE_UIMAGE},
	{0, 6, "070701", FILE_CPIO},
	{0, 6, "070702", FILE_CPIO},
	{0, 6, "070707", FILE_CPIO},
	{0, 4, "\xd0\x0d\xfe\xed", FILE_FDT},
	{0, 8, "\x00\x09\x0f\xf0\x0f\xf0\x0f\xf0", FILE_XILINX_BIT},
	{0, 4, "\x8c\xff\x7c\xf9", FILE_POLICY},
	{0, 2, "\x1f\x8b", FILE_GZIP},
	{0, 4, "\x28\xb5\x2f\xfd", FILE_ZSTD},
	{0, 6,
	 "\xfd"
	 "7zXZ\0",
	 FILE_XZ},
	{0, 4, "\x02\x21\x4c\x18", FILE_LZ4},
	{0, 4, "\x04\x22\x4d\x18", FILE_LZ4},
	{0, 3, "BZh", FILE_BZIP2},
};

static const char *const names[FILE_KIND_COUNT] = {
	[FILE_BINARY] = "data of an unknown kind",
	[FILE_EMPTY] = "empty",
	[FILE_TEXT] = "text",
	[FILE_ARM64_IMAGE] = "an arm64 Linux Image",
	[FILE_ZIMAGE] = "an arm zImage",
	[FILE_ELF] = "an ELF program",
	[FILE_PE] = "a PE (EFI) program",
	[FILE_UIMAGE] = "a U-Boot legacy image",
	[FILE_CPIO] = "a cpio archive",
	[FILE_FDT] = "a device tree blob",
	[FILE_XILINX_BIT] = "a Xilinx bitstream",
	[FILE_POLICY] = "an XSM (SELinux) policy",
	[FILE_GZIP] = "gzip data",
	[FILE_ZSTD] = "zstd data",
	[FILE_XZ] = "xz data",
	[FILE_LZ4] = "lz4 data",
	[FILE_BZIP2] = "bzip2 data",
};

#define KIND(kind) (1U << (kind))

static const struct {
	const char *what;
	unsigned int kinds;
	bool packed; /* gzip or zstd around it is fine */
} wanted_facts[] = {
	[WANTED_KERNEL] = {"a kernel: an arm64 Image, a zImage, ELF, PE, a uImage or a bare binary",
			   KIND(FILE_BINARY) | KIND(FILE_ARM64_IMAGE) | KIND(FILE_ZIMAGE) |
				   KIND(FILE_ELF) | KIND(FILE_PE) | KIND(FILE_UIMAGE),
			   true},
	[WANTED_RAMDISK] = {"a cpio archive, plain or packed with gzip or zstd", KIND(FILE_CPIO),
			    true},
	[WANTED_TREE] = {"a device tree blob, not packed", KIND(FILE_FDT), false},
	[WANTED_PACKED_TREE] = {"a device tree blob", KIND(FILE_FDT), true},
	[WANTED_BITSTREAM] = {"a Xilinx bitstream (BIT data)", KIND(FILE_XILINX_BIT), false},
	[WANTED_TEXT] = {"plain text", KIND(FILE_TEXT) | KIND(FILE_EMPTY), false},
	[WANTED_POLICY] = {"an XSM (SELinux) policy", KIND(FILE_POLICY), false},
};

const char *filetype_name(enum file_kind kind)
{
	return names[kind];
}

static bool is_text(const uint8_t *head, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (head[i] < 0x80 && !isprint(head[i]) && !isspace(head[i]) && head[i] != 0x1b)
			return false;
		else if (head[i] == 0xff || head[i] == 0xfe || head[i] == 0xc0 || head[i] == 0xc1)
			return false; /* never in UTF-8 */
	return true;
}

enum file_kind filetype_of(const uint8_t *head, size_t size)
{
	const struct magic *magic;
	size_t i;

	if (size == 0)
		return FILE_EMPTY;
	for (i = 0; i < ARRAY_SIZE(magics); i++) {
		magic = &magics[i];
		if (size >= magic->offset + magic->size &&
		    memcmp(head + magic->offset, magic->bytes, magic->size) == 0)
			return magic->kind;
	}
	return is_text(head, size) ? FILE_TEXT : FILE_BINARY;
}

/* Bytes in memory that a kernel's header speaks of: image_size of an arm64 Image (from its text
   on), end - start of a zImage. */
static uint64_t claimed_size(enum file_kind kind, const uint8_t *head, size_t size)
{
	if (kind == FILE_ARM64_IMAGE && size >= 64)
		return le64(head + 16);
	if (kind == FILE_ZIMAGE && size >= 48 && le32(head + 44) > le32(head + 40))
		return le32(head + 44) - le32(head + 40);
	return 0;
}

static enum file_arch elf_arch(const uint8_t *head, size_t size)
{
	unsigned int machine = size >= 20 ? head[18] | (unsigned int)head[19] << 8 : 0;

	return machine == 183 ? ARCH_ARM64 : machine == 40 ? ARCH_ARM : ARCH_UNKNOWN;
}

static enum file_arch pe_arch(const uint8_t *head, size_t size)
{
	uint32_t at = size >= 64 ? le32(head + 60) : UINT32_MAX;
	unsigned int machine;

	if (at > FILE_HEAD || at + 6 > size)
		return ARCH_UNKNOWN;
	machine = head[at + 4] | (unsigned int)head[at + 5] << 8;
	return machine == 0xaa64 ? ARCH_ARM64 : machine == 0x1c2 ? ARCH_ARM : ARCH_UNKNOWN;
}

static enum file_arch arch_of(enum file_kind kind, const uint8_t *head, size_t size)
{
	if (kind == FILE_ARM64_IMAGE)
		return ARCH_ARM64;
	if (kind == FILE_ZIMAGE)
		return ARCH_ARM;
	if (kind == FILE_ELF)
		return elf_arch(head, size);
	if (kind == FILE_PE)
		return pe_arch(head, size);
	if (kind == FILE_UIMAGE && size > 29)
		return head[29] == 22 ? ARCH_ARM64 : head[29] == 2 ? ARCH_ARM : ARCH_UNKNOWN;
	return ARCH_UNKNOWN;
}

static int file_size(int fd, const char *path, uint64_t *size, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, ERR_HOST, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "%s is not a file", path);
	*size = (uint64_t)st.st_size;
	return 0;
}

int filetype_read(const char *path, struct file_facts *facts, struct err *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint8_t head[FILE_HEAD];
	size_t size = 0;
	ssize_t got;
	int rc;

	*facts = (struct file_facts){.packing = FILE_BINARY};
	if (fd < 0)
		return err_errno(err, ERR_NOT_FOUND, "cannot open %s", path);
	rc = file_size(fd, path, &facts->size, err);
	if (rc < 0)
		return rc;
	while (size < sizeof(head) && (got = read(fd, head + size, sizeof(head) - size)) > 0)
		size += (size_t)got;
	facts->kind = filetype_of(head, size);
	facts->claimed = claimed_size(facts->kind, head, size);
	if (facts->kind == FILE_GZIP || facts->kind == FILE_ZSTD) {
		facts->packing = facts->kind;
		rc = unpack_head(fd, facts->packing == FILE_GZIP, head, sizeof(head), &size, err);
		if (rc < 0)
			return err_prefix(err, "%s", path);
		facts->kind = filetype_of(head, size);
	}
	facts->arch = arch_of(facts->kind, head, size);
	return 0;
}

int filetype_check(const char *path, const char *name, enum file_wanted wanted,
		   struct file_facts *facts, struct err *err)
{
	bool packed;
	int rc = filetype_read(path, facts, err);

	if (rc < 0)
		return rc;
	packed = facts->packing != FILE_BINARY;
	if ((wanted_facts[wanted].kinds & KIND(facts->kind)) &&
	    (!packed || wanted_facts[wanted].packed))
		return 0;
	return err_set(err, ERR_IMAGE, "%s is %s%s%s; it should be %s", name,
		       filetype_name(facts->kind), packed ? " packed as " : "",
		       packed ? filetype_name(facts->packing) : "", wanted_facts[wanted].what);
}
