// SPDX-License-Identifier: MIT
/* A local serial port: 8N1, raw, no flow control, any baud rate, for us alone. The kernel's own
   termios2 is used, because only it takes a number as baud rate; its header and <termios.h> cannot
   be had together. */
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/holder.h"
#include "io/stream_kinds.h"

static int tty_fd(struct stream *stream)
{
	return container_of(stream, struct fd_stream, stream)->fd;
}

static bool is_near(unsigned int is, unsigned int wanted)
{
	uint64_t apart = is > wanted ? is - wanted : wanted - is;

	return apart * 100 <= (uint64_t)wanted * 3; /* a UART's receiver stands about 3 % */
}

static int set_mode(int fd, unsigned int baud, struct err *err)
{
	struct termios2 mode = {0};

	if (ioctl(fd, TCGETS2, &mode) < 0)
		return err_set(err, ERR_CONFIG, "this is no serial port");
	mode.c_iflag = 0;
	mode.c_oflag = 0;
	mode.c_lflag = 0;
	/* Without HUPCL DTR stays as it is when we leave: many boards reset on it. */
	mode.c_cflag = CS8 | CREAD | CLOCAL | BOTHER | (BOTHER << IBSHIFT);
	mode.c_ispeed = mode.c_ospeed = baud;
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	if (ioctl(fd, TCSETS2, &mode) < 0 || ioctl(fd, TCGETS2, &mode) < 0)
		return err_errno(err, ERR_HOST, "cannot set 8N1 at %u baud", baud);
	if (is_near(mode.c_ospeed, baud))
		return 0;
	err_set(err, ERR_CONFIG, "this port cannot do %u baud (nearest: %u)", baud, mode.c_ospeed);
	return err_remedy(err, "set `baud` to what the board uses, or take another adapter");
}

static int set_line(struct stream *stream, int line, bool on, struct err *err)
{
	if (ioctl(tty_fd(stream), on ? TIOCMBIS : TIOCMBIC, &line) < 0)
		return err_errno(err, ERR_HOST, "cannot set %s", line == TIOCM_DTR ? "DTR" : "RTS");
	return 0;
}

static int set_dtr(struct stream *stream, bool on, struct err *err)
{
	return set_line(stream, TIOCM_DTR, on, err);
}

static int set_rts(struct stream *stream, bool on, struct err *err)
{
	return set_line(stream, TIOCM_RTS, on, err);
}

static int set_baud(struct stream *stream, unsigned int baud, struct err *err)
{
	return set_mode(tty_fd(stream), baud, err);
}

static int send_break(struct stream *stream, struct err *err)
{
	if (ioctl(tty_fd(stream), TCSBRK, 0) < 0)
		return err_errno(err, ERR_HOST, "cannot send a break");
	return 0;
}

static const struct stream_lines lines = {
	.set_dtr = set_dtr,
	.set_rts = set_rts,
	.set_baud = set_baud,
	.send_break = send_break,
};

static void close_tty(struct stream *stream)
{
	ioctl(tty_fd(stream), TIOCNXCL);
	fd_stream_close(stream);
}

static const struct stream_ops ops = {
	.read = fd_stream_read,
	.write = fd_stream_write,
	.close = close_tty,
	.poll_fd = fd_stream_poll_fd,
	.lines = &lines,
};

static int busy(const char *path, struct err *err)
{
	_cleanup_(freep) char *who = holder_of(path);

	if (who)
		err_set(err, ERR_BUSY, "another program has this port open: %s", who);
	else
		err_set(err, ERR_BUSY, "another program has this port open");
	return err_remedy(err, "end that program, or take another port");
}

static int open_error(const char *path, struct err *err)
{
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		err_errno(err, ERR_NOT_FOUND, "there is no such serial port");
		return err_remedy(err,
				  "is the adapter plugged in? /dev/serial/by-id lists what is");
	case EACCES:
	case EPERM:
		err_errno(err, ERR_HOST, "this user may not open the port");
		return err_remedy(err, "add the user to the group of the port (often: adduser USER "
				       "dialout, then log in again), or add a udev rule");
	case EBUSY:
		return busy(path, err);
	default:
		return err_errno(err, ERR_HOST, "cannot open the port");
	}
}

/* The lock is for programs that ask for it; TIOCEXCL keeps the others out, except root. */
static int claim(int fd, const char *path, struct err *err)
{
	int exclusive = 0;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? busy(path, err)
					    : err_errno(err, ERR_HOST, "cannot lock the port");
	if (ioctl(fd, TIOCGEXCL, &exclusive) == 0 && exclusive)
		return busy(path, err);
	if (ioctl(fd, TIOCEXCL) < 0)
		return err_errno(err, ERR_HOST, "cannot claim the port");
	return 0;
}

static int open_port(int *fd, const char *path, struct err *err)
{
	struct stat is;

	if (stat(path, &is) == 0 && !S_ISCHR(is.st_mode))
		return err_set(err, ERR_CONFIG, "this is no character device");
	/* O_NONBLOCK: without it open() waits for carrier. */
	*fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0)
		return open_error(path, err);
	if (!isatty(*fd))
		return err_set(err, ERR_CONFIG, "this is no serial port");
	return 0;
}

int stream_open_tty(struct stream **stream, const char *path,
		    const struct stream_settings *settings, struct deadline deadline,
		    struct err *err)
{
	_cleanup_(closep) int fd = -1;
	struct fd_stream *self;
	int rc = open_port(&fd, path, err);

	(void)deadline;
	if (rc == 0)
		rc = claim(fd, path, err);
	if (rc < 0)
		return rc;
	rc = set_mode(fd, settings->baud, err);
	if (rc < 0) {
		ioctl(fd, TIOCNXCL);
		return rc;
	}
	self = xcalloc(1, sizeof(*self));
	fd_stream_init(self, &ops, steal_fd(&fd), path);
	*stream = &self->stream;
	return 0;
}
