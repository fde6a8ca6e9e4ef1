// SPDX-License-Identifier: MIT
#include "cli/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/mem.h"

static const int watched[] = {SIGINT, SIGTERM, SIGHUP};

/* A terminal may have a bar on this line: it is overwritten, and what comes is drawn anew. */
static void say(const char *text)
{
	if (isatty(STDERR_FILENO) && write(STDERR_FILENO, "\r\033[K", 4) < 0)
		return;
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

static void *watch(void *context)
{
	static const char first[] = "aboard: cancelled; cleaning up\n";
	static const char later[] = "aboard: still cleaning up; please wait\n";
	struct signals *signals = context;
	struct pollfd fds[] = {{.fd = signals->signal_fd, .events = POLLIN},
			       {.fd = signals->stop_fd, .events = POLLIN}};
	struct signalfd_siginfo info;
	const char *text = first;
	uint64_t one = 1;

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents)
			return NULL;
		if (!fds[0].revents ||
		    read(signals->signal_fd, &info, sizeof(info)) != sizeof(info))
			continue;
		say(text);
		text = later;
		if (write(signals->cancel_fd, &one, sizeof(one)) < 0)
			continue;
	}
}

static void block(sigset_t *set)
{
	struct sigaction now;
	sigset_t winch;
	size_t i;

	sigemptyset(set);
	for (i = 0; i < ARRAY_SIZE(watched); i++)
		if (sigaction(watched[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(set, watched[i]);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	sigemptyset(&winch);
	sigaddset(&winch, SIGWINCH); /* for session.c, which is to miss none */
	pthread_sigmask(SIG_BLOCK, &winch, NULL);
}

int signals_begin(struct signals *signals, struct err *err)
{
	sigset_t set;

	*signals = (struct signals){.cancel_fd = -1, .signal_fd = -1, .stop_fd = -1};
	block(&set);
	signals->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	signals->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	signals->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->cancel_fd < 0 || signals->stop_fd < 0 || signals->signal_fd < 0)
		return err_errno(err, ERR_HOST, "cannot watch for signals");
	errno = pthread_create(&signals->thread, NULL, watch, signals);
	if (errno == 0)
		return 0;
	closep(&signals->stop_fd);
	return err_errno(err, ERR_HOST, "cannot watch for signals");
}

void signals_end(struct signals *signals)
{
	uint64_t one = 1;

	if (signals->stop_fd >= 0 && write(signals->stop_fd, &one, sizeof(one)) > 0)
		pthread_join(signals->thread, NULL);
	closep(&signals->cancel_fd);
	closep(&signals->signal_fd);
	closep(&signals->stop_fd);
}
