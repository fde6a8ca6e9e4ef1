// SPDX-License-Identifier: MIT
/* One command on the board, in U-Boot or in its Linux. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "drivers/uboot/uboot.h"

static int run(struct job *job, enum console_shell shell, struct deadline deadline,
	       struct buf *output, int *status, struct err *err, const char *command)
{
	struct deadline own = job_deadline(job, deadline, "command");
	int rc = console_run(job->console, shell, command, output, status, own, err);

	return rc < 0 ? err_prefix(err, "command '%.60s'", command) : 0;
}

int board_try(struct job *job, enum console_shell shell, struct deadline deadline,
	      struct buf *output, int *status, struct err *err, const char *format, ...)
{
	_cleanup_(freep) char *command = NULL;
	va_list args;

	va_start(args, format);
	command = xvasprintf(format, args);
	va_end(args);
	return run(job, shell, deadline, output, status, err, command);
}

const char *board_last_line(struct buf *output)
{
	char *text = output->data ? text_trim(output->data) : NULL, *line;

	if (!text || !*text)
		return "it printed nothing";
	line = strrchr(text, '\n');
	return line ? line + 1 : text;
}

int board_cmd(struct job *job, enum console_shell shell, struct deadline deadline,
	      struct buf *output, struct err *err, const char *format, ...)
{
	_cleanup_(buf_free) struct buf own = {0};
	_cleanup_(freep) char *command = NULL;
	struct buf *out = output ? output : &own;
	va_list args;
	int status, rc;

	va_start(args, format);
	command = xvasprintf(format, args);
	va_end(args);
	rc = run(job, shell, deadline, out, &status, err, command);
	if (rc == 0 && status != 0)
		rc = err_set(err, ERR_BOARD, "command '%.60s' failed with %d: %.200s", command,
			     status, board_last_line(out));
	return rc;
}
