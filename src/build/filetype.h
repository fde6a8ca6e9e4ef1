// SPDX-License-Identifier: MIT
/*
 * What a file is, by its content: as much as a boot script has to know before it loads it. Packed
 * files (gzip, zstd) are unpacked to their end, which also proves that they are whole.
 */
#ifndef ABOARD_BUILD_FILETYPE_H
#define ABOARD_BUILD_FILETYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum file_kind {
	FILE_BINARY, /* nothing known: may be a bare-metal program */
	FILE_EMPTY,
	FILE_TEXT,
	FILE_ARM64_IMAGE,
	FILE_ZIMAGE,
	FILE_ELF,
	FILE_PE,
	FILE_UIMAGE,
	FILE_CPIO,
	FILE_FDT,
	FILE_XILINX_BIT,
	FILE_POLICY,
	FILE_GZIP,
	FILE_ZSTD,
	FILE_XZ,
	FILE_LZ4,
	FILE_BZIP2,
	FILE_KIND_COUNT,
};

enum file_arch {
	ARCH_UNKNOWN,
	ARCH_ARM,
	ARCH_ARM64,
};

struct file_facts {
	enum file_kind kind;    /* what the file is; what is inside, when it is packed */
	enum file_kind packing; /* FILE_GZIP or FILE_ZSTD; FILE_BINARY: not packed */
	enum file_arch arch;
	uint64_t size;    /* bytes on disk */
	uint64_t claimed; /* bytes a kernel's header asks for in memory; 0: says nothing. Only of
			     files that are not packed. */
};

/* What is wanted of a file. */
enum file_wanted {
	WANTED_KERNEL,
	WANTED_RAMDISK,
	WANTED_TREE,        /* a device tree, not packed */
	WANTED_PACKED_TREE, /* may be packed */
	WANTED_BITSTREAM,
	WANTED_TEXT,
	WANTED_POLICY,
};

/* Recognises the first bytes of a file (as many as there are, up to FILE_HEAD). Numbers in it:
   arm64 Image: Linux Documentation/arch/arm64/booting.rst; zImage: arch/arm/boot/compressed/head.S;
   uImage: U-Boot include/image.h; cpio: cpio(5). */
#define FILE_HEAD 4096
enum file_kind filetype_of(const uint8_t *head, size_t size);

/* Reads the facts of a file (links are followed). ERR_NOT_FOUND; ERR_IMAGE when it is packed and
   damaged or cut short. */
int filetype_read(const char *path, struct file_facts *facts, struct err *err);

/* The same, and ERR_IMAGE when it is not what is wanted. `name` is for the message. */
int filetype_check(const char *path, const char *name, enum file_wanted wanted,
		   struct file_facts *facts, struct err *err);

/* "an arm64 Linux Image". */
const char *filetype_name(enum file_kind kind);

#endif
