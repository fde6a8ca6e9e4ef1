// SPDX-License-Identifier: MIT
#include "image/foreign.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "image/codec.h"

#define UNPACK     "unpack it and give the image that is in it"
#define RECOMPRESS "unpack it, or compress the image with xz, zstd, gzip, bzip2 or lz4"
#define CONVERT    "convert it with: qemu-img convert -O raw"
#define LOGIN      "check the address; it may want a login"

/* Long or structured enough that no boot sector, partition table or file system begins so. */
static const struct {
	const char *magic;
	size_t length;
	const char *what, *remedy;
} foreign[] = {
	{"PK\x03\x04", 4, "a zip archive", UNPACK},
	{"PK\x05\x06", 4, "an empty zip archive", UNPACK},
	{"7z\xbc\xaf\x27\x1c", 6, "a 7z archive", UNPACK},
	{"Rar!\x1a\x07", 6, "a rar archive", UNPACK},
	{"\x02\x21\x4c\x18", 4, "compressed in the old lz4 format", RECOMPRESS},
	{"LZIP\x01", 5, "compressed with lzip", RECOMPRESS},
	{"\x89LZO\0\r\n\x1a\n", 9, "compressed with lzop", RECOMPRESS},
	{"\x1f\x9d\x90", 3, "compressed with compress", RECOMPRESS},
	{"QFI\xfb", 4, "a qcow2 disk", CONVERT},
	{"KDMV\x01\0\0\0", 8, "a VMDK disk", CONVERT},
	{"vhdxfile", 8, "a VHDX disk", CONVERT},
	{"version https://git-lfs.github.com/spec/", 40, "a pointer of Git LFS",
	 "get the file itself with: git lfs pull"},
	{"<!DOCTYPE html", 14, "a web page", LOGIN},
	{"<!doctype html", 14, "a web page", LOGIN},
	{"<html", 5, "a web page", LOGIN},
};

/* POSIX ustar and GNU tar: the magic and the header's own checksum (bytes 148..155 count as
   blanks). */
static bool is_tar(const uint8_t *head, size_t size)
{
	unsigned long sum = 0, stated = 0;
	size_t i;

	if (size < 512 || memcmp(head + 257, "ustar", 5) != 0)
		return false;
	for (i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : head[i];
	for (i = 148; i < 156 && head[i] == ' '; i++)
		;
	for (; i < 156 && head[i] >= '0' && head[i] <= '7'; i++)
		stated = stated * 8 + (unsigned long)(head[i] - '0');
	return sum == stated;
}

/* .lzma has no magic: properties 5D, a dictionary of 2^n or 2^n + 2^(n-1) bytes, and a size that is
   unknown or below 256 GiB (liblzma's own rule); the first byte of the range coder is 0. */
static bool is_lzma_alone(const uint8_t *head, size_t size)
{
	uint32_t dictionary, lowest;
	uint64_t length;

	if (size < 14 || head[0] != 0x5d || head[13] != 0)
		return false;
	dictionary = le32(head + 1);
	lowest = dictionary & (~dictionary + 1);
	length = le64(head + 5);
	return dictionary >= 4096 && (dictionary == lowest || dictionary == 3 * lowest) &&
	       (length == UINT64_MAX || (length > 0 && length < (uint64_t)256 << 30));
}

static int refuse(const char *what, const char *remedy, bool decoded, struct err *err)
{
	err_set(err, ERR_IMAGE, "%s %s, not an image", decoded ? "what is in it is" : "this is",
		what);
	return err_remedy(err, "%s", remedy);
}

int foreign_check(const uint8_t *head, size_t size, bool decoded, struct err *err)
{
	const struct codec *codec = decoded ? codec_of(head, size) : NULL;
	size_t i;

	if (codec) {
		err_set(err, ERR_IMAGE, "what is in it is compressed once more, with %s",
			codec->name);
		return err_remedy(err, "undo one of the two: the image must be compressed once");
	}
	for (i = 0; i < ARRAY_SIZE(foreign); i++)
		if (size >= foreign[i].length &&
		    memcmp(head, foreign[i].magic, foreign[i].length) == 0)
			return refuse(foreign[i].what, foreign[i].remedy, decoded, err);
	if (is_tar(head, size))
		return refuse("a tar archive", UNPACK, decoded, err);
	if (is_lzma_alone(head, size))
		return refuse("compressed in the old .lzma format", RECOMPRESS, decoded, err);
	return 0;
}
