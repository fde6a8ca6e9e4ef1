// SPDX-License-Identifier: MIT
/* A whole image through all its threads, from a file in memory. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "fuzz_memory.h"
#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_READ ((uint64_t)32 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(image_closep) struct image *image = NULL;
	_cleanup_(closep) int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[64];
	struct err err;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (image_open(&image, path, NULL, DEADLINE_NEVER, &err) == 0)
		fuzz_drain(image_stream(image), SIZE_MAX_READ, &err);
	return 0;
}
