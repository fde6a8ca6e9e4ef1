// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "build/fs_ext.h"
#include "build/rootfs.h"

#define IMAGE_SIZE (2 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory, by a name other code can open. */
static int memory_file(char name[64], const void *data, size_t size, off_t length)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	snprintf(name, 64, "/proc/self/fd/%d", fd);
	if (fd >= 0 && (ftruncate(fd, length) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size))
		closep(&fd);
	return fd;
}

/* Any archive, into a small ext4. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fs_ext_options options = {.type = "ext4", .size = IMAGE_SIZE, .time = 1};
	_cleanup_(rootfs_freep) struct rootfs *rootfs = NULL;
	_cleanup_(closep) int archive = -1, image = -1;
	char name[64], image_name[64];
	struct err err;

	archive = memory_file(name, data, size, (off_t)size);
	image = memory_file(image_name, "", 0, IMAGE_SIZE);
	if (archive < 0 || image < 0)
		return 0;
	if (rootfs_read_archive(&rootfs, name, DEADLINE_NEVER, &err) == 0)
		fs_ext_make(image_name, &options, rootfs, DEADLINE_NEVER, &err);
	return 0;
}
