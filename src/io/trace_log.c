// SPDX-License-Identifier: MIT
#include "io/trace_log.h"

#include <fcntl.h>

#include "base/mem.h"

int trace_log_open(FILE **log, const char *path, struct err *err)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	*log = fd < 0 ? NULL : fdopen(fd, "a");
	if (!*log)
		return err_errno(err, ERR_HOST, "cannot write %s", path);
	steal_fd(&fd);
	return 0;
}
