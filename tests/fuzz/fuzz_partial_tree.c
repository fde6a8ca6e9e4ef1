// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "build/xen_disk_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A guest's partial device tree, of which its xl file is made. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(closep) int fd = memfd_create("fuzz", MFD_CLOEXEC);
	_cleanup_(buf_free) struct buf out = {.max = 1 << 20};
	struct notes notes = {0};
	struct err err;
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	xen_xl_devices(path, &out, &notes, &err);
	notes_free(&notes);
	return 0;
}
