// SPDX-License-Identifier: MIT
#include "cli/confirm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/mem.h"
#include "base/text.h"

/* The plan is shown on stderr, so that must be a terminal; the image may come from stdin, so the
   answer comes from the terminal itself. */
int asker_open(struct asker *asker, const char *board, int cancel_fd, struct err *err)
{
	*asker = (struct asker){.fd = -1, .cancel_fd = cancel_fd, .board = board};
	if (isatty(STDERR_FILENO))
		asker->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (isatty(STDERR_FILENO) && asker->fd < 0 && isatty(STDIN_FILENO))
		asker->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (asker->fd >= 0)
		return 0;
	err_set(err, ERR_REFUSED, "there is no terminal to ask whether '%s' may be written", board);
	return err_remedy(err,
			  "say yes in advance with --yes; 'aboard plan' shows what it is about");
}

void asker_close(struct asker *asker)
{
	closep(&asker->fd);
}

static int read_answer(const struct asker *asker, char *answer, size_t size,
		       struct deadline deadline, struct err *err)
{
	struct pollfd ready = {.fd = asker->fd, .events = POLLIN};
	int rc = deadline_poll(&ready, 1, deadline, err);
	ssize_t got;

	if (rc < 0)
		return rc;
	got = read(asker->fd, answer, size - 1);
	if (got <= 0)
		return err_set(err, ERR_REFUSED, "there was no answer");
	answer[got] = '\0';
	return 0;
}

int asker_wait(void *context, const char *question, struct deadline deadline, struct err *err)
{
	const struct asker *asker = context;
	char answer[64];

	if (asker->term)
		term_clear(asker->term);
	print_clean(stderr, question, 0);
	fputs(" [Enter] ", stderr);
	fflush(stderr);
	return read_answer(asker, answer, sizeof(answer), deadline, err);
}

/* Shows a question and returns the answer, trimmed, in `answer`; NULL: there was none. */
static const char *ask(const struct asker *asker, const char *question, char *answer, size_t size)
{
	struct deadline deadline = {.at_ms = INT64_MAX, .cancel_fd = asker->cancel_fd};

	if (asker->term)
		term_clear(asker->term);
	print_clean(stderr, question, 0);
	fflush(stderr);
	if (read_answer(asker, answer, size, deadline, NULL) == 0)
		return text_trim(answer);
	fputc('\n', stderr);
	return NULL;
}

bool asker_ask(void *context, const struct plan *plan, const char *digest)
{
	const struct asker *asker = context;
	_cleanup_(freep) char *question = xasprintf("Write this to %s? [y/N] ", asker->board);
	char answer[64];
	const char *word = ask(asker, question, answer, sizeof(answer));

	(void)plan; /* the plan event has shown both */
	(void)digest;
	return word && (strcasecmp(word, "y") == 0 || strcasecmp(word, "yes") == 0);
}

bool asker_ask_phrase(void *context, const char *phrase)
{
	_cleanup_(freep) char *question =
		xasprintf("This cannot be undone: %s.\nType these words to agree: ", phrase);
	char answer[1024];

	return text_equal(ask(context, question, answer, sizeof(answer)), phrase);
}
