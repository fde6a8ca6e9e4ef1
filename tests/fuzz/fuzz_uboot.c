// SPDX-License-Identifier: MIT
/* What a board prints: U-Boot's replies, and the list of block devices of its Linux. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "drivers/uboot/blockdev.h"
#include "proto/uboot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replies(const char *text)
{
	_cleanup_(buf_free) struct buf value = {0};
	char sha256[SHA256_TEXT];
	uint64_t bytes;
	uint32_t crc;

	uboot_bytes_transferred(text, &bytes);
	uboot_crc32(text, &crc);
	uboot_sha256(text, sha256);
	uboot_env(text, "ipaddr", &value);
}

static void devices(const char *text)
{
	_cleanup_(freep) struct blockdevs *devs = xcalloc(1, sizeof(*devs));
	const struct blockdev *dev;
	struct err err;

	blockdevs_parse(devs, text);
	if (blockdevs_select(devs, "/sys/class/block#mmc", &dev, &err) == 0)
		blockdevs_partition(devs, dev, "root", &dev, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = xmalloc(size + 1);

	for (size_t i = 0; i < size; i++)
		text[i] = (char)data[i];
	text[size] = '\0';
	replies(text);
	devices(text);
	return 0;
}
