// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "build/filetype.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a boot script is to load: recognised, and unpacked to its end when it is packed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(closep) int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct file_facts facts;
	struct err err;
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (filetype_check(path, "fuzz", WANTED_KERNEL, &facts, &err) == 0)
		filetype_name(facts.kind);
	return 0;
}
