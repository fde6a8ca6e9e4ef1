// SPDX-License-Identifier: MIT
/*
 * Asking the person before a board is written.
 */
#ifndef ABOARD_CLI_CONFIRM_H
#define ABOARD_CLI_CONFIRM_H

#include <stdbool.h>

#include "base/deadline.h"
#include "base/err.h"
#include "cli/term.h"
#include "engine/job.h"

struct asker {
	int fd; /* of the terminal; -1: none */
	int cancel_fd;
	const char *board;
	struct term *term; /* NULL: none */
};

/* Opens the terminal; ERR_REFUSED with the remedy --yes when nobody is there to see and answer. */
int asker_open(struct asker *asker, const char *board, int cancel_fd, struct err *err);
void asker_close(struct asker *asker);

/* For struct power: shows the question and waits for Enter; the context is the struct asker. */
int asker_wait(void *context, const char *question, struct deadline deadline, struct err *err);

/* For job_settings; the context is the struct asker. Anything but y or yes is no. */
bool asker_ask(void *context, const struct plan *plan, const char *digest);

/* The same for what cannot be undone: the phrase itself must be typed. */
bool asker_ask_phrase(void *context, const char *phrase);

#endif
