// SPDX-License-Identifier: MIT
#include "cli/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"

#define WRITE_MS 10000 /* for a console that does not take what is typed */

enum escape_action escape_take(struct escape *escape, char byte)
{
	bool pending = escape->pending;

	escape->pending = !pending && byte == ESCAPE_KEY;
	if (escape->pending)
		return ESCAPE_WAIT;
	if (!pending || byte == ESCAPE_KEY)
		return ESCAPE_SEND;
	return byte == '.' || byte == 'q' ? ESCAPE_END : ESCAPE_HELP;
}

void prompt_received(struct prompt_watch *watch, const char *bytes, size_t size)
{
	size_t i;

	for (i = size > 2 ? size - 2 : 0; i < size; i++) {
		watch->last[0] = watch->last[1];
		watch->last[1] = bytes[i];
	}
}

/* After Enter the next prompt is a fresh one. */
void prompt_typed(struct prompt_watch *watch, char byte)
{
	watch->typed = byte != '\r' && byte != '\n';
	watch->last[0] = watch->last[1] = '\0';
}

bool prompt_waits(const struct prompt_watch *watch)
{
	return !watch->typed && watch->last[1] == ' ' &&
	       (watch->last[0] == '#' || watch->last[0] == '$');
}

/* What session_run() keeps. */
struct running {
	const struct session *session;
	struct escape escape;
	struct prompt_watch prompt;
	bool size_changed, over;
};

static struct deadline no_end(const struct session *session)
{
	return (struct deadline){.at_ms = INT64_MAX, .cancel_fd = session->cancel_fd};
}

static void put(int fd, const char *bytes, size_t size)
{
	ssize_t step;

	for (; fd >= 0 && size; bytes += step, size -= (size_t)step) {
		step = write(fd, bytes, size);
		if (step < 0 && errno != EINTR)
			return;
		if (step < 0)
			step = 0;
	}
}

static int send_bytes(const struct session *session, const char *bytes, size_t size,
		      struct err *err)
{
	return stream_write(session->stream, bytes, size, deadline_in(no_end(session), WRITE_MS),
			    err);
}

static int tell_size(struct running *running, struct err *err)
{
	struct winsize size;
	char command[64];

	running->size_changed = false;
	if (ioctl(running->session->out_fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
		return 0;
	snprintf(command, sizeof(command), "stty rows %u cols %u\r", size.ws_row, size.ws_col);
	prompt_typed(&running->prompt, '\r');
	return send_bytes(running->session, command, strlen(command), err);
}

static int take_key(struct running *running, char byte, struct err *err)
{
	static const char help[] = "\r\n[Ctrl-] . or q: end; Ctrl-] Ctrl-]: send one Ctrl-]]\r\n";

	switch (escape_take(&running->escape, byte)) {
	case ESCAPE_SEND:
		prompt_typed(&running->prompt, byte);
		return send_bytes(running->session, &byte, 1, err);
	case ESCAPE_END:
		running->over = true;
		return 0;
	case ESCAPE_HELP:
		put(running->session->out_fd, help, sizeof(help) - 1);
		return 0;
	case ESCAPE_WAIT:
		return 0;
	}
	return 0;
}

/* The end of standard input is the end of the session. */
static int from_terminal(struct running *running, struct err *err)
{
	char bytes[256];
	ssize_t got = read(running->session->in_fd, bytes, sizeof(bytes)), i;
	int rc = 0;

	if (got < 0 && errno == EINTR)
		return 0;
	running->over = got <= 0;
	for (i = 0; i < got && rc == 0 && !running->over; i++)
		rc = take_key(running, bytes[i], err);
	return rc;
}

static int from_board(struct running *running, struct err *err)
{
	const struct session *session = running->session;
	char bytes[4096];
	size_t got;
	int rc = stream_read(session->stream, bytes, sizeof(bytes), &got, no_end(session), err);

	if (rc < 0)
		return rc;
	if (got == 0)
		return err_set(err, ERR_CONSOLE, "the console was closed from the other side");
	put(session->out_fd, bytes, got);
	put(session->log_fd, bytes, got);
	prompt_received(&running->prompt, bytes, got);
	return 0;
}

static int converse(struct running *running, int winch_fd, struct err *err)
{
	const struct session *session = running->session;
	struct signalfd_siginfo info;
	struct pollfd fds[3] = {{.fd = session->in_fd, .events = POLLIN},
				{.events = POLLIN},
				{.fd = winch_fd, .events = POLLIN}};
	int rc = 0;

	while (rc == 0 && !running->over) {
		/* a stream that listens has another descriptor when someone has come */
		fds[1].fd = session->stream->ops->poll_fd(session->stream);
		rc = deadline_poll(fds, ARRAY_SIZE(fds), no_end(session), err);
		if (rc < 0)
			return rc;
		rc = fds[1].revents ? from_board(running, err) : 0;
		if (rc == 0 && fds[0].revents)
			rc = from_terminal(running, err);
		if (fds[2].revents && read(winch_fd, &info, sizeof(info)) > 0)
			running->size_changed = session->tell_size;
		if (rc == 0 && running->size_changed && prompt_waits(&running->prompt))
			rc = tell_size(running, err);
	}
	return rc;
}

struct raw_terminal {
	int fd; /* -1: nothing to undo */
	struct termios before;
};

static void raw_end(struct raw_terminal *raw)
{
	if (raw->fd >= 0)
		tcsetattr(raw->fd, TCSADRAIN, &raw->before);
}

static int raw_begin(struct raw_terminal *raw, int fd, struct err *err)
{
	struct termios now;

	if (tcgetattr(fd, &raw->before) < 0)
		return err_errno(err, ERR_HOST, "cannot read the terminal's settings");
	now = raw->before;
	cfmakeraw(&now);
	if (tcsetattr(fd, TCSADRAIN, &now) < 0)
		return err_errno(err, ERR_HOST, "cannot set the terminal");
	raw->fd = fd;
	return 0;
}

/* SIGWINCH is blocked since the program began (signals.c), so none is lost. */
static int open_winch(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int session_run(struct session *session, struct err *err)
{
	static const char hello[] = "[connected; Ctrl-] . ends]\r\n", bye[] = "\r\n[ended]\r\n";
	_cleanup_(raw_end) struct raw_terminal raw = {.fd = -1};
	_cleanup_(closep) int winch_fd = open_winch();
	struct running running = {.session = session, .size_changed = session->tell_size};
	int rc = raw_begin(&raw, session->in_fd, err);

	if (rc < 0)
		return rc;
	put(session->out_fd, hello, sizeof(hello) - 1);
	if (session->at_prompt)
		rc = send_bytes(session, "\r", 1, err);
	if (rc == 0)
		rc = converse(&running, winch_fd, err);
	put(session->out_fd, bye, sizeof(bye) - 1);
	return rc;
}
