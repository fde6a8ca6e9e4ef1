// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "build/genimage_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Only reads the file: what it describes is not made. Includes are left out, as libconfuse does not
   come back from a broken one in the same process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(closep) int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct genimage_options options = {0};
	struct genimage_result result = {0};
	_cleanup_(gen_free) struct gen_config config = {.options = &options, .result = &result};
	struct err err;
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	options.config = name;
	if (memmem(data, size, "include", 7) || fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	gen_read(&config, &err);
	return 0;
}
