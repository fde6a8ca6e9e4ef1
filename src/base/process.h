// SPDX-License-Identifier: MIT
/*
 * Other programs, always by argument vector, never through a shell.
 */
#ifndef ABOARD_BASE_PROCESS_H
#define ABOARD_BASE_PROCESS_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/deadline.h"
#include "base/err.h"

struct process_result {
	int status;     /* exit status, or 128 + signal */
	struct buf out; /* standard output and error together, bounded */
};

/* Runs argv[0] (found on PATH) to its end with standard input from /dev/null. A program that cannot
   be started is ERR_HOST; its exit status is the caller's to judge. When the deadline passes or the
   job is cancelled the program's process group is ended and the error returned. `result->out` is
   freed by the caller. */
int process_run(const char *const *argv, struct process_result *result, struct deadline deadline,
		struct err *err);

/* Starts argv[0] in a session of its own with standard input from /dev/null and output appended to
   `log_path`
   (/dev/null when NULL), and leaves it running; *pid is the leader of its process group. */
int process_start(const char *const *argv, const char *log_path, pid_t *pid, struct err *err);

/* As process_start, but argv[0] runs only after `ready` has returned 0 for its process id: what is
   noted about it there is written before it does anything, and when this process dies first, it
   never runs. An error of `ready` is returned, and nothing was run. */
int process_start_noted(const char *const *argv, const char *log_path,
			int (*ready)(void *context, pid_t pid, struct err *err), void *context,
			pid_t *pid, struct err *err);

/* Starts argv[0] (found on PATH) in a session of its own on descriptors of the caller's: standard
   input from `in_fd` (-1: /dev/null), standard output and error to `out_fd`. Returns once the exec
   has worked; the caller ends and waits for *pid. */
int process_spawn(const char *const *argv, int in_fd, int out_fd, pid_t *pid, struct err *err);

/* "argv[0] argv[1] ..." for messages, quoted where needed; owned by the caller. */
char *process_describe(const char *const *argv);

#endif
